using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Protection;
using Mainstay.Engine.Control;

namespace Mainstay.Engine.Http.Protect;

/// <summary>
/// Keeps bans over restarts: read from the state directory before the first service opens, written soon after a change. Forgets what has
/// ended.
/// </summary>
public sealed class BanPlane : IPlane, IDisposable
{
    public const string FileName = "bans";

    private const int MaxBytes = 64 * 1024 * 1024;

    /// <summary>Changes within so long are written together: an attack bans many.</summary>
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private readonly ProtectionTables _tables;
    private readonly Action<string> _warn;
    private readonly string _path;
    private readonly Lock _writing = new();
    private readonly Timer _timer;
    private int _written;
    private string? _lastError;
    private bool _isLoaded;
    private bool _isClosed;

    /// <param name="warn">Told what an operator should know; any thread.</param>
    public BanPlane(ProtectionTables tables, string stateDirectory, Action<string> warn)
    {
        _tables = tables;
        _warn = warn;
        _path = Path.Combine(stateDirectory, FileName);
        _timer = new Timer(_ => Keep());
    }

    public bool IsAlive => true;

    public Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    public Task PublishAsync(CancellationToken hurry)
    {
        if (_isLoaded) return Task.CompletedTask;
        _isLoaded = true;
        Load();
        _timer.Change(s_interval, s_interval);
        return Task.CompletedTask;
    }

    public void Abandon()
    {
    }

    public Task DrainAsync(TimeSpan timeout)
    {
        Close();
        return Task.CompletedTask;
    }

    /// <summary>Writes what is to be kept and then nothing more: another worker has the file from here on.</summary>
    public void Close()
    {
        Keep();
        lock (_writing) _isClosed = true;
    }

    /// <summary>Takes <see cref="Close"/> back.</summary>
    public void Reopen()
    {
        lock (_writing) _isClosed = false;
    }

    public void Dispose() => _timer.Dispose();

    private void Load()
    {
        try
        {
            var file = new FileInfo(_path);
            if (!file.Exists) return;
            if (file.Length > MaxBytes)
            {
                _warn($"{_path} is ignored: larger than {MaxBytes} bytes");
                return;
            }

            _tables.Bans.Restore(BanFile.Read(File.ReadAllText(_path), DateTimeOffset.UtcNow.ToUnixTimeSeconds(), out int skipped));
            _written = _tables.Bans.Generation;
            if (skipped > 0) _warn($"{_path}: {skipped} lines are not understood and left out");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _warn($"{_path} is ignored: {error.Message}");
        }
    }

    private void Keep()
    {
        lock (_writing)
        {
            if (_isClosed || !_isLoaded) return;
            _tables.Bans.Sweep(DateTimeOffset.UtcNow.ToUnixTimeSeconds());
            int generation = _tables.Bans.Generation;
            if (generation == _written) return;
            string? error = DurableFile.Write(_path, Encoding.UTF8.GetBytes(BanFile.Write(_tables.Bans.All())));
            if (error is null) _written = generation;
            else if (error != _lastError) _warn(error);
            _lastError = error;
        }
    }
}

using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Engine.Control;

namespace Mainstay.Engine.Tls;

/// <summary>
/// Loads the profiles of every configuration before the planes that use them prepare, and looks after them: files that change, ticket keys
/// that age. Before the planes with listeners in the order of planes.
/// </summary>
/// <param name="report">Told what an operator should know: true = an error.</param>
public sealed class TlsPlane(IFileSource files, Action<bool, string> report) : IPlane, IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly Dictionary<string, TimeSpan> _sinceLook = [];
    private ImmutableDictionary<string, TlsProfile> _current = ImmutableDictionary<string, TlsProfile>.Empty;
    private ImmutableDictionary<string, TlsProfile> _next = ImmutableDictionary<string, TlsProfile>.Empty;
    private ImmutableDictionary<string, UpstreamTls> _pools = ImmutableDictionary<string, UpstreamTls>.Empty;
    private ImmutableDictionary<string, UpstreamTls> _nextPools = ImmutableDictionary<string, UpstreamTls>.Empty;
    private List<(TlsProfile Profile, LoadedProfile Loaded)> _loaded = [];
    private Timer? _timer;

    /// <summary>This plane has no thread of its own.</summary>
    public bool IsAlive => true;

    /// <summary>The profiles of the configuration in force, by name. Any thread.</summary>
    public ImmutableDictionary<string, TlsProfile> Current => Volatile.Read(ref _current);

    /// <summary>Of the configuration that is being prepared.</summary>
    public TlsProfile Prepared(string name) => _next[name];

    /// <summary>How the servers of a pool of that configuration are spoken to; null = without TLS.</summary>
    public UpstreamTls? PreparedPool(string name) => _nextPools.GetValueOrDefault(name);

    public async Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel)
    {
        var errors = new List<string>();
        var profiles = ImmutableDictionary.CreateBuilder<string, TlsProfile>();
        _loaded = [];
        foreach (TlsSnapshot snapshot in next.Tls)
        {
            cancel.ThrowIfCancellationRequested();
            TlsProfile? known = _current.GetValueOrDefault(snapshot.Name);
            TlsTicketRing tickets = known?.Tickets ?? new TlsTicketRing([]);
            var loader = new TlsProfileLoader(snapshot, SpeaksHttp2(next, snapshot.Name), files, tickets);
            LoadedProfile? loaded = await loader.LoadAsync().ConfigureAwait(false);
            errors.AddRange(loader.Errors);
            if (loaded is null) continue;
            TlsProfile profile = known ?? new TlsProfile(loaded, tickets);
            profiles.Add(snapshot.Name, profile);
            _loaded.Add((profile, loaded));
        }

        _next = profiles.ToImmutable();
        await PreparePoolsAsync(next, errors, cancel).ConfigureAwait(false);
        return errors;
    }

    private async Task PreparePoolsAsync(Snapshot next, List<string> errors, CancellationToken cancel)
    {
        var pools = ImmutableDictionary.CreateBuilder<string, UpstreamTls>();
        foreach (PoolSnapshot pool in next.Pools.Where(pool => pool.Tls is not null))
        {
            cancel.ThrowIfCancellationRequested();
            UpstreamTls? known = _pools.GetValueOrDefault(pool.Name);
            if (known is not null && !await known.SuitsAsync(pool).ConfigureAwait(false)) known = null;
            known ??= await UpstreamTls.LoadAsync(pool, files, errors).ConfigureAwait(false);
            if (known is not null) pools.Add(pool.Name, known);
        }

        _nextPools = pools.ToImmutable();
    }

    public async Task PublishAsync(CancellationToken hurry)
    {
        await _gate.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            foreach ((TlsProfile profile, LoadedProfile loaded) in _loaded) profile.Use(loaded);
            Volatile.Write(ref _current, _next);
            _pools = _nextPools;
            _loaded = [];
        }
        finally
        {
            _gate.Release();
        }

        if (!_current.IsEmpty) _timer ??= new Timer(_ => _ = TickAsync(), null, s_tick, s_tick);
    }

    public void Abandon() => (_next, _nextPools, _loaded) = (_current, _pools, []);

    public Task DrainAsync(TimeSpan timeout) => Task.CompletedTask;

    public void Dispose()
    {
        _timer?.Dispose();
        _gate.Dispose();
    }

    /// <summary>ALPN is the profile's: what one of its services does not speak cannot be offered.</summary>
    private static bool SpeaksHttp2(Snapshot snapshot, string profile) =>
        snapshot.Http.All(service => service.Http2 || service.Listen.All(listener => listener.Tls != profile));

    /// <summary>One at a time; a look that takes longer than a tick is not joined by another.</summary>
    private async Task TickAsync()
    {
        if (!await _gate.WaitAsync(0).ConfigureAwait(false)) return;
        try
        {
            foreach (TlsProfile profile in _current.Values)
            {
                profile.Tickets.Advance(s_tick, profile.Snapshot.Tickets.Lifetime);
                TimeSpan since = _sinceLook.GetValueOrDefault(profile.Name) + s_tick;
                bool isDue = profile.Snapshot.Watch > TimeSpan.Zero && since >= profile.Snapshot.Watch;
                _sinceLook[profile.Name] = isDue ? TimeSpan.Zero : since;
                if (isDue) await LookAsync(profile).ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Reads a profile again whose files have changed. What is broken changes nothing, and is told once.</summary>
    private async Task LookAsync(TlsProfile profile)
    {
        bool isStale = await profile.Loaded.Files.HaveChangedAsync().ConfigureAwait(false) || HasOtherFiles(profile);
        if (!isStale) return;
        var loader = new TlsProfileLoader(profile.Snapshot, profile.Loaded.Http2, files, profile.Tickets);
        if (await loader.LoadAsync().ConfigureAwait(false) is { } loaded)
        {
            profile.Use(loaded);
            report(false, $"tls.{profile.Name}: the files have changed; new connections get {Describe(loaded)}");
            return;
        }

        string problem = string.Join("; ", loader.Errors);
        if (problem == profile.Problem) return;
        profile.Problem = problem;
        report(true, $"tls.{profile.Name}: the files have changed, but cannot be used; the certificates from before stay in force: {problem}");
    }

    /// <summary>A file has come into the directory.</summary>
    private static bool HasOtherFiles(TlsProfile profile)
    {
        if (profile.Snapshot.Directory is not { } directory) return false;
        try
        {
            int count = Directory.EnumerateFiles(directory.Path).Count(file => Path.GetExtension(file) is ".pem" or ".crt");
            return count != profile.Certificates.Length - profile.Snapshot.Certificates.Length;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private static string Describe(LoadedProfile loaded)
    {
        LoadedCertificate first = loaded.Certificates.MinBy(certificate => certificate.Facts.NotAfter)!;
        string count = loaded.Certificates.Length == 1 ? "the new certificate" : $"{loaded.Certificates.Length} certificates";
        return $"{count}, valid until {first.Facts.NotAfter:yyyy-MM-dd HH:mm} UTC";
    }
}

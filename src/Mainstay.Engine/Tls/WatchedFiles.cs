using Mainstay.Engine.Control;
using Microsoft.Win32.SafeHandles;

namespace Mainstay.Engine.Tls;

/// <summary>What tells one state of a file from another without reading it.</summary>
internal readonly record struct FileStamp(long Length, DateTime Written);

/// <summary>
/// Files as one loading of a profile read them: each once, with its stamp, so that a later look can tell whether any has changed since.
/// </summary>
internal sealed class WatchedFiles(IFileSource source)
{
    /// <summary>Larger files are no certificates: refused before they are read.</summary>
    private const int Largest = 16 * 1024 * 1024;

    private readonly Dictionary<string, FileStamp?> _stamps = [];

    /// <summary>The content, or null with the reason.</summary>
    public async Task<(byte[]? Content, string Error)> ReadAsync(string path)
    {
        (SafeFileHandle? file, string error) = await source.OpenAsync(path).ConfigureAwait(false);
        using (file)
        {
            _stamps[path] = null;
            if (file is null) return (null, error);
            try
            {
                FileStamp stamp = Stamp(file);
                if (stamp.Length > Largest) return (null, $"it has {stamp.Length} bytes, which is no such file");
                _stamps[path] = stamp;
                byte[] content = new byte[stamp.Length];
                int length = RandomAccess.Read(file, content, 0);
                return (content[..length], "");
            }
            catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                return (null, problem.Message);
            }
        }
    }

    /// <summary>Any of the files that were read, or could not be, is another one now.</summary>
    public async Task<bool> HaveChangedAsync()
    {
        foreach ((string path, FileStamp? before) in _stamps)
        {
            (SafeFileHandle? file, _) = await source.OpenAsync(path).ConfigureAwait(false);
            using (file)
            {
                if ((file is null ? null : Stamp(file)) != before) return true;
            }
        }

        return false;
    }

    private static FileStamp? StampOrNull(SafeFileHandle file)
    {
        try
        {
            return new FileStamp(RandomAccess.GetLength(file), File.GetLastWriteTimeUtc(file));
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return null;
        }
    }

    private static FileStamp Stamp(SafeFileHandle file) => StampOrNull(file) ?? default;
}

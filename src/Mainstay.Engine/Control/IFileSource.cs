using Mainstay.Linux;
using Microsoft.Win32.SafeHandles;

namespace Mainstay.Engine.Control;

/// <summary>
/// Where files come from that the worker's user may not be allowed to read, such as private keys: in production the keeper opens what the
/// configuration named while the worker was still trusted.
/// </summary>
public interface IFileSource
{
    /// <summary>Opened for reading; the caller disposes it. Null with the reason in words, the remedy included.</summary>
    Task<(SafeFileHandle? File, string Error)> OpenAsync(string path);
}

/// <summary>Opens files with the rights of this process.</summary>
public sealed class OwnFiles : IFileSource
{
    public static readonly OwnFiles Instance = new();

    public Task<(SafeFileHandle? File, string Error)> OpenAsync(string path) =>
        Task.FromResult(TryOpen(path, out SafeFileHandle? file, out Errno error) ? (file, "") : (null, error.Describe()));

    public static bool TryOpen(string path, out SafeFileHandle? file, out Errno error)
    {
        file = null;
        error = Errno.None;
        try
        {
            file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            return true;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            error = problem switch
            {
                FileNotFoundException or DirectoryNotFoundException => Errno.ENOENT,
                UnauthorizedAccessException => Errno.EACCES,
                _ => Errno.EIO,
            };
            return false;
        }
    }
}

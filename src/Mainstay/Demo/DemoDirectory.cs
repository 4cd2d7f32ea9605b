using System.Buffers;
using System.Text;
using Mainstay.Linux.Processes;

namespace Mainstay.Demo;

/// <summary>A directory of this run alone: configuration, admin socket, state, log. Removed with everything in it.</summary>
internal sealed class DemoDirectory : IDisposable
{
    /// <summary>Bytes that the path may have, so that those of unix sockets in it stay below the kernel's 108.</summary>
    private const int MaxLength = 80;

    /// <summary>Stand in YAML without escapes.</summary>
    private static readonly SearchValues<char> s_plain =
        SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-");

    public DemoDirectory()
    {
        string parent = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetTempPath());
        bool isUsable = Encoding.UTF8.GetByteCount(parent) < MaxLength - 32 && !parent.AsSpan().ContainsAnyExcept(s_plain);
        Path = System.IO.Path.Combine(isUsable ? parent : "/tmp", $"mainstay-demo-{Guid.NewGuid():N}"[..22]);
        // Of a demo started by root the worker is another user, who passes through to its state directory.
        UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        if (Credentials.IsRoot) mode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        Directory.CreateDirectory(Path, mode);
    }

    public string Path { get; }

    public string Configuration => $"{Path}/demo.yaml";

    public string Log => $"{Path}/log";

    public string AdminSocket => DemoConfiguration.AdminSocket(Path);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A worker that was killed may be writing its last state; what is left is a few small files in the temporary directory.
        }
    }
}

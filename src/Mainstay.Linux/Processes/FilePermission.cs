using System.Runtime.InteropServices;

namespace Mainstay.Linux.Processes;

/// <summary>What this process may do with a file, as the kernel sees it: mode, owner, capabilities, read-only mounts.</summary>
public static partial class FilePermission
{
    // access(2)
    private const int Execute = 1, Write = 2;

    public static bool CanWrite(string path) => Access(path, Write) == 0;

    /// <summary>A file that can be started; directories, which can be "executed" too, are not.</summary>
    public static bool CanExecute(string path) => File.Exists(path) && Access(path, Execute) == 0;

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);
}

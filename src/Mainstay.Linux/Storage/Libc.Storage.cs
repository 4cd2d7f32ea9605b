using System.Runtime.InteropServices;

namespace Mainstay.Linux;

internal static unsafe partial class Libc
{
    /// <summary>The same number on every architecture.</summary>
    private const nint OpenAt2Number = 437;

    /// <param name="how">struct open_how: flags, mode, resolve.</param>
    /// <returns>A descriptor, or a negated <see cref="Errno"/>.</returns>
    internal static int OpenAt2(int directory, byte* path, ulong* how) =>
        DataResult(SystemCall(OpenAt2Number, directory, (nint)path, (nint)how, 3 * sizeof(ulong), 0, 0));

    [LibraryImport("libc", EntryPoint = "openat", SetLastError = true)]
    internal static partial int OpenAt(int directory, byte* path, int flags, uint mode);

    [LibraryImport("libc", EntryPoint = "readlinkat", SetLastError = true)]
    internal static partial nint ReadLinkAt(int directory, byte* path, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    internal static partial nint ReadAt(int fd, byte* buffer, nuint length, long offset);

    /// <param name="vectors">struct iovec: start, length.</param>
    // Data path: for DataResult.
    [LibraryImport("libc", EntryPoint = "preadv2")]
    internal static partial nint ReadVectorAt(int fd, nint* vectors, int count, long offset, int flags);

    [LibraryImport("libc", EntryPoint = "sendfile")]
    internal static partial nint SendFile(int to, int from, long* offset, nuint count);
}

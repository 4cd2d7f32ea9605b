using System.Runtime.InteropServices;

namespace Mainstay.Linux;

internal static unsafe partial class Libc
{
    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    internal static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    internal static partial int EpollControl(int epoll, int operation, int fd, byte* epollEvent);

    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    internal static partial int EpollWait(int epoll, byte* events, int count, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    internal static partial int EventFd(uint initial, int flags);

    // The vDSO's clock_gettime: no system call, no I/O, some 20 ns; the one place where suppressing the transition is right.
    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    internal static partial int ClockGetTime(int clock, long* secondsAndNanoseconds);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    internal static partial nint Read(int fd, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    internal static partial nint Write(int fd, byte* buffer, nuint length);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    internal static partial int FileSync(int fd);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    internal static partial int Close(int fd);

    /// <summary>The result itself, or the negated error number of a call that returned -1.</summary>
    internal static int Result(nint returned) => returned >= 0 ? (int)returned : -Marshal.GetLastPInvokeError();

    /// <summary>
    /// The same for the calls of the data path, declared without SetLastError: that clears and reads errno around every call, by two more
    /// calls, also where nothing failed. Here errno is read only after a failure, and at the same place: behind the return from the call.
    /// </summary>
    internal static int DataResult(nint returned) => returned >= 0 ? (int)returned : -Marshal.GetLastSystemError();
}

using System.Text;

namespace Mainstay.Linux;

/// <summary>
/// Error numbers of Linux that Mainstay tells apart (asm-generic/errno.h; the same on x86-64 and arm64). System calls of this
/// assembly return a negated one on failure, as the kernel itself does.
/// </summary>
public enum Errno
{
    None = 0,
    EPERM = 1,
    ENOENT = 2,
    EINTR = 4,
    EIO = 5,
    EBADF = 9,
    ECHILD = 10,
    EAGAIN = 11,
    ENOMEM = 12,
    EACCES = 13,
    EEXIST = 17,
    EXDEV = 18,
    ENODEV = 19,
    ENOTDIR = 20,
    EISDIR = 21,
    EINVAL = 22,
    ENFILE = 23,
    EMFILE = 24,
    ENOSPC = 28,
    EPIPE = 32,
    ENAMETOOLONG = 36,
    ELOOP = 40,
    EPROTO = 71,
    EMSGSIZE = 90,
    EPROTONOSUPPORT = 93,
    EOPNOTSUPP = 95,
    EAFNOSUPPORT = 97,
    EADDRINUSE = 98,
    EADDRNOTAVAIL = 99,
    ENETDOWN = 100,
    ENETUNREACH = 101,
    ECONNABORTED = 103,
    ECONNRESET = 104,
    ENOBUFS = 105,
    EISCONN = 106,
    ENOTCONN = 107,
    ETIMEDOUT = 110,
    ECONNREFUSED = 111,
    EHOSTDOWN = 112,
    EHOSTUNREACH = 113,
    EALREADY = 114,
    EINPROGRESS = 115,
}

public static class ErrnoText
{
    /// <summary>By number, so that a log line converts nothing.</summary>
    private static readonly byte[][] s_names = [.. Enumerable.Range(0, 256).Select(number => Encoding.ASCII.GetBytes(NameOf(number)))];

    /// <summary>ECONNREFUSED, or errno 199.</summary>
    public static ReadOnlySpan<byte> NameText(this Errno error) => (uint)error < s_names.Length ? s_names[(int)error] : "errno"u8;

    /// <summary>What an operator reads: "connection refused (ECONNREFUSED)".</summary>
    public static string Describe(this Errno error) => error switch
    {
        Errno.None => "success",
        Errno.EPERM => "operation not permitted (EPERM)",
        Errno.ENOENT => "no such file or directory (ENOENT)",
        Errno.EACCES => "permission denied (EACCES)",
        Errno.EMFILE => "this process has no descriptors left (EMFILE)",
        Errno.ENFILE => "the system has no descriptors left (ENFILE)",
        Errno.ENOSPC => "no space left on device (ENOSPC)",
        Errno.EPIPE => "broken pipe (EPIPE)",
        Errno.EADDRINUSE => "address already in use (EADDRINUSE)",
        Errno.EADDRNOTAVAIL => "address not available on this machine (EADDRNOTAVAIL)",
        Errno.EAFNOSUPPORT => "address family not supported (EAFNOSUPPORT)",
        Errno.ENETUNREACH => "network unreachable (ENETUNREACH)",
        Errno.ECONNRESET => "connection reset by peer (ECONNRESET)",
        Errno.ETIMEDOUT => "timed out (ETIMEDOUT)",
        Errno.ECONNREFUSED => "connection refused (ECONNREFUSED)",
        Errno.EHOSTUNREACH => "no route to host (EHOSTUNREACH)",
        _ => NameOf((int)error),
    };

    private static string NameOf(int number) => Enum.IsDefined((Errno)number) ? ((Errno)number).ToString() : $"errno {number}";
}

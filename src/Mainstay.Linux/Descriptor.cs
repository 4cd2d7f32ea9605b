using System.Runtime.InteropServices;

namespace Mainstay.Linux;

/// <summary>Plain descriptors. Who holds the number owns it and closes it once; results are counts or negated error numbers.</summary>
public static unsafe class Descriptor
{
    private const int EfdNonblock = 0x800;
    private const int EfdCloexec = 0x80000;

    /// <summary>Bytes read, 0 at the end, or a negated <see cref="Errno"/>.</summary>
    public static int Read(int fd, Span<byte> buffer)
    {
        fixed (byte* start = buffer) return Libc.Result(Libc.Read(fd, start, (nuint)buffer.Length));
    }

    /// <summary>Bytes written, or a negated <see cref="Errno"/>.</summary>
    public static int Write(int fd, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer) return Libc.Result(Libc.Write(fd, start, (nuint)buffer.Length));
    }

    /// <summary>Another descriptor of the same open file, close-on-exec; or a negated <see cref="Errno"/>.</summary>
    public static int Duplicate(int fd)
    {
        const int duplicateCloseOnExec = 1030;
        return Libc.Result(Libc.FileControl(fd, duplicateCloseOnExec, 3));
    }

    /// <summary>Waits until file content (or a directory's entries) is on the disk. 0, or a negated <see cref="Errno"/>.</summary>
    public static int Sync(int fd) => Libc.Result(Libc.FileSync(fd));

    public static void Close(int fd) => _ = Libc.Close(fd);

    /// <summary>A non-blocking eventfd: threads wake a loop by adding to it.</summary>
    public static int CreateEventFd()
    {
        int fd = Libc.Result(Libc.EventFd(0, EfdNonblock | EfdCloexec));
        return fd >= 0 ? fd : throw new InvalidOperationException($"eventfd: {((Errno)(-fd)).Describe()}");
    }

    /// <summary>Adds one to an eventfd. A full counter (EAGAIN) has woken its reader already.</summary>
    public static void Signal(int eventFd)
    {
        ulong one = 1;
        _ = Libc.Write(eventFd, (byte*)&one, sizeof(ulong));
    }

    /// <summary>Takes an eventfd back to zero.</summary>
    public static void Drain(int eventFd)
    {
        ulong count;
        _ = Libc.Read(eventFd, (byte*)&count, sizeof(ulong));
    }
}

namespace Mainstay.Linux.Storage;

/// <summary>Reading open files at an offset, and sending them to a socket. Results are counts or a negated <see cref="Errno"/>.</summary>
public static unsafe class FileContent
{
    private const int DoNotWait = 8; // RWF_NOWAIT

    /// <summary>Most that one call of sendfile(2) moves.</summary>
    private const int LargestSend = 0x7FFF_F000;

    /// <summary>Bytes read, 0 at the end of the file. May wait for the disk.</summary>
    public static int Read(int fd, Span<byte> buffer, long offset)
    {
        fixed (byte* start = buffer) return Libc.Result(Libc.ReadAt(fd, start, (nuint)buffer.Length, offset));
    }

    /// <summary>
    /// Bytes that are in memory, as far as they are; EAGAIN when the first is not. EOPNOTSUPP: this file system cannot tell.
    /// </summary>
    public static int ReadCached(int fd, Span<byte> buffer, long offset)
    {
        fixed (byte* start = buffer)
        {
            nint* vector = stackalloc nint[2] { (nint)start, buffer.Length };
            return Libc.DataResult(Libc.ReadVectorAt(fd, vector, 1, offset, DoNotWait));
        }
    }

    /// <summary>Sends from a file to a socket without a copy; 0 when the file is shorter. Waits for the disk where a page is not in memory.</summary>
    public static int Send(int socket, int file, long offset, long count) =>
        Libc.DataResult(Libc.SendFile(socket, file, &offset, (nuint)Math.Min(count, LargestSend)));
}

namespace Mainstay.Linux;

/// <summary>
/// A kernel pipe through which bytes go from one socket to another without passing this process (splice(2)). Not thread-safe.
/// </summary>
public sealed unsafe class Pipe
{
    private const int NonBlock = 0x800, CloseOnExec = 0x80000;
    private const int SetPipeSize = 1031;
    private const uint Move = 1, NonBlocking = 2;

    private int _read;
    private int _write;

    private Pipe(int read, int write) => (_read, _write) = (read, write);

    /// <summary>Bytes in the pipe.</summary>
    public int Count { get; private set; }

    /// <summary>Null when there are no descriptors.</summary>
    /// <param name="size">In bytes; the kernel may give less (fs.pipe-user-pages-soft).</param>
    public static Pipe? TryOpen(int size)
    {
        int* ends = stackalloc int[2];
        if (Libc.Pipe(ends, NonBlock | CloseOnExec) < 0) return null;
        _ = Libc.FileControl(ends[1], SetPipeSize, size);
        return new Pipe(ends[0], ends[1]);
    }

    /// <summary>
    /// Takes bytes out of a socket: their count, 0 at the end of the stream, or a negated <see cref="Errno"/>. Only into an empty pipe, so
    /// that EAGAIN says something about the socket.
    /// </summary>
    public int Fill(int socket, int length)
    {
        int count = Libc.Result(Libc.Splice(socket, null, _write, null, (nuint)length, Move | NonBlocking));
        if (count > 0) Count += count;
        return count;
    }

    /// <summary>Gives bytes to a socket: their count, or a negated <see cref="Errno"/>.</summary>
    public int Empty(int socket)
    {
        // Without SPLICE_F_MORE: it would hold back a last segment that is not full, and more may not come.
        int count = Libc.Result(Libc.Splice(_read, null, socket, null, (nuint)Count, Move | NonBlocking));
        if (count > 0) Count -= count;
        return count;
    }

    public void Close()
    {
        if (_read < 0) return;
        _ = Libc.Close(_read);
        _ = Libc.Close(_write);
        _read = _write = -1;
        Count = 0;
    }
}

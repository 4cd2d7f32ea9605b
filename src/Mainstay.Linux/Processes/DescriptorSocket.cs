namespace Mainstay.Linux.Processes;

/// <summary>
/// Messages with descriptors over a unix SOCK_SEQPACKET pair: each is received whole or not at all, and the end of the other
/// process is an end of file.
/// </summary>
public static unsafe class DescriptorSocket
{
    /// <summary>Descriptors in one message at most (SCM_MAX_FD in include/net/scm.h).</summary>
    public const int MaxDescriptors = 253;

    private const int FamilyUnix = 1, TypeSeqPacket = 5, CloseOnExec = 0x80000;
    private const int SolSocket = 1, Rights = 1;
    private const int NoSignal = 0x4000, DontWait = 0x40, MessageTruncated = 0x20, ControlTruncated = 0x08, CloseOnExecFlag = 0x40000000;

    // struct cmsghdr: length (8), level (4), type (4), then the descriptors.
    private const int ControlHeader = 16;

    /// <summary>In place of a count: the message came without its descriptors, because this process may have no more.</summary>
    public const int Lost = -1;

    /// <summary>Two connected ends; the caller owns both.</summary>
    public static Errno TryCreatePair(out int first, out int second)
    {
        int* ends = stackalloc int[2];
        int result = Libc.Result(Libc.SocketPair(FamilyUnix, TypeSeqPacket | CloseOnExec, 0, ends));
        (first, second) = result < 0 ? (-1, -1) : (ends[0], ends[1]);
        return result < 0 ? (Errno)(-result) : Errno.None;
    }

    /// <summary>
    /// Bytes sent or a negated <see cref="Errno"/>; EAGAIN when the peer does not read. The descriptors stay the caller's.
    /// </summary>
    public static int Send(int socket, ReadOnlySpan<byte> message, ReadOnlySpan<int> descriptors)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(descriptors.Length, MaxDescriptors);
        byte* control = stackalloc byte[ControlHeader + MaxDescriptors * sizeof(int) + sizeof(int)];
        fixed (byte* bytes = message)
        {
            IoVector vector = new() { Start = bytes, Length = (nuint)message.Length };
            MessageHeader header = new() { Vectors = &vector, VectorCount = 1 };
            if (descriptors.Length > 0)
            {
                *(nuint*)control = (nuint)(ControlHeader + descriptors.Length * sizeof(int));
                ((int*)control)[2] = SolSocket;
                ((int*)control)[3] = Rights;
                descriptors.CopyTo(new Span<int>(control + ControlHeader, descriptors.Length));
                header.Control = control;
                header.ControlLength = (nuint)Align(ControlHeader + descriptors.Length * sizeof(int));
            }

            return Libc.Result(Libc.SendMessage(socket, (byte*)&header, NoSignal | DontWait));
        }
    }

    /// <summary>
    /// Bytes received, 0 when the other end is gone, or a negated <see cref="Errno"/>: EAGAIN when nothing is there, EMSGSIZE when the
    /// message did not fit (it is dropped, its descriptors closed). The received descriptors are the caller's; <see cref="Lost"/> in place of their
    /// count when not all of them could be opened here, and none was kept.
    /// </summary>
    public static int Receive(int socket, Span<byte> buffer, Span<int> descriptors, out int descriptorCount)
    {
        int controlSize = Align(ControlHeader + MaxDescriptors * sizeof(int));
        byte* control = stackalloc byte[controlSize];
        descriptorCount = 0;
        fixed (byte* bytes = buffer)
        {
            IoVector vector = new() { Start = bytes, Length = (nuint)buffer.Length };
            MessageHeader header = new() { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = (nuint)controlSize };
            int received = Libc.Result(Libc.ReceiveMessage(socket, (byte*)&header, DontWait | CloseOnExecFlag));
            if (received < 0) return received;
            bool fits = TakeDescriptors(header, descriptors, out descriptorCount);
            // The control buffer holds the most that there can be: what was cut there is descriptors over this process's limit.
            bool isCut = (header.Flags & ControlTruncated) != 0;
            bool isWhole = fits && (header.Flags & MessageTruncated) == 0;
            if (isWhole && !isCut) return received;
            foreach (int fd in descriptors[..descriptorCount]) Descriptor.Close(fd);
            descriptorCount = isWhole ? Lost : 0;
            return isWhole ? received : -(int)Errno.EMSGSIZE;
        }
    }

    private static bool TakeDescriptors(in MessageHeader header, Span<int> descriptors, out int count)
    {
        count = 0;
        if (header.ControlLength < ControlHeader) return true;
        int* control = (int*)header.Control;
        if (control[2] != SolSocket || control[3] != Rights) return true;
        int present = (int)(*(nuint*)header.Control - ControlHeader) / sizeof(int);
        var received = new ReadOnlySpan<int>(header.Control + ControlHeader, present);
        count = Math.Min(present, descriptors.Length);
        received[..count].CopyTo(descriptors);
        foreach (int fd in received[count..]) Descriptor.Close(fd);
        return count == present;
    }

    private static int Align(int length) => (length + 7) & ~7;

    private struct IoVector
    {
        public byte* Start;
        public nuint Length;
    }

    private struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }
}

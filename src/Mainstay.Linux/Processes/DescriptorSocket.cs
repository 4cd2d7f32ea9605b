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

    /// <summary>Two connected ends; the caller owns both.</summary>
    public static (int First, int Second) CreatePair()
    {
        int* ends = stackalloc int[2];
        int result = Libc.Result(Libc.SocketPair(FamilyUnix, TypeSeqPacket | CloseOnExec, 0, ends));
        if (result < 0) throw new InvalidOperationException($"socketpair: {((Errno)(-result)).Describe()}");
        return (ends[0], ends[1]);
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
    /// message did not fit (it is dropped, its descriptors closed). The received descriptors are the caller's.
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
            if (fits && (header.Flags & (MessageTruncated | ControlTruncated)) == 0) return received;
            foreach (int fd in descriptors[..descriptorCount]) Descriptor.Close(fd);
            descriptorCount = 0;
            return -(int)Errno.EMSGSIZE;
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

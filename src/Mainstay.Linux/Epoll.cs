using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mainstay.Linux;

/// <summary>Readiness as epoll reports it (sys/epoll.h).</summary>
[Flags]
public enum IoEvents : uint
{
    None = 0,
    In = 0x001,
    Out = 0x004,
    Error = 0x008,
    HangUp = 0x010,

    /// <summary>The peer has shut down its writing half.</summary>
    ReadHangUp = 0x2000,
    EdgeTriggered = 1u << 31,

    /// <summary>How connections are registered: once, for both directions.</summary>
    Connection = In | Out | ReadHangUp | EdgeTriggered,
}

/// <summary>One epoll instance and the batch of events of its last wait.</summary>
public sealed unsafe class Epoll : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int Add = 1, Delete = 2, Modify = 3;

    // struct epoll_event is packed on x86-64 only.
    private static readonly int Stride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int TokenOffset = Stride - 8;

    private readonly int _fd;
    private readonly int _capacity;
    private byte* _events;

    /// <param name="capacity">Events taken in by one wait at most.</param>
    public Epoll(int capacity = 256)
    {
        _fd = Libc.Result(Libc.EpollCreate(CloseOnExec));
        if (_fd < 0) throw new InvalidOperationException($"epoll_create1: {((Errno)(-_fd)).Describe()}");
        _capacity = capacity;
        _events = (byte*)NativeMemory.AllocZeroed((nuint)(capacity * Stride));
    }

    /// <summary>0, or a negated <see cref="Errno"/>. The token comes back with each event of the descriptor.</summary>
    public int Register(int fd, IoEvents interest, ulong token) => Control(Add, fd, interest, token);

    public int Change(int fd, IoEvents interest, ulong token) => Control(Modify, fd, interest, token);

    /// <summary>Needed only for a descriptor that stays open; closing the last one removes it.</summary>
    public int Remove(int fd) => Control(Delete, fd, IoEvents.None, 0);

    /// <summary>Waits for events; their count, also 0 when a signal or the timeout ended the wait.</summary>
    /// <param name="timeoutMilliseconds">-1 waits without end, 0 only looks.</param>
    public int Wait(int timeoutMilliseconds)
    {
        int count = Libc.DataResult(Libc.EpollWait(_fd, _events, _capacity, timeoutMilliseconds));
        if (count >= 0) return count;
        return count == -(int)Errno.EINTR ? 0 : throw new InvalidOperationException($"epoll_wait: {((Errno)(-count)).Describe()}");
    }

    /// <summary>Event number <paramref name="index"/> of the last wait.</summary>
    public (IoEvents Events, ulong Token) this[int index]
    {
        get
        {
            byte* entry = _events + index * Stride;
            return ((IoEvents)Unsafe.ReadUnaligned<uint>(entry), Unsafe.ReadUnaligned<ulong>(entry + TokenOffset));
        }
    }

    public void Dispose()
    {
        if (_events == null) return;
        _ = Libc.Close(_fd);
        NativeMemory.Free(_events);
        _events = null;
    }

    private int Control(int operation, int fd, IoEvents interest, ulong token)
    {
        byte* entry = stackalloc byte[16];
        Unsafe.WriteUnaligned(entry, (uint)interest);
        Unsafe.WriteUnaligned(entry + TokenOffset, token);
        return Libc.Result(Libc.EpollControl(_fd, operation, fd, entry));
    }
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Mainstay.Core.Net;

namespace Mainstay.Linux;

/// <summary>
/// Datagrams received together (recvmmsg) and sent on together (sendmmsg) from the same memory. Layouts are those of 64-bit Linux:
/// struct mmsghdr is 64 bytes, struct iovec 16, struct cmsghdr 16. Not thread-safe.
/// </summary>
public sealed unsafe class DatagramBatch : IDisposable
{
    /// <summary>Datagrams of one call.</summary>
    public const int Capacity = 32;

    /// <summary>More than any datagram can hold.</summary>
    private const int BufferSize = 64 * 1024;

    private const int HeaderSize = 64, VectorSize = 16, NameSize = 112, ControlSize = 64;
    private const int DontWait = 0x40, NoSignal = 0x4000, Truncated = 0x20;
    private const int LevelIp = 0, IpPacketInfo = 8, LevelIpv6 = 41, Ipv6PacketInfo = 50;
    private const int ControlHeader = 16;

    private byte* _memory;
    private readonly byte* _headers;
    private readonly byte* _vectors;
    private readonly byte* _names;
    private readonly byte* _controls;
    private readonly byte* _buffers;

    public DatagramBatch()
    {
        // Zeroed lazily by the kernel: pages that no datagram reaches are never there.
        const int each = HeaderSize + VectorSize + NameSize + ControlSize;
        _memory = (byte*)NativeMemory.AlignedAlloc(Capacity * (each + BufferSize), 4096);
        _buffers = _memory;
        _headers = _buffers + (Capacity * BufferSize);
        _vectors = _headers + (Capacity * HeaderSize);
        _names = _vectors + (Capacity * VectorSize);
        _controls = _names + (Capacity * NameSize);
        for (int i = 0; i < Capacity; i++) *(byte**)(_vectors + (i * VectorSize)) = _buffers + (i * BufferSize);
    }

    /// <summary>Datagrams of the last receive.</summary>
    public int Count { get; private set; }

    /// <summary>Datagram number <paramref name="index"/> of the last receive.</summary>
    public Span<byte> this[int index] => new(_buffers + (index * BufferSize), LengthOf(index));

    /// <summary>Who sent it; not for connected sockets.</summary>
    public SocketAddress PeerOf(int index)
    {
        var peer = new SocketAddress();
        uint length = *(uint*)(Header(index) + 8);
        new ReadOnlySpan<byte>(_names + (index * NameSize), (int)Math.Min(length, NameSize)).CopyTo(peer.Bytes);
        peer.Length = length;
        return peer;
    }

    /// <summary>At which address of this machine it came in; none when the socket does not say.</summary>
    public NetAddress LocalOf(int index)
    {
        byte* control = _controls + (index * ControlSize);
        if (*(nuint*)(Header(index) + 40) < ControlHeader) return default;
        int level = *(int*)(control + 8), type = *(int*)(control + 12);
        if (level == LevelIp && type == IpPacketInfo) return NetAddress.FromBytes(new ReadOnlySpan<byte>(control + ControlHeader + 8, 4));
        return level == LevelIpv6 && type == Ipv6PacketInfo ? NetAddress.FromBytes(new ReadOnlySpan<byte>(control + ControlHeader, 16)) : default;
    }

    /// <summary>Receives what is there, at most <see cref="Capacity"/>: the count, or a negated <see cref="Errno"/>.</summary>
    /// <param name="isConnected">Neither sender nor address are asked for.</param>
    public int Receive(int fd, bool isConnected)
    {
        for (int i = 0; i < Capacity; i++)
        {
            byte* header = Header(i);
            Unsafe.InitBlock(header, 0, HeaderSize);
            *(nuint*)(_vectors + (i * VectorSize) + 8) = BufferSize;
            *(byte**)(header + 16) = _vectors + (i * VectorSize);
            *(nuint*)(header + 24) = 1;
            if (isConnected) continue;
            *(byte**)header = _names + (i * NameSize);
            *(uint*)(header + 8) = NameSize;
            *(byte**)(header + 32) = _controls + (i * ControlSize);
            *(nuint*)(header + 40) = ControlSize;
        }

        int count = Libc.Result(Libc.ReceiveMany(fd, _headers, Capacity, DontWait, null));
        Count = Math.Max(count, 0);
        for (int i = 0; i < Count; i++)
        {
            // From here on the vector says how long the datagram is.
            bool isCut = (*(int*)(Header(i) + 48) & Truncated) != 0;
            *(nuint*)(_vectors + (i * VectorSize) + 8) = isCut ? 0 : *(uint*)(Header(i) + 56);
        }

        return count;
    }

    /// <summary>Sends some of the datagrams on over a connected socket: how many went, or a negated <see cref="Errno"/>.</summary>
    public int SendConnected(int fd, int from, int count)
    {
        for (int i = from; i < from + count; i++)
        {
            byte* header = Header(i);
            *(byte**)header = null;
            *(uint*)(header + 8) = 0;
            *(byte**)(header + 32) = null;
            *(nuint*)(header + 40) = 0;
        }

        return Libc.Result(Libc.SendMany(fd, Header(from), (uint)count, DontWait | NoSignal));
    }

    /// <summary>Sends all datagrams to one peer, from the address that it knows: how many went, or a negated <see cref="Errno"/>.</summary>
    /// <param name="local">None: the socket's own.</param>
    public int SendTo(int fd, in SocketAddress peer, NetAddress local)
    {
        int controlLength = local.IsNone ? 0 : WriteSource(local);
        fixed (SocketAddress* name = &peer)
        {
            for (int i = 0; i < Count; i++)
            {
                byte* header = Header(i);
                *(byte**)header = (byte*)&name->Bytes;
                *(uint*)(header + 8) = peer.Length;
                *(byte**)(header + 32) = controlLength == 0 ? null : _controls;
                *(nuint*)(header + 40) = (nuint)controlLength;
            }

            return Libc.Result(Libc.SendMany(fd, _headers, (uint)Count, DontWait | NoSignal));
        }
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        Count = 0;
    }

    private byte* Header(int index) => _headers + (index * HeaderSize);

    private int LengthOf(int index) => (int)*(nuint*)(_vectors + (index * VectorSize) + 8);

    /// <summary>Into the first control block: which address the datagrams leave from.</summary>
    private int WriteSource(NetAddress local)
    {
        const int v4Length = 12, v6Length = 20;
        int length = local.IsV4 ? v4Length : v6Length;
        Unsafe.InitBlock(_controls, 0, ControlSize);
        *(nuint*)_controls = (nuint)(ControlHeader + length);
        *(int*)(_controls + 8) = local.IsV4 ? LevelIp : LevelIpv6;
        *(int*)(_controls + 12) = local.IsV4 ? IpPacketInfo : Ipv6PacketInfo;

        // struct in_pktinfo: interface, address to leave from, address of the header; struct in6_pktinfo: address, interface.
        local.WriteBytes(new Span<byte>(_controls + ControlHeader + (local.IsV4 ? 4 : 0), 16));
        return ControlHeader + ((length + 7) & ~7);
    }
}

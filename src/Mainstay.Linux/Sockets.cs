using Mainstay.Core.Net;

namespace Mainstay.Linux;

/// <summary>
/// Socket calls as the loops use them: non-blocking, close-on-exec, no exceptions. Results are counts, descriptors or a negated
/// <see cref="Errno"/>.
/// </summary>
public static unsafe class Sockets
{
    private const int TypeStream = 1, TypeDatagram = 2, TypeRaw = 3;
    private const int NonBlock = 0x800, CloseOnExec = 0x80000;
    private const int MessageNoSignal = 0x4000, MessageMore = 0x8000;
    private const int SolSocket = 1, ReuseAddress = 2, ErrorOption = 4, KeepAlive = 9, Linger = 13, ReusePort = 15;
    private const int IpProtocolIp = 0, IpProtocolTcp = 6, IpProtocolIpv6 = 41;
    private const int IpFreeBind = 15, Ipv6Only = 26;
    private const int TcpNoDelay = 1, TcpKeepIdle = 4, TcpKeepInterval = 5, TcpKeepCount = 6, TcpQuickAck = 12, TcpUserTimeout = 18;

    public static int CreateStream(int family) => Libc.Result(Libc.Socket(family, TypeStream | NonBlock | CloseOnExec, 0));

    public static int CreateDatagram(int family, int protocol = 0) =>
        Libc.Result(Libc.Socket(family, TypeDatagram | NonBlock | CloseOnExec, protocol));

    public static int CreateRaw(int family, int protocol) =>
        Libc.Result(Libc.Socket(family, TypeRaw | NonBlock | CloseOnExec, protocol));

    public static int Bind(int fd, in SocketAddress address)
    {
        fixed (SocketAddress* at = &address) return Libc.Result(Libc.Bind(fd, (byte*)&at->Bytes, at->Length));
    }

    public static int Listen(int fd, int backlog) => Libc.Result(Libc.Listen(fd, backlog));

    /// <summary>The next connection of a listener, non-blocking, and who it is from.</summary>
    public static int Accept(int fd, out SocketAddress peer)
    {
        fixed (SocketAddress* at = &peer)
        {
            *at = default;
            uint length = 112;
            int accepted = Libc.Result(Libc.Accept4(fd, (byte*)&at->Bytes, &length, NonBlock | CloseOnExec));
            at->Length = length;
            return accepted;
        }
    }

    /// <summary>0 when connected at once, else usually <see cref="Errno.EINPROGRESS"/>, negated.</summary>
    public static int Connect(int fd, in SocketAddress address)
    {
        fixed (SocketAddress* at = &address) return Libc.Result(Libc.Connect(fd, (byte*)&at->Bytes, at->Length));
    }

    /// <summary>Bytes received, 0 at the end of the stream, or a negated <see cref="Errno"/>.</summary>
    public static int Receive(int fd, Span<byte> buffer)
    {
        fixed (byte* start = buffer) return Libc.Receive(fd, start, (nuint)buffer.Length, 0);
    }

    /// <summary>Bytes the kernel took, or a negated <see cref="Errno"/>; never raises SIGPIPE.</summary>
    public static int Send(int fd, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer) return Libc.Send(fd, start, (nuint)buffer.Length, MessageNoSignal);
    }

    /// <summary>As <see cref="Receive"/>, but what is read stays in the socket's queue.</summary>
    public static int Peek(int fd, Span<byte> buffer)
    {
        const int peek = 2;
        fixed (byte* start = buffer) return Libc.Receive(fd, start, (nuint)buffer.Length, peek);
    }

    /// <summary>The same, and more follows at once: the kernel waits for it instead of sending a small segment.</summary>
    public static int SendMore(int fd, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer) return Libc.Send(fd, start, (nuint)buffer.Length, MessageNoSignal | MessageMore);
    }

    public static int ReceiveFrom(int fd, Span<byte> buffer, out SocketAddress peer)
    {
        fixed (byte* start = buffer)
        fixed (SocketAddress* at = &peer)
        {
            *at = default;
            uint length = 112;
            int received = Libc.Result(Libc.ReceiveFrom(fd, start, (nuint)buffer.Length, 0, (byte*)&at->Bytes, &length));
            at->Length = length;
            return received;
        }
    }

    public static int SendTo(int fd, ReadOnlySpan<byte> buffer, in SocketAddress peer)
    {
        fixed (byte* start = buffer)
        fixed (SocketAddress* at = &peer)
            return Libc.Result(Libc.SendTo(fd, start, (nuint)buffer.Length, MessageNoSignal, (byte*)&at->Bytes, at->Length));
    }

    /// <summary>Says the end of our stream (FIN); the peer can still send.</summary>
    public static void ShutdownWrite(int fd) => _ = Libc.Shutdown(fd, 1);

    /// <summary>Closing will send RST and throw queued data away: for a response that must not look complete.</summary>
    public static void ResetOnClose(int fd)
    {
        int* linger = stackalloc int[2] { 1, 0 };
        _ = Libc.SetSocketOption(fd, SolSocket, Linger, linger, 8);
    }

    /// <summary>The pending error of a socket, which it clears: how a non-blocking connect ended.</summary>
    public static Errno TakeError(int fd)
    {
        int value = 0;
        uint length = sizeof(int);
        int result = Libc.Result(Libc.GetSocketOption(fd, SolSocket, ErrorOption, &value, &length));
        return result < 0 ? (Errno)(-result) : (Errno)value;
    }

    /// <summary>A stream socket's connection stands, also when the peer has ended it since.</summary>
    public static bool IsConnected(int fd)
    {
        byte* address = stackalloc byte[112];
        uint length = 112;
        return Libc.GetPeerName(fd, address, &length) == 0;
    }

    public static SocketAddress LocalAddress(int fd)
    {
        var address = new SocketAddress();
        uint length = 112;
        _ = Libc.GetSocketName(fd, (byte*)&address.Bytes, &length);
        address.Length = length;
        return address;
    }

    public static void SetNoDelay(int fd) => Set(fd, IpProtocolTcp, TcpNoDelay, 1);

    public static void SetQuickAck(int fd, bool on) => Set(fd, IpProtocolTcp, TcpQuickAck, on ? 1 : 0);

    /// <summary>
    /// Finds dead peers of quiet connections: probes after <paramref name="idleSeconds"/>, every <paramref name="intervalSeconds"/>;
    /// gives up when data or probes stay unacknowledged for <paramref name="userTimeoutMilliseconds"/>.
    /// </summary>
    public static void SetKeepAlive(int fd, int idleSeconds, int intervalSeconds, int userTimeoutMilliseconds)
    {
        Set(fd, SolSocket, KeepAlive, 1);
        Set(fd, IpProtocolTcp, TcpKeepIdle, idleSeconds);
        Set(fd, IpProtocolTcp, TcpKeepInterval, intervalSeconds);
        Set(fd, IpProtocolTcp, TcpKeepCount, Math.Max(1, userTimeoutMilliseconds / 1000 / Math.Max(1, intervalSeconds)));
        Set(fd, IpProtocolTcp, TcpUserTimeout, userTimeoutMilliseconds);
    }

    /// <summary>
    /// Connections from this socket leave from that address. Which port is decided when it connects (IP_BIND_ADDRESS_NO_PORT): one port
    /// can then serve connections to many servers at once, instead of being taken for one. 0, or a negated <see cref="Errno"/>.
    /// </summary>
    public static int BindSource(int fd, NetAddress source)
    {
        const int bindAddressNoPort = 24;
        Set(fd, IpProtocolIp, bindAddressNoPort, 1);
        return Bind(fd, SocketAddress.From(source, 0));
    }

    public static void SetReuseAddress(int fd) => Set(fd, SolSocket, ReuseAddress, 1);

    /// <summary>Several sockets may listen on one port; the kernel spreads connections over them.</summary>
    public static void SetReusePort(int fd) => Set(fd, SolSocket, ReusePort, 1);

    /// <summary>Binding works before the address is on an interface: how a backup node starts.</summary>
    public static void SetFreeBind(int fd) => Set(fd, IpProtocolIp, IpFreeBind, 1);

    /// <summary>Received datagrams say at which of this machine's addresses they came in (IP_PKTINFO, IPV6_RECVPKTINFO).</summary>
    public static void SetPacketInfo(int fd, bool isV6)
    {
        const int ipPacketInfo = 8, ipv6ReceivePacketInfo = 49;
        if (isV6) Set(fd, IpProtocolIpv6, ipv6ReceivePacketInfo, 1);
        else Set(fd, IpProtocolIp, ipPacketInfo, 1);
    }

    public static void SetV6Only(int fd) => Set(fd, IpProtocolIpv6, Ipv6Only, 1);

    public static int Family(NetAddress address) => address.IsV4 ? SocketAddress.FamilyV4 : SocketAddress.FamilyV6;

    private static void Set(int fd, int level, int name, int value) =>
        _ = Libc.SetSocketOption(fd, level, name, &value, sizeof(int));
}

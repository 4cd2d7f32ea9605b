using Mainstay.Core.Net;

namespace Mainstay.Linux;

/// <summary>
/// A socket for echo requests: the unprivileged kind (icmp(7)) where <c>net.ipv4.ping_group_range</c> allows it, else a raw one. It has to be
/// opened before privileges are given up where only the raw one is possible.
/// </summary>
public sealed unsafe class PingSocket : IDisposable
{
    private const int ProtocolIcmp = 1, ProtocolIcmpV6 = 58;
    private const int SolRaw = 255, IcmpFilter = 1, Icmp6Filter = 1;
    private const int EchoReplyV6 = 129;

    private PingSocket(int descriptor, bool isV6, bool isRaw) => (Descriptor, IsV6, IsRaw) = (descriptor, isV6, isRaw);

    public int Descriptor { get; private set; }
    public bool IsV6 { get; }

    /// <summary>Sees the replies to everybody's requests; those of IPv4 begin with their IP header.</summary>
    public bool IsRaw { get; }

    /// <summary>Null with the reason when neither kind may be opened.</summary>
    public static PingSocket? TryOpen(bool isV6, out string problem)
    {
        int family = isV6 ? SocketAddress.FamilyV6 : SocketAddress.FamilyV4;
        int protocol = isV6 ? ProtocolIcmpV6 : ProtocolIcmp;
        problem = "";
        int fd = Sockets.CreateDatagram(family, protocol);
        if (fd >= 0) return new PingSocket(fd, isV6, isRaw: false);
        Errno unprivileged = (Errno)(-fd);
        fd = Sockets.CreateRaw(family, protocol);
        if (fd < 0)
        {
            problem = $"no ping socket: {unprivileged.Describe()}; no raw socket: {((Errno)(-fd)).Describe()}; "
                + "allow one with 'sysctl net.ipv4.ping_group_range=\"0 2147483647\"' or start as root";
            return null;
        }

        TakeOnlyEchoReplies(fd, isV6);
        return new PingSocket(fd, isV6, isRaw: true);
    }

    public void Dispose()
    {
        if (Descriptor < 0) return;
        Linux.Descriptor.Close(Descriptor);
        Descriptor = -1;
    }

    /// <summary>raw(7) and RFC 3542 section 3.2: a set bit blocks the type.</summary>
    private static void TakeOnlyEchoReplies(int fd, bool isV6)
    {
        uint* blocked = stackalloc uint[8];
        for (int i = 0; i < 8; i++) blocked[i] = uint.MaxValue;
        int reply = isV6 ? EchoReplyV6 : 0;
        blocked[reply / 32] &= ~(1u << (reply % 32));
        _ = isV6
            ? Libc.SetSocketOption(fd, ProtocolIcmpV6, Icmp6Filter, blocked, 32)
            : Libc.SetSocketOption(fd, SolRaw, IcmpFilter, blocked, sizeof(uint));
    }
}

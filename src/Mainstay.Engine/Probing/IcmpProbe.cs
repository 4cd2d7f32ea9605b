using Mainstay.Core.Health;
using Mainstay.Core.Probing;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Probing;

/// <summary>An echo request by the prober's shared ping socket.</summary>
internal sealed class IcmpProbe(ProbeContext context, ProbedServer server) : Probe(context, server)
{
    private ulong _cookie;

    public override CheckOutcome? Start()
    {
        if (Server.Runtime.Endpoint.IsUnix) return new(CheckLayer.Self, CheckCause.Unable, "a unix socket has no address to ping");
        if (!TryFindAddress(out SocketAddress address, out CheckOutcome outcome)) return outcome;
        return Context.Pings.Send(this, address, out _cookie);
    }

    public override CheckOutcome TimeOut()
    {
        Cancel();
        string limit = WireText.Duration(Server.Check.Timeout);
        return new(CheckLayer.Network, CheckCause.TimedOut, $"timeout after {limit} waiting for the echo reply");
    }

    public override void Cancel()
    {
        if (_cookie != 0) Context.Pings.Forget(_cookie);
        _cookie = 0;
    }

    public void OnReply()
    {
        _cookie = 0;
        Server.OnProbed(CheckOutcome.Pass(CheckLayer.Network, "echo reply"));
    }

    /// <summary>Has no descriptor of its own.</summary>
    public override void OnReady(IoEvents events)
    {
    }
}

/// <summary>
/// The ping sockets for both families. Opened when this object is made: make it before privileges are given up.
/// </summary>
public sealed class PingPorts : IDisposable
{
    private readonly Port? _v4, _v6;
    private readonly string _problemV4, _problemV6;
    private readonly Dictionary<ulong, IcmpProbe> _waiting = [];
    private readonly ushort _identifier = Entropy.UInt16();
    private ulong _cookie = Entropy.UInt64();

    public PingPorts()
    {
        _v4 = Open(false, out _problemV4);
        _v6 = Open(true, out _problemV6);
    }

    /// <summary>Prober's thread: the loop that brings replies from now on.</summary>
    internal void Attach(EventLoop loop)
    {
        if (_v4 is not null) _ = loop.Register(_v4, IoEvents.In | IoEvents.EdgeTriggered);
        if (_v6 is not null) _ = loop.Register(_v6, IoEvents.In | IoEvents.EdgeTriggered);
    }

    /// <summary>Null when the request is on its way; the cookie ends its waiting.</summary>
    internal CheckOutcome? Send(IcmpProbe probe, in SocketAddress address, out ulong cookie)
    {
        cookie = 0;
        bool isV6 = address.Family == SocketAddress.FamilyV6;
        if ((isV6 ? _v6 : _v4) is not { } port) return new(CheckLayer.Self, CheckCause.Unable, isV6 ? _problemV6 : _problemV4);
        if (++_cookie == 0) _cookie++;
        Span<byte> packet = stackalloc byte[IcmpEcho.Length];
        IcmpEcho.WriteRequest(packet, isV6, _identifier, (ushort)_cookie, _cookie);
        SocketAddress target = SocketAddress.From(address.Address, 0);
        int result = Sockets.SendTo(port.Descriptor, packet, target);
        if (result == -(int)Errno.EAGAIN) return new(CheckLayer.Self, CheckCause.Unable, "the ping socket's buffer is full");
        if (result < 0) return ProbeErrors.OnTheWay((Errno)(-result));
        cookie = _cookie;
        _waiting.Add(cookie, probe);
        return null;
    }

    internal void Forget(ulong cookie) => _waiting.Remove(cookie);

    public void Dispose()
    {
        _v4?.Dispose();
        _v6?.Dispose();
    }

    private Port? Open(bool isV6, out string problem) =>
        PingSocket.TryOpen(isV6, out problem) is { } socket ? new Port(this, socket) : null;

    private void OnReply(ulong cookie)
    {
        if (_waiting.Remove(cookie, out IcmpProbe? probe)) probe.OnReply();
    }

    private sealed class Port : Channel, IDisposable
    {
        private readonly PingPorts _owner;
        private readonly PingSocket _socket;
        private readonly byte[] _packet = new byte[2048];

        public Port(PingPorts owner, PingSocket socket)
        {
            (_owner, _socket) = (owner, socket);
            Descriptor = socket.Descriptor;
        }

        public override void OnReady(IoEvents events)
        {
            while (true)
            {
                int count = Sockets.ReceiveFrom(Descriptor, _packet, out _);
                if (count == -(int)Errno.EAGAIN) return;
                if (count < 0) continue; // an ICMP error for one of the requests: it is reported once and then gone
                bool hasIpHeader = _socket.IsRaw && !_socket.IsV6;
                if (IcmpEcho.TryReadReply(_packet.AsSpan(0, count), _socket.IsV6, hasIpHeader, out _, out _, out ulong cookie))
                    _owner.OnReply(cookie);
            }
        }

        public void Dispose() => _socket.Dispose();
    }
}

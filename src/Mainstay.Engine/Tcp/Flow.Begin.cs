using Mainstay.Core.Config;
using Mainstay.Core.Proxy;
using Mainstay.Core.Tcp;
using Mainstay.Core.Tls;
using Mainstay.Linux;

namespace Mainstay.Engine.Tcp;

/// <summary>
/// Before a server is chosen: who the client is, and what it says first where the rules ask for that. What is looked at stays in the
/// socket's queue, so that it goes to the server as every other byte does.
/// </summary>
internal sealed partial class Flow
{
    private const int LongestSni = 255;

    private byte[]? _sni;
    private int _sniLength;
    private ProxyReject _reject;

    private ReadOnlySpan<byte> Sni => _sni.AsSpan(0, _sniLength);

    private void ReadProxyHeader()
    {
        Span<byte> buffer = _shard.Input[..ProxyHeaderReader.MaxLength];
        int count = _client.Peek(buffer);
        if (count == -(int)Errno.EAGAIN) return;
        if (count < 0)
        {
            End(FlowCause.ClientReset, reset: true);
            return;
        }

        ProxyRead read = ProxyHeaderReader.TryRead(buffer[..count], out ProxyHeader header, out ProxyReject reason);
        if (read == ProxyRead.Incomplete && !_client.PeerEnded) return;
        if (read != ProxyRead.Complete)
        {
            // A balancer's own check by TCP alone ends here, without a word: no reason to raise an eyebrow.
            if (count == 0) End(FlowCause.ClientClosed, reset: false);
            else RefuseHeader(read == ProxyRead.Refused ? reason : ProxyReject.CutOff);
            return;
        }

        if (_client.Receive(buffer[..header.Length]) != header.Length)
        {
            End(FlowCause.ClientReset, reset: true);
            return;
        }

        if (header.HasAddresses)
        {
            (_source, _sourcePort) = (header.Source, header.SourcePort);
            (_destination, _destinationPort) = (header.Destination, header.DestinationPort);
        }

        Admit();
    }

    private void RefuseHeader(ProxyReject reason)
    {
        _reject = reason;
        Count(ref _shard.Counters.RefusedHeaders[(int)reason]);
        End(FlowCause.ProxyHeaderRefused, reset: true);
    }

    /// <summary>The client is known now: may it, and where does it lead.</summary>
    private bool Admit()
    {
        TcpAccess access = _service.Snapshot.Access;
        if (!access.IsOpen && !access.Admits(_source)) return End(FlowCause.AccessDenied, reset: true);
        if (!_service.Routes.NeedsBytes)
        {
            int route = _service.Routes.Find(_source, default, isFinal: true);
            return route >= 0 ? TakeRoute(route) : End(FlowCause.NoRoute, reset: true);
        }

        _state = FlowState.Inspecting;
        _loop.Arm(_client, _loop.Now + _service.Snapshot.Timeouts.Inspect);
        return !_client.IsReadable || Inspect(isFinal: false);
    }

    /// <summary>Nothing more is waited for: rules that need bytes which are not there do not match.</summary>
    private void OnInspectTimeout() => Inspect(isFinal: true);

    private bool Inspect(bool isFinal)
    {
        Span<byte> buffer = _shard.Input;
        int count = _client.Peek(buffer);
        if (count < 0 && count != -(int)Errno.EAGAIN) return End(FlowCause.ClientReset, reset: true);
        ReadOnlySpan<byte> bytes = buffer[..Math.Max(count, 0)];
        if (count == 0) return End(FlowCause.ClientClosed, reset: false);
        FirstBytes first = Look(bytes);
        bool isWhole = isFinal || _client.PeerEnded || count == buffer.Length;
        int route = _service.Routes.Find(_source, first, isWhole);
        if (route == FlowRoutes.NeedMore) return true;
        if (_service.Routes.NeedsHello) KeepSni(first.Hello.ServerName);
        if (route >= 0) return TakeRoute(route);
        if (isFinal && first.HelloResult == ClientHelloResult.NeedMore) return End(FlowCause.InspectTimeout, reset: true);
        bool isBroken = first.HelloResult is ClientHelloResult.Malformed or ClientHelloResult.TooLong;
        return End(isBroken ? FlowCause.HelloRefused : FlowCause.NoRoute, reset: true);
    }

    private FirstBytes Look(ReadOnlySpan<byte> bytes)
    {
        if (!_service.Routes.NeedsHello) return new FirstBytes(bytes);
        ClientHelloResult result = ClientHello.Read(bytes, _shard.HelloScratch, out ClientHello hello);
        return new FirstBytes(bytes, result, hello);
    }

    private bool TakeRoute(int route)
    {
        _target = _service.Targets[route];
        return Reach();
    }

    /// <summary>For the log and for the server's PROXY header.</summary>
    private void KeepSni(ReadOnlySpan<byte> name)
    {
        if (name.Length is 0 or > LongestSni) return;
        _sni ??= new byte[LongestSni];
        name.CopyTo(_sni);
        _sniLength = name.Length;
    }

    /// <summary>The address that the client connected to; asked for at its first use.</summary>
    private void LearnDestination()
    {
        if (!_destination.IsNone || _isUnixClient) return;
        SocketAddress local = Sockets.LocalAddress(_client.Descriptor);
        (_destination, _destinationPort) = (local.Address, local.Port);
    }
}

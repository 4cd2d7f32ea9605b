using System.Text;
using Mainstay.Core.Http;
using Mainstay.Core.Proxy;
using Mainstay.Engine.Http.Protect;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>The PROXY header that a trusted balancer in front begins with, ahead of TLS and of the first request.</summary>
internal sealed partial class ClientConnection
{
    private static readonly byte[][] s_rejects =
        [.. Enumerable.Range(0, ProxyRejects.Count).Select(i => Encoding.ASCII.GetBytes(((ProxyReject)i).Label()))];

    /// <summary>Where the client connected to, as the header says.</summary>
    private ProxyEnds _told;

    /// <summary>Both ends of the connection, or what the PROXY header said of them.</summary>
    public ProxyEnds Ends
    {
        get
        {
            if (_told.AreKnown) return _told;
            SocketAddress local = Sockets.LocalAddress(Descriptor);
            return new ProxyEnds(Address, Port, local.Address, local.Port);
        }
    }

    /// <summary>The header is only looked at until it is whole: what follows it is TLS's, or the first request's.</summary>
    private void ReadProxyHeader()
    {
        Span<byte> buffer = shard.Input[..ProxyHeaderReader.MaxLength];
        int count = Sockets.Peek(Descriptor, buffer);
        if (count == -(int)Errno.EAGAIN) return;
        ProxyHeader header = default;
        ProxyReject reason = ProxyReject.CutOff;
        ProxyRead read = count > 0 ? ProxyHeaderReader.TryRead(buffer[..count], out header, out reason) : ProxyRead.Refused;
        if (read == ProxyRead.Incomplete && !PeerEnded) return;
        if (read == ProxyRead.Complete && Sockets.Receive(Descriptor, buffer[..header.Length]) == header.Length)
        {
            OnProxyHeader(header);
            return;
        }

        // Who connects and says nothing is the check of the balancer in front.
        if (count > 0) RefuseProxyHeader(read == ProxyRead.Refused ? reason : ProxyReject.CutOff, OutcomeCause.ClientProxyHeaderRefused);
        Abort();
    }

    private void OnProxyHeader(in ProxyHeader header)
    {
        if (header.HasAddresses)
        {
            _told = new ProxyEnds(header.Source, header.SourcePort, header.Destination, header.DestinationPort);
            Address = header.Source;
            Port = header.SourcePort;
            _addressLength = Address.Format(_addressText);
        }

        Admission admission = _guard.Admit(Address, Loop.Now, Loop.UnixNanoseconds, shard.Number, out _standing);
        if (admission != Admission.Admitted)
        {
            // Nothing counts for it, so nothing is given back.
            _standing = default;
            shard.Services[CountedService].TurnedAway[(int)admission]++;
            Abort();
            return;
        }

        _state = ClientState.Head;
        BeginSpeaking();
        if (!IsReadable) return;
        if (_state == ClientState.Handshake) ContinueHandshake();
        else Advance();
    }

    private void OnProxyHeaderTimeout()
    {
        RefuseProxyHeader(ProxyReject.None, OutcomeCause.ClientProxyHeaderTimeout);
        Abort();
    }

    private void RefuseProxyHeader(ProxyReject reason, OutcomeCause cause)
    {
        shard.Counters.RefusedHeaders[(int)reason]++;
        shard.OnProxyHeaderRefused(this, new Outcome(OutcomePhase.Accept, cause), reason == ProxyReject.None ? default : s_rejects[(int)reason]);
    }

    private void Abort()
    {
        Sockets.ResetOnClose(Descriptor);
        Close();
    }
}

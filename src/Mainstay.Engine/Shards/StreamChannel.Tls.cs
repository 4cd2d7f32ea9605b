using Mainstay.Core.Tls;
using Mainstay.Linux;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Shards;

/// <summary>
/// The same channel over TLS: callers see plaintext, the kernel and what waits for it see sealed bytes. OpenSSL never waits to send, so
/// that the two directions are as independent as without it.
/// </summary>
public abstract partial class StreamChannel
{
    private TlsConnection? _tls;

    /// <summary>Bytes go through TLS: nobody may use the descriptor itself to send or receive (sendfile, splice).</summary>
    public bool IsSecured { get; private set; }

    /// <summary>The connection's TLS; only while it <see cref="IsSecured"/>.</summary>
    protected internal TlsConnection Security => _tls!;

    /// <summary>From here on the connection speaks TLS as a server; the handshake is still to come.</summary>
    protected void Secure(TlsTransport transport, TlsServerContext context)
    {
        (_tls ??= new TlsConnection()).Accept(transport, context, Descriptor);
        IsSecured = true;
    }

    /// <summary>From here on the connection speaks TLS as a client; the handshake is still to come.</summary>
    protected void Secure(TlsTransport transport, TlsClientContext context, TlsServerName? name, TlsSession? resume)
    {
        (_tls ??= new TlsConnection()).Connect(transport, context, Descriptor, name, resume);
        IsSecured = true;
    }

    /// <summary>Goes on with the handshake as far as it can; what it has to send goes out or is kept.</summary>
    protected TlsProgress Shake()
    {
        TlsProgress progress = Security.Handshake(PeerEnded);
        SendResult sent = SendOutput();
        IsReadable = progress == TlsProgress.Done && Security.HasMore;
        return sent == SendResult.Failed && progress is TlsProgress.Done or TlsProgress.WantRead ? TlsProgress.Closed : progress;
    }

    /// <summary>
    /// Gives an open connection, TLS and what waits included, to another channel of the same loop: how a protocol that was negotiated
    /// takes over. This channel is closed then, without the peer noticing. False: the successor could not be registered; this one stays.
    /// </summary>
    protected bool MoveTo(StreamChannel successor)
    {
        int descriptor = Descriptor;
        Loop.Unregister(this, staysOpen: true);
        if (!successor.Attach(descriptor))
        {
            if (Loop.Register(this, IoEvents.Connection) < 0) LastError = successor.LastError;
            return false;
        }

        (successor._tls, _tls) = (_tls, successor._tls);
        (successor.IsSecured, IsSecured) = (IsSecured, false);
        (successor._unsent, _unsent) = (_unsent, null);
        (successor.IsReadable, successor.PeerEnded) = (true, PeerEnded);
        if (successor.IsSecured) successor.Security.OnReadable();
        Descriptor = -1;
        IsReadable = false;
        return true;
    }

    /// <summary>
    /// Says the end of our stream: close_notify where there is TLS, and FIN as soon as nothing waits in front of it. The peer can still
    /// send.
    /// </summary>
    protected void EndStream()
    {
        if (IsSecured)
        {
            Security.SealEnd();
            if (SendOutput() != SendResult.Sent) return;
        }

        Sockets.ShutdownWrite(Descriptor);
    }

    /// <summary>The handshake failed at plain HTTP or is not wanted any more: from here on bytes go as they are.</summary>
    protected void DropSecurity()
    {
        if (!IsSecured) return;
        IsSecured = false;
        Security.Release();
    }

    /// <summary>The connection closes: the peer is told that what it has is whole, unless something still waits or it is to see a break.</summary>
    private void EndSecurity()
    {
        if (_unsent is null && !_breaksOff)
        {
            Security.SealEnd();
            if (!Security.Transport.Output.IsEmpty) _ = Sockets.Send(Descriptor, Security.Transport.Output);
            Security.Transport.ClearOutput();
        }

        _breaksOff = false;
        DropSecurity();
    }

    private bool _breaksOff;

    /// <summary>The next close is to look like one in the middle: no close_notify.</summary>
    protected void BreakOff() => _breaksOff = true;

    private int ReceiveSecured(Span<byte> buffer)
    {
        int count = Security.Receive(buffer, PeerEnded);

        // What answers the peer (key updates, alerts) has nobody else who would send it; that it failed shows at the next call.
        if (!Security.Transport.Output.IsEmpty) _ = SendOutput();
        if (count > 0) IsReadable = Security.HasMore;
        else if (count == -(int)Errno.EAGAIN) IsReadable = false;
        else if (count < 0) LastError = (Errno)(-count);
        return count;
    }

    private SendResult SendSecured(ReadOnlySpan<byte> bytes)
    {
        if (!Security.Seal(bytes)) return Fail(-(int)Errno.EPIPE);
        return SendOutput();
    }

    private SendResult SendOutput()
    {
        TlsTransport transport = Security.Transport;
        if (transport.Output.IsEmpty) return HasUnsent ? SendResult.Waiting : SendResult.Sent;
        SendResult result = SendPlain(transport.Output);
        transport.ClearOutput();
        return result;
    }
}

using Mainstay.Core;
using Mainstay.Core.Proxy;
using Mainstay.Engine.Pools;
using Mainstay.Core.Http;
using Mainstay.Engine.Shards;
using Mainstay.Engine.Tls;
using Mainstay.Linux;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Http;

internal enum UpstreamState : byte
{
    Closed,
    Connecting,

    /// <summary>The TLS handshake.</summary>
    Securing,

    /// <summary>Carries an exchange.</summary>
    Busy,

    /// <summary>Speaks HTTP/2: a session has the connection.</summary>
    Http2,

    /// <summary>Open and waiting in its lane; anything that happens to it now ends it.</summary>
    Idle,
}

/// <summary>A connection to a server: opened for an exchange, kept for others. Closed objects go back to the shard for reuse.</summary>
internal sealed class UpstreamConnection(HttpShard shard) : StreamChannel(shard.Loop, shard.Blocks), IServerStream
{
    /// <summary>Neighbours in the list of the lane that this connection is in.</summary>
    public UpstreamConnection? PreviousInLane;
    public UpstreamConnection? NextInLane;

    private UpstreamState _state;

    private ResolvedAddress? _to;
    private ServerTls? _tls;
    private bool _sessionIsKept;
    private Http2ServerSession? _http2;

    public ServerLane Lane { get; private set; } = null!;

    /// <summary>Leads to where the server is now; its name may have got another address since.</summary>
    public bool IsCurrent => _to == Lane.Server.Resolved && _tls == Lane.Tls;
    public Exchange? Exchange { get; private set; }

    /// <summary>Has carried an exchange before: the server may have closed it while our request was on its way.</summary>
    public bool IsReused { get; private set; }

    public Instant OpenedAt { get; private set; }

    public bool IsConnected => _state == UpstreamState.Busy;

    /// <summary>
    /// Starts to connect. False when it failed at once (<see cref="StreamChannel.LastError"/> says why); the object is free again then.
    /// </summary>
    public bool Open(ServerLane lane, ResolvedAddress to, Exchange exchange)
    {
        Exchange = exchange;
        return Connect(lane, to, exchange);
    }

    /// <summary>The same for a session that carries many exchanges.</summary>
    /// <param name="exchange">The one that it is opened for.</param>
    public bool Open(ServerLane lane, ResolvedAddress to, Exchange exchange, Http2ServerSession session)
    {
        _http2 = session;
        return Connect(lane, to, exchange);
    }

    private bool Connect(ServerLane lane, ResolvedAddress to, Exchange exchange)
    {
        Lane = lane;
        IsReused = false;
        _to = to;
        _tls = lane.Tls;
        _sessionIsKept = false;
        SocketAddress address = to.Address;
        OpenedAt = Loop.Now;
        int descriptor = ServerSocket.Connect(exchange.Upstreams, address, ref shard.SourceTurn);
        if (descriptor < 0) return FailOpen(descriptor);
        if (!Attach(descriptor))
        {
            Mainstay.Linux.Descriptor.Close(descriptor);
            (Exchange, _http2) = (null, null);
            return false;
        }

        _state = UpstreamState.Connecting;
        lane.AddBusy(this);
        Count(ref lane.Counters.Connections);
        return true;
    }

    /// <summary>Takes an idle connection for an exchange.</summary>
    public void Use(Exchange exchange)
    {
        _state = UpstreamState.Busy;
        GoesFirst = false;
        IsReused = true;
        Exchange = exchange;
        Loop.Arm(this, Instant.Never);
        Lane.AddBusy(this);
    }

    /// <summary>The exchange is over and the connection can carry another.</summary>
    public void Release(TimeSpan keepAlive)
    {
        Exchange = null;
        Lane.RemoveBusy(this);
        _state = UpstreamState.Idle;

        // A word of the server that came in one batch with the next request was not said to that request.
        GoesFirst = true;
        Loop.Arm(this, Loop.Now + keepAlive);
        Lane.AddIdle(this);
    }

    /// <summary>Closes in any state; the exchange is not told.</summary>
    public void Close()
    {
        if (_state == UpstreamState.Closed) return;
        if (_state == UpstreamState.Idle) Lane.RemoveIdle(this);
        else Lane.RemoveBusy(this);
        _state = UpstreamState.Closed;
        GoesFirst = false;
        (Exchange, _http2) = (null, null);
        Loop.Disarm(this);
        CloseDescriptor();
        shard.Recycle(this);
    }

    public void Finish(bool mayKeep, TimeSpan keepAlive, int maxIdle)
    {
        bool keep = mayKeep && !HasUnsent && !PeerEnded && keepAlive > TimeSpan.Zero && !Lane.IsRetired && IsCurrent
            && Lane.IdleCount < maxIdle && IsQuiet();
        if (IsSecured && !_sessionIsKept) KeepSession();
        if (keep) Release(keepAlive);
        else Close();
    }

    SendResult IPeerStream.Send(ReadOnlySpan<byte> bytes, int headLength, bool isEnd) => Send(bytes);

    public int SendKept(ReadOnlySpan<byte> bytes, int headLength, bool isEnd)
    {
        // Sealed bytes cannot be taken back: what the kernel does not take waits here.
        if (IsSecured) return Send(bytes) == SendResult.Failed ? -(int)LastError : bytes.Length;
        int count = Sockets.Send(Descriptor, bytes);
        return count == -(int)Errno.EAGAIN ? 0 : count;
    }

    public void BecomeTunnel()
    {
        if (!Lane.Server.Endpoint.IsUnix) TunnelProbes.Begin(Descriptor);
    }

    public bool IsHttp2 => false;

    public int Appetite => int.MaxValue;

    public void EndSending() => EndStream();

    public void RunSoon() => Loop.RunSoon(this);

    /// <summary>The server is out of service now: what it works on is lost to it.</summary>
    public void Cut()
    {
        if (_http2 is not null) _http2.Cut();
        else Exchange?.OnUpstreamCut();
    }

    /// <summary>Leaves this shard with its descriptor open, for another shard; taken from its lane before. The object is free again.</summary>
    public int Detach()
    {
        _state = UpstreamState.Closed;
        GoesFirst = false;
        Loop.Disarm(this);
        int descriptor = Descriptor;
        Loop.Unregister(this, staysOpen: true);
        Descriptor = -1;
        shard.Recycle(this);
        return descriptor;
    }

    /// <summary>Takes over an idle connection that another shard has let go. False: the caller closes the descriptor.</summary>
    public bool Adopt(ServerLane lane, int descriptor, Exchange? exchange)
    {
        Lane = lane;
        _to = lane.Server.Resolved;
        _tls = null;
        OpenedAt = default;

        // A word or an end that came while nobody listened must not become the answer to our request.
        bool isQuiet = Sockets.Receive(descriptor, shard.Input) == -(int)Errno.EAGAIN;
        if (!isQuiet || !Attach(descriptor))
        {
            shard.Recycle(this);
            return false;
        }

        _state = UpstreamState.Busy;
        IsReused = true;
        Exchange = exchange;
        lane.AddBusy(this);
        return true;
    }

    /// <summary>
    /// Nothing has come behind the response. After a receive that filled its buffer this has to be asked for: bytes that are there
    /// already raise no event, and would be taken for the next response.
    /// </summary>
    private bool IsQuiet() => !IsReadable || Receive(shard.Input) == -(int)Errno.EAGAIN;

    public override void OnReady(IoEvents events)
    {
        bool canSend = Note(events);
        switch (_state)
        {
            case UpstreamState.Connecting when canSend:
                OnConnectEnded();
                break;
            case UpstreamState.Securing:
                if (canSend && HasUnsent && Flush() == SendResult.Failed) FailSecuring(TlsProgress.Closed);
                else if (IsReadable) ContinueSecuring();
                break;
            case UpstreamState.Busy:
                Exchange!.OnUpstreamReady(canSend);
                break;
            case UpstreamState.Http2:
                _http2!.OnReady(canSend, (events & (IoEvents.Error | IoEvents.HangUp)) != 0);
                break;
            case UpstreamState.Idle when IsReadable || PeerEnded:
                Close();
                break;
        }

        shard.KeepWithinMemory();
    }

    public override void OnTurn()
    {
        if (_state == UpstreamState.Http2) _http2!.OnTurn();
        else Exchange?.OnUpstreamReady(canSend: true);
        shard.KeepWithinMemory();
    }

    /// <summary>An exception on the way of a response ends its exchange, and this connection in any case.</summary>
    public override void OnFault()
    {
        try
        {
            Exchange?.OnFault();
            _http2?.OnFault();
        }
        finally
        {
            Close();
        }
    }

    /// <summary>The keep-alive time is over.</summary>
    public override void OnDeadline(Instant now)
    {
        if (_state == UpstreamState.Idle) Close();
        else if (_state == UpstreamState.Http2) _http2!.OnDeadline(now);
    }

    private static void Count(ref long counter) => Volatile.Write(ref counter, counter + 1);

    private void OnConnectEnded()
    {
        Errno error = Sockets.TakeError(Descriptor);
        if (error == Errno.None) error = SendProxyHeader();
        if (error != Errno.None)
        {
            LastError = error;
            if (_http2 is not null) _http2.OnConnectFailed(error);
            else Exchange!.OnConnectFailed(error);
            return;
        }

        if (_tls is null)
        {
            OnOpen();
            return;
        }

        _state = UpstreamState.Securing;
        Secure(shard.TlsTransport, _tls.Context, _tls.Name, Lane.ResumableSession);
        ContinueSecuring();
    }

    private void ContinueSecuring()
    {
        TlsProgress progress = Shake();
        if (progress == TlsProgress.Done)
        {
            Count(ref Lane.Counters.Handshakes);
            if (Security.IsResumed) Count(ref Lane.Counters.Resumed);
            OnOpen();
        }
        else if (progress != TlsProgress.WantRead)
        {
            FailSecuring(progress);
        }
    }

    private void FailSecuring(TlsProgress progress)
    {
        LastError = progress == TlsProgress.Closed ? Errno.ECONNRESET : Errno.EPROTO;
        OutcomeCause cause = progress == TlsProgress.Untrusted ? OutcomeCause.ServerUntrusted : OutcomeCause.ServerHandshakeFailed;
        if (_http2 is not null) _http2.OnSecuringFailed(cause, LastError);
        else Exchange!.OnSecuringFailed(cause, LastError);
    }

    /// <summary>After a response: with TLS 1.3 the server's ticket has come by then.</summary>
    private void KeepSession()
    {
        if (Security.KeepSession() is not { } session) return;
        _sessionIsKept = true;
        Lane.Keep(session, _tls!);
    }

    private void OnOpen()
    {
        if (_http2 is { } session)
        {
            _state = UpstreamState.Http2;
            if (_tls is not null && !Security.Protocol.SequenceEqual("h2"u8)) session.OnSecuringFailed(OutcomeCause.ServerHandshakeFailed, Errno.EPROTO);
            else session.OnConnected();
            return;
        }

        _state = UpstreamState.Busy;
        Exchange!.OnConnected();

        // What the server said at once, without waiting for the request, came with this event: nothing announces it again.
        if (_state == UpstreamState.Busy && IsReadable) Exchange!.OnUpstreamReady(canSend: false);
    }

    /// <summary>Ahead of everything else. Some hundred bytes always fit into an empty queue.</summary>
    private Errno SendProxyHeader()
    {
        Span<byte> header = stackalloc byte[ProxyHeaderWriter.MaxLength];
        int length = Exchange?.WriteProxyHeader(header) ?? 0;
        if (length == 0) return Errno.None;
        int sent = Sockets.Send(Descriptor, header[..length]);
        return sent == length ? Errno.None : sent < 0 ? (Errno)(-sent) : Errno.ENOBUFS;
    }

    private bool FailOpen(int result)
    {
        LastError = (Errno)(-result);
        (Exchange, _http2) = (null, null);
        shard.Recycle(this);
        return false;
    }
}

using Mainstay.Core;
using Mainstay.Core.Http2;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>One request to a server that speaks HTTP/2.</summary>
internal sealed class Http2ServerStream(HttpShard shard) : Http2Stream(shard), IServerStream
{
    private Http2ServerSession? _session;
    private bool _tls;

    /// <summary>Tells this use of the object from the next.</summary>
    private int _life;

    /// <summary>The exchange will be told of what has come once all that came together has been looked through.</summary>
    private bool _isTouched;

    protected override Http2Session? Session => _session;

    /// <summary>A stream that the server itself reset did not die of its connection's age.</summary>
    public bool IsReused { get; private set; }

    public Instant OpenedAt { get; private set; }

    public int UnsentCapacity => Output.HeldBytes;

    /// <summary>Joins a connection, for a request that is sent when it stands.</summary>
    /// <param name="tls">The request came by TLS.</param>
    public void Begin(Http2ServerSession session, Exchange exchange, bool tls)
    {
        _session = session;
        _tls = tls;
        _life++;
        _isTouched = IsClosed = false;
        IsReused = session.HasCarried;
        OpenedAt = session.OpenedAt;
        Exchange = exchange;
        session.Add(this);
    }

    public int SendKept(ReadOnlySpan<byte> bytes, int headLength, bool isEnd)
    {
        if (_session is not { } session || IsClosed) return -(int)Errno.ECONNRESET;
        if (session.IsClogged) return 0;
        if (headLength > 0 && Open(session, bytes[..headLength], isEnd && bytes.Length == headLength) is < 0 and var error) return error;
        SendBody(bytes[headLength..], isEnd);
        return bytes.Length;
    }

    public void MarkReadable()
    {
        // What the server said last is here already, or comes as an event.
    }

    public void Finish(bool mayKeep, TimeSpan keepAlive, int maxIdle) => Free(mayKeep ? ErrorCode.NoError : ErrorCode.Cancel);

    public void Close() => Free(ErrorCode.Cancel);

    /// <summary>A response, or an interim one.</summary>
    public void OnHead(in Http2Event e, ReadOnlySpan<byte> text)
    {
        Input.AddHead(text);
        if (e.Kind == Http2EventKind.Head)
        {
            Input.Begin(!e.IsWebSocket && HttpFraming.IsChunked(text));
            if (e.EndStream) Input.End(default);
        }

        Touch();
    }

    /// <summary>The server has not begun with this request: it may be sent again (RFC 9113 section 8.7).</summary>
    public void OnUnprocessed()
    {
        IsClosed = true;
        Exchange!.OnUnprocessed();
    }

    public override void OnReset(in Http2Event e)
    {
        IsClosed = true;
        if (e.IsUnprocessed)
        {
            Exchange!.OnUnprocessed();
            return;
        }

        // After a whole response it only says that the rest of the request is not wanted.
        if (Input.HasEnded) return;
        IsReused = false;
        LastError = e.ByPeer ? Errno.ECONNRESET : Errno.EPROTO;
        Touch();
    }

    public override void OnLost(Errno error)
    {
        IsClosed = true;
        int life = _life;
        if (Input.HasEnded)
        {
            // The response is whole: the client gets it, however slow it is.
            _session!.Forget(this);
            _session = null;
        }
        else
        {
            LastError = error;
        }

        Exchange!.OnUpstreamReady(canSend: false);

        // Still here, the exchange waits for its client, which has not taken what it got: the rest will not come.
        if (_life == life && _session is not null) Exchange?.OnServerLost(error);
    }

    public override void OnTurn() => Exchange?.OnUpstreamReady(canSend: true);

    public override void OnDrained() => Exchange?.OnServerDrained();

    /// <summary>What has come together has been looked through.</summary>
    public void Tell()
    {
        if (!_isTouched) return;
        _isTouched = false;
        Exchange?.OnUpstreamReady(canSend: false);
    }

    /// <summary>Without a connection no one else gives a turn.</summary>
    public override void RunSoon()
    {
        if (_session is null) Shard.Loop.Arm(this, Shard.Loop.Now);
        else base.RunSoon();
    }

    public override void OnDeadline(Instant now) => OnTurn();

    protected override void OnInput()
    {
        if (!_isTouched) Exchange?.OnUpstreamReady(canSend: false);
    }

    protected override bool TrySendHead(ReadOnlySpan<byte> head, bool isEnd) => false;

    private int Open(Http2ServerSession session, ReadOnlySpan<byte> head, bool isEnd)
    {
        switch (session.TryOpen(head, _tls, isEnd, out StreamRef opened))
        {
            case HeadWrite.Written:
                Ref = opened;
                session.Place(this);
                Output.Begin(HttpFraming.IsChunked(head));
                if (isEnd) Output.Complete();
                return 0;
            case HeadWrite.NotPossible:
                IsReused = false;
                return LastErrorOf(Errno.EPROTO);
            default:
                // The server takes fewer streams than was hoped for when this one joined, or is leaving: as when a kept connection dies.
                IsReused = true;
                return LastErrorOf(Errno.ECONNREFUSED);
        }
    }

    private int LastErrorOf(Errno error)
    {
        LastError = error;
        return -(int)error;
    }

    private void Touch()
    {
        if (_isTouched) return;
        _isTouched = true;
        _session!.TellLater(this);
    }

    private void Free(ErrorCode code)
    {
        Http2ServerSession? session = _session;
        if (session is not null && !Ref.IsNone) session.Reset(this, code);
        Clear();
        _life++;
        _session = null;
        Shard.Recycle(this);
        session?.OnStreamOver();
    }
}

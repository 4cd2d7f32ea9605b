using Mainstay.Core;
using Mainstay.Core.Http;
using Mainstay.Core.Http2;
using Mainstay.Engine.Pools;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>
/// A connection to a server that speaks HTTP/2, carrying the requests of many exchanges. Those that need it before it stands wait in it.
/// </summary>
internal sealed class Http2ServerSession(HttpShard shard) : Http2Session(shard)
{
    /// <summary>Requests on one connection before another is opened, where the server allows as many.</summary>
    private const int MaxLoad = 100;

    /// <summary>
    /// A silent server is asked for a sign of life after so long, and given up after so much more. Servers of gRPC take a second one
    /// within five minutes for a nuisance.
    /// </summary>
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(30), s_nextSilence = TimeSpan.FromMinutes(5), s_answer = TimeSpan.FromSeconds(10);

    private static readonly Http2Settings s_settings = new(
        MaxHead: HttpShard.ResponseLimits.Head, MaxFields: HttpShard.ResponseLimits.Fields);

    private readonly List<Http2ServerStream> _touched = [];
    private UpstreamConnection _connection = null!;
    private ServerLane _lane = null!;
    private TimeSpan _keepAlive;
    private bool _isLeaving;
    private bool _hasFailed;
    private bool _hasPinged;
    private bool _awaitsPong;

    /// <summary>The connection stands.</summary>
    public bool IsReady { get; private set; }

    /// <summary>Has carried a request before the one under way.</summary>
    public bool HasCarried { get; private set; }

    public Instant OpenedAt => _connection.OpenedAt;

    /// <summary>Requests under way or waiting.</summary>
    public int Load => StreamCount;

    /// <summary>Another request can be given to it.</summary>
    public bool TakesMore => !_isLeaving && !IsBroken && StreamCount < MaxLoad && (!IsReady || Machine.CanOpen) && _connection.IsCurrent;

    public ServerLane Lane => _lane;

    /// <summary>Begins to connect. False when that failed at once, for <paramref name="error"/>; the object is free again then.</summary>
    public bool Open(ServerLane lane, ResolvedAddress to, Exchange exchange, TimeSpan keepAlive, out Errno error)
    {
        _lane = lane;
        _keepAlive = keepAlive;
        _isLeaving = _hasFailed = _hasPinged = _awaitsPong = IsReady = HasCarried = false;
        _connection = Shard.RentUpstream();
        Attach(_connection);
        error = Errno.None;
        if (_connection.Open(lane, to, exchange, this))
        {
            lane.Add(this);
            return true;
        }

        error = _connection.LastError;
        Shard.Recycle(this);
        return false;
    }

    public void OnConnected()
    {
        if (!_lane.Server.Endpoint.IsUnix) TunnelProbes.Begin(_connection.Descriptor);
        IsReady = true;
        Begin(Http2Role.Client, s_settings);
        ForEachStream(stream => stream.Exchange!.OnConnected());
        if (StreamCount == 0) Rearm();
        OnReady(canSend: false, isOver: false);
    }

    public void OnConnectFailed(Errno error)
    {
        // Before the exchanges hear of it: they look for another connection at once.
        _isLeaving = _hasFailed = true;
        ForEachStream(stream => stream.Exchange!.OnConnectFailed(error));
        Close();
    }

    /// <summary>The TLS handshake failed, or did not settle on HTTP/2.</summary>
    public void OnSecuringFailed(OutcomeCause cause, Errno error)
    {
        _isLeaving = _hasFailed = true;
        ForEachStream(stream => stream.Exchange!.OnSecuringFailed(cause, error));
        Close();
    }

    /// <summary>A silent server, an idle connection, or the end of a connection's time.</summary>
    public void OnDeadline(Instant now)
    {
        if (StreamCount == 0) SayGoodbye();
        else if (_awaitsPong) Lose();
        else Ping();
        CloseIfBroken();
    }

    /// <summary>Takes no further request and ends with the last one.</summary>
    public void Leave()
    {
        _isLeaving = true;
        if (StreamCount > 0) return;
        if (IsReady) SayGoodbye();
        else Close();
    }

    /// <summary>The server is out of service now: what it works on is lost to it.</summary>
    public void Cut()
    {
        _isLeaving = true;
        ForEachStream(stream => stream.Exchange?.OnUpstreamCut());
    }

    public void OnFault() => End(Errno.ECONNRESET);

    /// <summary>Opens a stream with a request's head.</summary>
    public HeadWrite TryOpen(ReadOnlySpan<byte> head, bool tls, bool isEnd, out StreamRef opened)
    {
        for (int fields = 40; ; fields = head.Length / 4)
        {
            FrameBuffer output = Begin(Http2Connection.MaxHeadRoom(head.Length, fields));
            HeadWrite written = Machine.TryOpen(head, tls, isEnd, ref output, out opened);
            End(output);
            if (written != HeadWrite.NoRoom || fields != 40 || IsBroken) return written;
        }
    }

    public void OnStreamOver()
    {
        HasCarried = true;
        if (StreamCount > 0 || IsBroken || _hasFailed) return;
        if (!IsReady)
        {
            // Nobody wants it any more that waited for it.
            Close();
            return;
        }

        if (_isLeaving || _lane.IsRetired || _keepAlive == TimeSpan.Zero || !_connection.IsCurrent) SayGoodbye();
        else Rearm();
    }

    public override void Add(Http2Stream stream)
    {
        base.Add(stream);
        if (StreamCount == 1 && IsReady) Rearm();
    }

    /// <summary>Its exchange is told when all that came together has been looked through.</summary>
    public void TellLater(Http2ServerStream stream) => _touched.Add(stream);

    protected override void OnHead(in Http2Event e) => OnAnyHead(e);

    protected override void OnConnectionEvent(in Http2Event e)
    {
        switch (e.Kind)
        {
            case Http2EventKind.Interim:
                OnAnyHead(e);
                break;
            case Http2EventKind.GoAway:
                OnGoAway(e.LastStreamId);
                break;
            case Http2EventKind.Pong:
                _awaitsPong = false;
                Rearm();
                break;
        }
    }

    protected override void OnHeard()
    {
        if (!_awaitsPong) return;
        _awaitsPong = false;
        Rearm();
    }

    protected override void OnBatchEnd()
    {
        for (int i = 0; i < _touched.Count; i++) _touched[i].Tell();
        _touched.Clear();
    }

    protected override void OnSocketChanged()
    {
        // Whoever waits has a timer of its own.
    }

    protected override void Close()
    {
        End(_connection.LastError == Errno.None ? Errno.ECONNRESET : _connection.LastError);
        _connection.Close();
        Shard.Recycle(this);
    }

    private void End(Errno error)
    {
        _lane.Remove(this);
        _touched.Clear();
        EndStreams(error);
    }

    private void OnAnyHead(in Http2Event e)
    {
        if (StreamAt(e.Stream) is Http2ServerStream stream) stream.OnHead(e, Shard.Http2.Text(e));
    }

    /// <summary>The server takes no more; what it has not begun may be sent elsewhere (RFC 9113 section 6.8).</summary>
    private void OnGoAway(int last)
    {
        _isLeaving = true;
        ForEachStream(stream =>
        {
            if (stream.Ref.Id > last) ((Http2ServerStream)stream).OnUnprocessed();
        });
        if (StreamCount == 0) Break();
    }

    private void SayGoodbye()
    {
        _isLeaving = true;
        FrameBuffer output = Begin(Http2Connection.MinOutput);
        Machine.BeginDrain(ref output);
        End(output);
        Break();
    }

    private void Ping()
    {
        FrameBuffer output = Begin(Http2Connection.MinOutput);
        Machine.TryPing((ulong)Loop.Now.Nanoseconds, ref output);
        End(output);
        _hasPinged = _awaitsPong = true;
        Rearm();
    }

    private void Rearm()
    {
        TimeSpan wait = StreamCount == 0 ? _keepAlive : _awaitsPong ? s_answer : _hasPinged ? s_nextSilence : s_silence;
        Loop.Arm(_connection, Loop.Now + wait);
    }
}

using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http2;
using Mainstay.Core.Net;
using Mainstay.Core.Proxy;
using Mainstay.Core.Rules;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>
/// One request of a client that speaks HTTP/2. Its exchange begins with the head, or, when a body follows, once the bytes that came with the
/// head have been looked through: a short request goes to its server in one piece then, and may be sent again.
/// </summary>
internal sealed class Http2ClientStream(HttpShard shard) : Http2Stream(shard), IClientStream
{
    /// <summary>Of a body, together with its head: both fit into a block twice.</summary>
    private const int BodyAtOnce = 64 * 1024;

    private Http2ClientSession _connection = null!;

    /// <summary>The request's head while its exchange has not begun.</summary>
    private Block? _head;

    protected override Http2Session Session => _connection;

    public HttpService Service => _connection.Client.Service;
    public NetAddress Address => _connection.Client.Address;
    public int Port => _connection.Client.Port;
    public ReadOnlySpan<byte> AddressText => _connection.Client.AddressText;
    public ProxyEnds Ends => _connection.Client.Ends;
    public int LocalPort => _connection.Client.LocalPort;
    public bool IsTls => _connection.Client.IsTls;
    public RouteTarget? OnlyRoute => _connection.Client.OnlyRoute;
    public int Requests => _connection.Client.Requests;
    public int PlainDescriptor => -1;
    public ref Standing Standing => ref _connection.Client.Standing;
    public bool EndsSoon => _connection.Client.EndsSoon;

    public ReadOnlySpan<byte> Tls(TlsFact fact) => _connection.Client.Tls(fact);

    /// <summary>A request has come.</summary>
    /// <param name="head">As HTTP/1.1 has it, with the empty line.</param>
    public void Begin(Http2ClientSession connection, in Http2Event e, ReadOnlySpan<byte> head)
    {
        Open(connection, e);
        Input.Begin(!e.EndStream && !e.IsWebSocket && HttpFraming.IsChunked(head));
        if (e.EndStream)
        {
            Input.End(default);
            Begin(head, default);
            return;
        }

        Shard.Blocks.Append(ref _head, head);
        connection.BeginLater(this);
    }

    /// <summary>What came with the head has been looked through.</summary>
    public void BeginDeferred()
    {
        if (_head is not { } head) return;
        Span<byte> room = Shard.Input.Slice(HttpShard.HeadRoom, BodyAtOnce);
        ReadOnlySpan<byte> nothing = default;
        int length = Input.Read(room, ref nothing, out int content);
        if (content > 0) _connection.OnTaken(this, content);
        _head = null;
        Begin(head.Filled, room[..length]);
        Shard.Blocks.Return(head);
    }

    public void KeepAhead(ReadOnlySpan<byte> bytes)
    {
        // A body that has come whole leaves nothing: the next request has a stream of its own.
    }

    public bool TryPassAhead(IServerStream server) => true;

    public void OnExchangeDone(bool keep, bool linger)
    {
        EndExchange();
        if (!Output.IsComplete) EndSending();
        if (HasSentAll) Finish();
        else Shard.Loop.Arm(this, Shard.Loop.Now + Service.Snapshot.Timeouts.Write);
    }

    public void OnExchangeAborted(bool reset)
    {
        EndExchange();
        Free(ErrorCode.InternalError);
    }

    public override void OnTurn() => Exchange?.OnClientReady(canSend: true, IoEvents.None);

    public override void OnDrained()
    {
        if (Exchange is { } exchange) exchange.OnClientDrained();
        else if (HasSentAll) Finish();
    }

    protected override void OnInput() => Exchange?.OnClientReady(canSend: false, IoEvents.None);

    public override void OnReset(in Http2Event e) => OnLost(Errno.ECONNRESET);

    public override void OnLost(Errno error)
    {
        IsClosed = true;
        if (Exchange is { } exchange) exchange.OnClientReady(canSend: false, IoEvents.Error);
        else Free(ErrorCode.Cancel);
    }

    /// <summary>The shard gives up what is left.</summary>
    public void Cut()
    {
        if (Exchange is { } exchange) exchange.OnCut();
        else Free(ErrorCode.Cancel);
    }

    /// <summary>The client has not taken the rest of a response.</summary>
    public override void OnDeadline(Instant now) => Free(ErrorCode.Cancel);

    protected override bool TrySendHead(ReadOnlySpan<byte> head, bool isEnd)
    {
        bool isInterim = head[9] == '1' && !head[9..12].SequenceEqual("101"u8);
        if (!_connection.TrySendHead(this, head, isEnd)) return false;
        if (isInterim) return true;
        Output.Begin(HttpFraming.IsChunked(head));
        if (isEnd) Output.Complete();
        return true;
    }

    /// <summary>A request that is too large, or asks for what is not spoken: answered, and nothing of it is kept.</summary>
    public void Refuse(Http2ClientSession connection, in Http2Event e)
    {
        Open(connection, e);
        Refuse(e.Status == 431 ? RejectReason.HeadTooLarge : RejectReason.ConnectNotSupported);
    }

    private void Open(Http2ClientSession connection, in Http2Event e)
    {
        _connection = connection;
        Ref = e.Stream;
        IsClosed = false;
        connection.Add(this);
        connection.Place(this);
    }

    private void Begin(ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest)
    {
        HttpLimits limits = Service.ParseLimits;
        if (!Shard.Request.TryParse(head, limits, out RejectReason reason))
        {
            Refuse(reason);
            return;
        }

        Exchange = Shard.RentExchange();
        Exchange.Begin(this, head, rest);
    }

    /// <summary>A head that is good HTTP/2, and no request all the same.</summary>
    private void Refuse(RejectReason reason)
    {
        Shard.Counters.Rejected[(int)reason]++;
        var outcome = Outcome.RejectedRequest(OutcomePhase.RequestHead, reason);
        Span<byte> output = Shard.Output;
        int length = ErrorResponses.Write(output, outcome.Status, Shard.Date);
        int headLength = output[..length].IndexOf("\r\n\r\n"u8) + 4;
        SendResult sent = Send(output[..length], headLength, isEnd: true);
        Shard.OnHeadRefused(_connection.Client, outcome, length);
        if (sent == SendResult.Failed) Free(ErrorCode.InternalError);
        else if (HasSentAll) Finish();
        else Shard.Loop.Arm(this, Shard.Loop.Now + Service.Snapshot.Timeouts.Write);
    }

    private void EndExchange()
    {
        Shard.Recycle(Exchange!);
        Exchange = null;
    }

    /// <summary>
    /// The response is out. A request that is still coming is not wanted any more, and its stream ends without an error (RFC 9113 section 8.1).
    /// </summary>
    private void Finish() => Free(ErrorCode.NoError);

    private void Free(ErrorCode code)
    {
        if (_head is not null) Shard.Blocks.Drop(ref _head);
        Http2ClientSession connection = _connection;
        connection.Reset(this, code);
        Clear();
        connection.OnStreamOver();
        Shard.Recycle(this);
    }
}

using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Coding;
using Mainstay.Core.Rules;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

internal enum ExchangePhase : byte
{
    Free,

    /// <summary>No server has been reached yet.</summary>
    Routing,

    /// <summary>The client's credentials are being checked elsewhere.</summary>
    Verifying,

    /// <summary>Another shard was asked for one of its idle connections.</summary>
    TakingOver,
    Connecting,

    /// <summary>The head and what came with it are on their way to the server.</summary>
    Sending,

    /// <summary>The rest of the request body streams; the response may begin at any time.</summary>
    Streaming,

    /// <summary>The whole request is sent.</summary>
    Awaiting,
    Responding,
    Tunnel,

    /// <summary>A thread that may wait for the disk has been asked for the file, or for a piece of it.</summary>
    FileAwaited,

    /// <summary>A file is on its way to the client.</summary>
    FileSending,
}

/// <summary>
/// One request and its response: chooses the route and the server, moves the bytes both ways, ends with exactly one
/// <see cref="Outcome"/>. Pooled by the shard. Parts: this file (begin, time, end), Request (server, sending, retries), Response, Tunnel.
/// </summary>
internal sealed partial class Exchange(HttpShard shard) : TimerNode
{
    private readonly EventLoop _loop = shard.Loop;
    private IClientStream _client = null!;
    private HttpService _service = null!;
    private RouteTarget _route = null!;
    private ExchangePhase _phase;

    /// <summary>[head as received][head as sent][beginning of the body], kept for retries and the log.</summary>
    private Block _kept = null!;
    private int _receivedLength;

    // Of the head as received.
    private RequestMethod _method;
    private ByteRange _methodText;
    private ByteRange _target;
    private ByteRange _host;
    private ByteRange _userAgent;
    private ByteRange _referer;
    private bool _clientIsHttp10;
    private bool _clientKeepAlive;
    private bool _isUpgrade;

    // When; for the log and the deadlines.
    private Instant _begunAt;
    private Instant _connectedAt;
    private Instant _sentAt;
    private Instant _firstByteAt;
    private Instant _totalDeadline;

    /// <summary>Nanoseconds that the server's connection had been open when this request took it; -1: none, or a new one.</summary>
    private long _connectionAge;

    private int _status;
    private long _bytesToClient;
    private long _bytesFromClient;
    private TextBuffer _requestId;
    private int _requestIdLength;

    [System.Runtime.CompilerServices.InlineArray(128)]
    private struct TextBuffer
    {
        private byte _first;
    }

    /// <summary>A request whose head was parsed into <see cref="HttpShard.Request"/> just now.</summary>
    /// <param name="rest">What came behind the head: body, and maybe the next request.</param>
    public void Begin(IClientStream client, ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest)
    {
        RequestHead request = shard.Request;
        _client = client;
        _service = client.Service;
        Clear();
        _begunAt = _loop.Now;
        _method = request.Method;
        _clientIsHttp10 = request.IsHttp10;
        _phase = ExchangePhase.Routing;
        _clientKeepAlive = request.KeepAlive && !client.EndsSoon && BelowRequestLimit();
        _isUpgrade = request.IsUpgrade;
        _requestBody = new BodyProgress(request.Body);
        Keep(request, head);

        IdentifyRequest(request, head);
        Route(request, head, rest);
    }

    /// <summary>A deadline of the phase that the exchange is in has passed.</summary>
    public override void OnDeadline(Instant now)
    {
        if (now >= _totalDeadline)
        {
            Fail(OutcomeCause.TotalTimeout);
            return;
        }

        if (IsPaused && now >= _pausedUntil && _phase is ExchangePhase.Streaming or ExchangePhase.Awaiting or ExchangePhase.Responding)
        {
            EndPause();
            return;
        }

        switch (_phase)
        {
            case ExchangePhase.Connecting or ExchangePhase.TakingOver:
                OnConnectTimeout();
                break;
            case ExchangePhase.Streaming when !_upstream!.HasUnsent && !_awaitsContinue:
                Fail(now >= UploadDeadline ? OutcomeCause.SlowBody : OutcomeCause.ClientBodyTimeout);
                break;
            case ExchangePhase.Awaiting or ExchangePhase.Sending or ExchangePhase.Streaming:
                Count(ref _lane!.Counters.Timeouts);
                Fail(OutcomeCause.ServerFirstByteTimeout);
                break;
            case ExchangePhase.Verifying:
                Fail(OutcomeCause.CredentialsUnchecked);
                break;
            case ExchangePhase.FileAwaited:
                Fail(OutcomeCause.FileUnavailable);
                break;
            case ExchangePhase.FileSending:
                Fail(OutcomeCause.ClientWriteTimeout);
                break;
            case ExchangePhase.Responding:
                Fail(!_client.HasUnsent ? OutcomeCause.ServerIdleTimeout
                    : now >= ReadDeadline ? OutcomeCause.SlowRead : OutcomeCause.ClientWriteTimeout);
                break;
            default:
                EndTunnel(OutcomeCause.ServerIdleTimeout);
                break;
        }
    }

    /// <summary>The shard gives up what is left.</summary>
    public void OnCut() => Fail(OutcomeCause.DrainDeadline);

    /// <summary>The shard is out of memory, and this exchange's connection holds much of it.</summary>
    public void OnShed() => Fail(OutcomeCause.Overloaded);

    /// <summary>An exception came up on this exchange's way, at any point of it.</summary>
    public override void OnFault()
    {
        if (_phase != ExchangePhase.Free) Fail(OutcomeCause.Fault);
    }

    /// <summary>In blocks: the request that is kept, what the server has not taken and a head that has not come whole.</summary>
    public int HeldBytes => (_kept?.Capacity ?? 0) + (_responseStash?.Capacity ?? 0) + (_upstream?.UnsentCapacity ?? 0);

    private static void Count(ref long counter) => Volatile.Write(ref counter, counter + 1);

    private static void Add(ref long counter, long amount) => Volatile.Write(ref counter, counter + amount);

    private void Clear()
    {
        _upstream = null;
        _lane = null;
        _serverIndex = -1;
        _tried = 0;
        _attempts = 0;
        _freshOnly = false;
        _resends = 0;
        _takeOvers = 0;
        _responseBegun = false;
        _responseIsDecoded = false;
        _extraFromServer = false;
        _uploadIsDead = false;
        _clientFraming = BodyKind.None;
        _interim = 0;
        _failedErrno = Errno.None;
        _connectionAge = -1;
        _status = 0;
        _bytesToClient = _bytesFromClient = 0;
        _connectedAt = _sentAt = _firstByteAt = default;
        _totalDeadline = Instant.Never;
        _requestIdLength = 0;
        _serial++;
        _guarded = default;
        _auth = null;
        _identity = null;
        ClearPace();
        _compression = null;
        _coding = ContentCoding.Identity;
        _to = null;
        _earlyLength = -1;
    }

    private bool BelowRequestLimit()
    {
        if (_service.Snapshot.Timeouts.KeepAlive == TimeSpan.Zero) return false;
        int limit = _service.Snapshot.Limits.RequestsPerConnection;
        return limit == 0 || _client.Requests < limit;
    }

    /// <summary>Keeps the head as received, and where the log finds its values in it.</summary>
    private void Keep(RequestHead request, ReadOnlySpan<byte> head)
    {
        _kept = shard.Blocks.Rent(2 * head.Length + RequestHeadWriter.Overhead + 512);
        _kept.Append(head);
        _receivedLength = head.Length;
        _methodText = request.MethodRange;
        _target = request.Target;
        _host = request.Authority;
        _userAgent = request.TryGet(FieldName.UserAgent, out HeaderField agent) ? agent.ValueRange : default;
        _referer = request.TryGet(FieldName.Referer, out HeaderField referer) ? referer.ValueRange : default;
    }

    /// <summary>A fixed response or a redirect. What came of a body is thrown away; one that has not come whole ends the connection.</summary>
    private void Answer(RequestHead request, ReadOnlySpan<byte> rest, in RuleInput input)
    {
        if (!_requestBody.TryPass(rest, _route.Rules.Limits, out int length, out RejectReason reason))
        {
            Refuse(reason);
            return;
        }

        bool whole = _requestBody.IsEnd;
        if (whole) _client.KeepAhead(rest[length..]);
        var how = new OwnResponse(_clientKeepAlive && whole, _clientIsHttp10, _method == RequestMethod.Head, TransportSecurity);
        if (_route.Files is not null)
        {
            BeginFile(request, how, linger: !whole);
            return;
        }

        Span<byte> output = shard.Output;
        int written;
        if (_route.Redirect is { } redirect)
        {
            if (redirect.NeedsHost && request.Host.IsEmpty)
            {
                Refuse(RejectReason.MissingHost);
                return;
            }

            written = redirect.Write(output, input, shard.Date, how, OwnFields(redirect.Status));
            _status = redirect.Status;
        }
        else
        {
            written = _route.Response!.Write(output, shard.Date, how, OwnFields(_route.Response.Status));
            _status = _route.Response.Status;
        }

        if (written < 0)
        {
            Fail(OutcomeCause.HeadDoesNotFit);
            return;
        }

        _bytesToClient = written;
        SendResult sent = SendOwn(output[..written]);
        End(sent == SendResult.Failed ? OutcomeCause.ClientReset : AnswerCause);
        if (sent == SendResult.Failed) _client.OnExchangeAborted(reset: false);
        else _client.OnExchangeDone(how.KeepAlive, linger: !whole);
    }

    /// <summary>The request is at fault.</summary>
    private void Refuse(RejectReason reason)
    {
        shard.Counters.Rejected[(int)reason]++;
        Fail(OutcomeCause.ClientRejected, reason);
    }

    /// <summary>
    /// Ends the exchange without the server's whole response: with a response of our own while the client has seen nothing, else by
    /// closing its connection, so that no part passes for the whole.
    /// </summary>
    private void Fail(OutcomeCause cause, RejectReason reason = RejectReason.None)
    {
        var outcome = new Outcome(OutcomePhase, cause, reason);
        if (outcome.Party == OutcomeParty.Server && cause is not (OutcomeCause.ServerTakenOut or OutcomeCause.NameNotResolved)) Judge(isGood: false);
        DropUpstream();
        if (_responseBegun || outcome.Status == 0)
        {
            bool reset = _clientFraming == BodyKind.UntilClose || cause == OutcomeCause.SlowRead;
            End(outcome);
            _client.OnExchangeAborted(reset);
            return;
        }

        _status = outcome.Status;
        Span<byte> output = shard.Output;
        var how = new OwnResponse(KeepAlive: false, ClientIsHttp10: false, _method == RequestMethod.Head, TransportSecurity);
        int length = _client.IsHttp2 && GrpcFailure.IsAsked(_kept.Memory[.._receivedLength])
            ? GrpcFailure.Write(output, outcome, shard.Date)
            : _route.Rules.ErrorPages.For(_status).Write(output, shard.Date, how, OwnFields(_status));
        _bytesToClient = length;
        bool failed = SendOwn(output[..length]) == SendResult.Failed;
        bool linger = !_requestBody.IsEnd;
        End(outcome);
        if (failed) _client.OnExchangeAborted(reset: false);
        else _client.OnExchangeDone(keep: false, linger);
    }

    /// <summary>Sends a complete response of our own: head, and body where there is one.</summary>
    private SendResult SendOwn(ReadOnlySpan<byte> response) =>
        _client.Send(response, response.IndexOf("\r\n\r\n"u8) + 4, isEnd: true);

    /// <summary>The client is gone: nobody is left to answer.</summary>
    private void Abandon(OutcomeCause cause)
    {
        var outcome = new Outcome(OutcomePhase, cause);
        DropUpstream();
        End(outcome);
        _client.OnExchangeAborted(reset: false);
    }

    private void End(OutcomeCause cause) => End(new Outcome(cause == OutcomeCause.Completed ? OutcomePhase.Done : OutcomePhase, cause));

    /// <summary>Counts, logs and frees; the client still has to be told how it went.</summary>
    private void End(Outcome outcome)
    {
        LeaveServer();
        DropResponseStash();
        ReleaseFile();
        ReleaseEncoder();
        if (!_guarded.IsNone) NoteOutcome();
        DropHeld();
        shard.OnExchangeEnded(_service, _status, outcome, _loop.Now - _begunAt, _bytesFromClient, _bytesToClient);
        if (_kept is { } kept)
        {
            WriteLog(outcome);
            shard.Blocks.Return(kept);
            _kept = null!;
        }

        _phase = ExchangePhase.Free;
        _loop.Arm(this, Instant.Never);
    }

    private OutcomeCause AnswerCause
    {
        get
        {
            if (_route == _service.NotFound) return OutcomeCause.NoRoute;
            if (_route == _service.LastRecipient) return OutcomeCause.MaxForwardsReached;
            return _route.Redirect is null ? OutcomeCause.Responded : OutcomeCause.Redirected;
        }
    }

    /// <summary>How far the exchange has come, as the log names it.</summary>
    private OutcomePhase OutcomePhase => _phase switch
    {
        ExchangePhase.Connecting or ExchangePhase.TakingOver => OutcomePhase.Connect,
        ExchangePhase.Sending or ExchangePhase.Streaming => OutcomePhase.SendRequest,
        ExchangePhase.Awaiting => _responseStash is null ? OutcomePhase.FirstByte : OutcomePhase.ResponseHead,
        ExchangePhase.Responding or ExchangePhase.FileSending => OutcomePhase.Body,
        ExchangePhase.FileAwaited => _responseBegun ? OutcomePhase.Body : OutcomePhase.Route,
        ExchangePhase.Tunnel => OutcomePhase.Tunnel,
        _ => _to is null ? OutcomePhase.Route : OutcomePhase.Pick,
    };

    /// <summary>Sets the deadline of a phase; the whole exchange's deadline may come before it.</summary>
    private void ArmFor(TimeSpan span) => _loop.Arm(this, Instant.Min(_loop.Now + span, _totalDeadline));
}

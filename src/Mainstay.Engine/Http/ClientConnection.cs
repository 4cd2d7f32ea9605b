using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Tls;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

internal enum ClientState : byte
{
    Closed,

    /// <summary>A PROXY header is due.</summary>
    ProxyHeader,

    /// <summary>The TLS handshake.</summary>
    Handshake,

    /// <summary>Between two requests, or in the middle of a head.</summary>
    Head,

    /// <summary>An exchange decides what is read and sent.</summary>
    Exchange,

    /// <summary>Speaks HTTP/2: a session has the connection.</summary>
    Http2,

    /// <summary>The last response is on its way out; then the connection closes.</summary>
    Flushing,

    /// <summary>Our side is closed; what the client still sends is thrown away, so that the last response is not lost to a reset.</summary>
    Lingering,
}

/// <summary>
/// One HTTP/1 client: reads heads, hands each request to an <see cref="Exchange"/>, keeps what was sent ahead for the next one. Objects are
/// used again; an idle one holds no buffer.
/// </summary>
internal sealed partial class ClientConnection(HttpShard shard) : StreamChannel(shard.Loop, shard.Blocks), IClientStream
{
    /// <summary>Requests answered in one turn of a client that pipelines.</summary>
    private const int RequestsPerTurn = 16;

    private AcceptChannel _listener = null!;
    private Standing _standing;

    /// <summary>The one that let it in, and has it among its address's connections.</summary>
    private ServiceGuard _guard = null!;
    private Exchange? _exchange;
    private Http2ClientSession? _http2;
    private Block? _stash;

    /// <summary>The stash that the request beginning now was read from.</summary>
    private Block? _consumed;
    private HeadScanner _scanner;
    private ClientState _state;
    private bool _stashIsNew;
    private bool _isAdvancing;

    /// <summary>A part of the next head is here and its deadline is set.</summary>
    private bool _headHasBegun;
    private int _addressLength;
    private TextBuffer _addressText;

    /// <summary>Neighbours in the shard's list of connections.</summary>
    public ClientConnection? PreviousInShard;
    public ClientConnection? NextInShard;

    /// <summary>The service as of now: what the next request sees.</summary>
    public HttpService Service => _listener.Service;

    public RouteTarget? OnlyRoute => _listener.Listener.Redirect;

    public NetAddress Address { get; private set; }
    public int Port { get; private set; }

    /// <summary>Requests so far on this connection.</summary>
    public int Requests { get; private set; }

    /// <summary>No request is under way and none has begun.</summary>
    public bool IsIdle => _state == ClientState.Http2 ? _http2!.IsIdle
        : _state is ClientState.Head or ClientState.Handshake or ClientState.ProxyHeader && _stash is null && !HasUnsent;

    /// <summary>No further request is taken: the shard drains, or a reload has dropped the listener and with it what it served.</summary>
    public bool EndsSoon => shard.IsDraining || _listener.IsDropped;

    public int PlainDescriptor => IsSecured ? -1 : Descriptor;

    /// <summary>Number of the service whose counters have this connection; a reload can give the listener to another one.</summary>
    public int CountedService { get; private set; }

    public ref Standing Standing => ref _standing;

    public int LocalPort => _listener.Port;

    public bool IsTls => IsSecured;

    /// <summary>The client's address as text; empty for a unix socket.</summary>
    public ReadOnlySpan<byte> AddressText => ((ReadOnlySpan<byte>)_addressText)[.._addressLength];

    [System.Runtime.CompilerServices.InlineArray(48)]
    private struct TextBuffer
    {
        private byte _first;
    }

    /// <summary>Begins with a connection that was just accepted. False when it could not be registered; the caller closes it.</summary>
    public bool Start(int descriptor, in SocketAddress peer, AcceptChannel listener, in Standing standing)
    {
        _standing = standing;
        _guard = listener.Service.Guard;
        _listener = listener;
        _state = ClientState.Head;
        _scanner.Reset();
        _headHasBegun = false;
        _stashIsNew = false;
        Requests = 0;
        CountedService = listener.Service.Number;
        _told = default;
        Address = peer.Address;
        Port = peer.Port;
        _addressLength = Address.Format(_addressText);
        if (!Attach(descriptor)) return false;
        if (listener.IsTold(peer)) AwaitProxyHeader();
        else BeginSpeaking();
        return true;
    }

    private void AwaitProxyHeader()
    {
        _state = ClientState.ProxyHeader;
        Loop.Arm(this, Loop.Now + Service.Snapshot.Timeouts.Head);
    }

    private void BeginSpeaking()
    {
        if (_listener.Listener.Tls is { } tls) BeginHandshake(tls);
        else Loop.Arm(this, Loop.Now + Service.Snapshot.Timeouts.Head);
    }

    public override void OnReady(IoEvents events)
    {
        bool canSend = Note(events);
        switch (_state)
        {
            case ClientState.Exchange:
                _exchange!.OnClientReady(canSend, events & (IoEvents.Error | IoEvents.HangUp));
                shard.KeepWithinMemory();
                return;
            case ClientState.Http2:
                _http2!.OnReady(canSend, (events & (IoEvents.Error | IoEvents.HangUp)) != 0);
                shard.KeepWithinMemory();
                return;
        }

        if (canSend && HasUnsent && !ContinueFlush()) return;
        if (_state == ClientState.ProxyHeader) ReadProxyHeader();
        else if (_state == ClientState.Handshake) ContinueHandshake();
        else Advance();
        shard.KeepWithinMemory();
    }

    public override void OnTurn()
    {
        if (_state == ClientState.Exchange) _exchange!.OnClientReady(canSend: true, IoEvents.None);
        else if (_state == ClientState.Http2) _http2!.OnTurn();
        else Advance();
        shard.KeepWithinMemory();
    }

    public override void OnDeadline(Instant now)
    {
        switch (_state)
        {
            case ClientState.Http2:
                _http2!.OnDeadline(now);
                break;
            case ClientState.ProxyHeader:
                OnProxyHeaderTimeout();
                break;
            case ClientState.Handshake:
                FailHandshake(TlsFailure.Timeout);
                break;
            case ClientState.Head when _stash is not null && !HasUnsent:
                shard.Counters.HeadTimeouts++;
                RespondAndClose(new Outcome(OutcomePhase.RequestHead, OutcomeCause.ClientHeadTimeout), linger: false, _stash.Filled);
                break;
            default:
                Close();
                break;
        }
    }

    SendResult IPeerStream.Send(ReadOnlySpan<byte> bytes, int headLength, bool isEnd) => Send(bytes);

    public void BecomeTunnel()
    {
        if (!Address.IsNone) TunnelProbes.Begin(Descriptor);
    }

    public bool IsHttp2 => false;

    public int Appetite => int.MaxValue;

    public void EndSending() => EndStream();

    public void RunSoon() => Loop.RunSoon(this);

    /// <summary>The exchange has ended and its response is complete or waits in this connection.</summary>
    /// <param name="keep">The connection can take another request.</param>
    /// <param name="linger">The client may still be sending a body that nobody wants.</param>
    public void OnExchangeDone(bool keep, bool linger)
    {
        shard.Recycle(_exchange!);
        _exchange = null;
        if (!keep || EndsSoon)
        {
            BeginClose(linger);
            return;
        }

        _state = ClientState.Head;
        _scanner.Reset();
        _headHasBegun = false;
        ArmIdle();
        if (!_isAdvancing && (_stashIsNew || IsReadable)) Loop.RunSoon(this);
    }

    /// <summary>The exchange has ended without a complete response: the client must see that.</summary>
    /// <param name="reset">Send RST: where the end of the connection would look like the end of the body.</param>
    public void OnExchangeAborted(bool reset)
    {
        shard.Recycle(_exchange!);
        _exchange = null;
        if (reset) BreakOff();
        if (reset && Descriptor >= 0 && !Address.IsNone) Sockets.ResetOnClose(Descriptor);
        Close();
    }

    /// <summary>Ends the connection if it waits for a further request on a listener that is no longer served.</summary>
    public void CloseIfDropped()
    {
        if (!_listener.IsDropped) return;
        if (_state == ClientState.Http2) _http2!.BeginDrain();
        else if (IsIdle && Requests > 0) Close();
    }

    public void Close()
    {
        if (_state == ClientState.Closed) return;
        if (_state == ClientState.Handshake) shard.Handshakes.Leave();
        _state = ClientState.Closed;
        DropStash();
        EndHttp2();
        _exchange = null;
        Loop.Disarm(this);
        CloseDescriptor();
        _guard.Leave(_standing);
        shard.OnClosed(this);
    }

    /// <summary>The shard gives up what is left: a drain's deadline has passed.</summary>
    public void Cut()
    {
        if (_state == ClientState.Exchange) _exchange!.OnCut();
        else if (_state == ClientState.Http2) _http2!.Cut();
        else Close();
    }

    private void Advance()
    {
        _isAdvancing = true;
        for (int left = RequestsPerTurn; ; left--)
        {
            if (_state == ClientState.Lingering) Discard();
            if (_state != ClientState.Head || HasUnsent) break;
            if (left == 0)
            {
                Loop.RunSoon(this);
                break;
            }

            if (_stashIsNew)
            {
                _stashIsNew = false;
                OnBytes(_stash!.Filled);
            }
            else if (!IsReadable || !TryReceive())
            {
                break;
            }
        }

        _isAdvancing = false;
    }

    /// <summary>One receive, into the shard's buffer or behind the beginning that is already here.</summary>
    private bool TryReceive()
    {
        if (_stash is not null && _stash.Room.IsEmpty) KeepAhead(_stash.Filled, atLeast: _stash.Count * 4);
        Span<byte> room = _stash is null ? shard.Input[HttpShard.HeadRoom..] : StashRoom(_stash);
        int count = Receive(room);
        if (count <= 0)
        {
            if (count == -(int)Errno.EAGAIN) return false;
            if (_stash is not null) shard.Counters.HeadsAborted++;
            Close();
            return false;
        }

        if (_stash is null)
        {
            OnBytes(room[..count]);
            return true;
        }

        _stash.End += count;
        OnBytes(_stash.Filled);
        return true;
    }

    /// <summary>Everything that has come of the next request, maybe with more behind it.</summary>
    private void OnBytes(ReadOnlySpan<byte> bytes)
    {
        if (Requests == 0 && TryBeginHttp2(bytes)) return;
        HttpLimits limits = Service.ParseLimits;
        if (!_scanner.TryFindEnd(bytes, limits, out int headLength, out RejectReason reason))
        {
            if (reason != RejectReason.None) Refuse(reason, bytes);
            else KeepPart(bytes);
            return;
        }

        ReadOnlySpan<byte> head = bytes[..headLength];
        if (!shard.Request.TryParse(head, limits, out reason))
        {
            Refuse(reason, bytes);
            return;
        }

        Requests++;
        _state = ClientState.Exchange;
        Loop.Arm(this, Instant.Never);
        _consumed = _stash;
        _stash = null;
        _exchange = shard.RentExchange();
        _exchange.Begin(this, head, bytes[headLength..]);
        if (_consumed is null) return;
        Blocks.Return(_consumed);
        _consumed = null;
    }

    private void Refuse(RejectReason reason, ReadOnlySpan<byte> bytes)
    {
        shard.Counters.Rejected[(int)reason]++;
        RespondAndClose(Outcome.RejectedRequest(OutcomePhase.RequestHead, reason), linger: true, bytes);
    }

    /// <summary>Between two requests; the client may still have to take the rest of a response first.</summary>
    private void ArmIdle()
    {
        HttpTimeouts timeouts = Service.Snapshot.Timeouts;
        Loop.Arm(this, Loop.Now + (HasUnsent ? timeouts.Write : timeouts.KeepAlive));
    }

}

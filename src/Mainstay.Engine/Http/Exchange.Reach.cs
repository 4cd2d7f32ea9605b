using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Pools;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>Reaching a server: choosing it, a kept connection or a new one, and another one where HTTP allows to try again.</summary>
internal sealed partial class Exchange
{
    private IServerStream? _upstream;
    private ServerLane? _lane;
    private PickKey _pickKey;
    private ulong _tried;
    private int _serverIndex;
    private int _attempts;

    /// <summary>How the last attempt ended: what the client is told when there is no further server.</summary>
    private OutcomeCause _lastCause;
    private bool _freshOnly;

    /// <summary>Times that a server said it had not begun with the request.</summary>
    private int _resends;

    private const int MaxResends = 3;

    /// <summary>One of the server's connections in flight is ours.</summary>
    private bool _hasPlace;

    /// <summary>The connection that <see cref="TryReach"/> began stands.</summary>
    public void OnConnected()
    {
        BeginSending();
    }

    public void OnConnectFailed(Errno error)
    {
        Count(ref _lane!.Counters.ConnectFailures);
        _failedErrno = error;
        TryNextServer(ConnectCause(error));
    }

    /// <summary>The connection stands, but TLS does not: the server's certificate, or what it speaks.</summary>
    public void OnSecuringFailed(OutcomeCause cause, Errno error)
    {
        Count(ref _lane!.Counters.ConnectFailures);
        _failedErrno = error;
        TryNextServer(cause);
    }

    /// <summary>The server went out of service, or its drain time is over.</summary>
    public void OnUpstreamCut()
    {
        if (_sent == 0) TryNextServer(OutcomeCause.ServerTakenOut);
        else Fail(OutcomeCause.ServerTakenOut);
    }

    /// <summary>Chooses a server and sends to it, or begins to connect. Every failure comes back here until the attempts are used up.</summary>
    private void TryReach()
    {
        while (true)
        {
            if (!TryChoose())
            {
                Fail(_tried != 0 ? _lastCause : NoneCause);
                return;
            }

            bool isShared = Upstream.Protocol == UpstreamProtocol.Http2;
            if (!_freshOnly && !isShared && !TellsClient && _lane!.TakeIdle() is { } idle)
            {
                _upstream = idle;
                idle.Use(this);
                BeginSending();
                return;
            }

            if ((!isShared && TryTakeOver()) || TryOpen()) return;
            Count(ref _lane!.Counters.ConnectFailures);
            LeaveServer();
            _lastCause = OpenCause;
            if (!MayTryAnother())
            {
                Fail(_lastCause);
                return;
            }

            Judge(isGood: false);
        }
    }

    private void BeginSending()
    {
        _connectedAt = _loop.Now;
        Instant opened = _upstream!.OpenedAt;
        _connectionAge = _upstream.IsReused && opened != default ? (_loop.Now - opened).Ticks * 100 : -1;
        SendKept();
    }

    /// <summary>Why nothing was picked at the first attempt.</summary>
    private OutcomeCause NoneCause =>
        Pool.Set.Availability.Tier(Pool.Slot) == PoolTier.None ? OutcomeCause.NoServer : OutcomeCause.ServersBusy;

    /// <summary>Why a connection could not even be begun.</summary>
    private OutcomeCause OpenCause =>
        _lane!.Server.Resolved is null ? OutcomeCause.NameNotResolved : ConnectCause(_failedErrno);

    /// <summary>Begins to connect. False when that failed at once.</summary>
    private bool TryOpen()
    {
        if (_lane!.Server.Resolved is not { } resolved) return false;
        if (Upstream.Protocol == UpstreamProtocol.Http2) return TryOpenStream(resolved);
        UpstreamConnection upstream = shard.RentUpstream();
        if (upstream.Open(_lane, resolved, this))
        {
            _upstream = upstream;
            _phase = ExchangePhase.Connecting;
            ArmFor(Upstream.Connect);
            return true;
        }

        _failedErrno = upstream.LastError;
        return false;
    }

    /// <summary>A stream of a connection that takes another one, or of a new connection.</summary>
    private bool TryOpenStream(ResolvedAddress resolved)
    {
        if (_lane!.FindSession() is not { } session)
        {
            session = shard.RentServerSession();
            if (!session.Open(_lane, resolved, this, Upstream.KeepAlive, out _failedErrno)) return false;
        }

        Http2ServerStream stream = shard.RentServerStream();
        _upstream = stream;
        stream.Begin(session, this, _client.IsTls);
        if (session.IsReady)
        {
            BeginSending();
            return true;
        }

        _phase = ExchangePhase.Connecting;
        ArmFor(Upstream.Connect);
        return true;
    }

    /// <summary>
    /// The server has said that it did not begin with the request (RFC 9113 section 8.7): it is sent again, which is safe whatever its
    /// method is, where all of it is still here.
    /// </summary>
    public void OnUnprocessed()
    {
        if (_responseBegun || _interim > 0 || !(_isRetained || _sent == 0) || _resends == MaxResends)
        {
            Count(ref _lane!.Counters.ResponseFailures);
            Fail(OutcomeCause.ServerReset);
            return;
        }

        _resends++;
        Count(ref _lane!.Counters.Retries);
        DropUpstream();
        LeaveServer();
        _phase = ExchangePhase.Routing;
        _sent = 0;
        TryReach();
    }

    /// <summary>The connection that another shard was asked for did not come: open one to the server that was chosen.</summary>
    private void Reach()
    {
        if (TryOpen()) return;
        Count(ref _lane!.Counters.ConnectFailures);
        TryNextServer(OpenCause);
    }

    private static OutcomeCause ConnectCause(Errno error) => error switch
    {
        Errno.ECONNREFUSED or Errno.ENOENT or Errno.ECONNRESET => OutcomeCause.ConnectRefused,
        Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.ENETDOWN or Errno.EHOSTDOWN => OutcomeCause.ConnectUnreachable,
        Errno.ETIMEDOUT => OutcomeCause.ConnectTimeout,
        _ => OutcomeCause.ConnectFailed,
    };

    /// <summary>Takes a place at a server. Another shard may be faster at the last free one: then the next is picked.</summary>
    private bool TryChoose()
    {
        if (_freshOnly && Enter(_serverIndex)) return true;
        if (TryStay())
        {
            NoteChosen();
            return true;
        }

        ulong passedOver = _tried;
        PoolBalancer balancer = _to!.Balancers[shard.Number];
        while (true)
        {
            int index = balancer.Pick(_pickKey with { Tried = passedOver });
            if (index == Scheduler.None) return false;
            if (Enter(index))
            {
                NoteChosen();
                return true;
            }

            passedOver |= 1UL << (index & 63);
        }
    }

    private bool Enter(int index)
    {
        PoolBalancer balancer = _to!.Balancers[shard.Number];
        if (!balancer.TryEnter(index)) return false;
        ServerRuntime server = Pool.Servers[index];
        if (server.IsRetired)
        {
            // This exchange is older than the configuration in force; the server's slot may be another's soon.
            balancer.Leave(index);
            return false;
        }

        _serverIndex = index;
        _lane = shard.Lane(server);
        _lane.Tls = _to!.Tls?.Servers[index];
        _hasPlace = true;
        return true;
    }

    private void LeaveServer()
    {
        if (!_hasPlace) return;
        _hasPlace = false;
        shard.Loads.Leave(_lane!.Server.Slot);
    }

    private bool MayTryAnother()
    {
        _tried |= 1UL << (_serverIndex & 63);
        _freshOnly = false;
        if (_attempts >= Upstream.Retries) return false;
        _attempts++;
        Count(ref _lane!.Counters.Retries);
        return true;
    }

    private void TryNextServer(OutcomeCause cause)
    {
        LeaveServer();
        _lastCause = cause;
        if (!MayTryAnother())
        {
            Fail(cause);
            return;
        }

        if (cause != OutcomeCause.ServerTakenOut) Judge(isGood: false);
        DropUpstream();
        _phase = ExchangePhase.Routing;
        _sent = 0;
        TryReach();
    }

    private void OnConnectTimeout()
    {
        if (_phase == ExchangePhase.TakingOver)
        {
            // The other shard is late, which is no fault of the server's; what it still sends finds another ticket.
            _ticket = (_ticket + 1) & TicketMask;
            _phase = ExchangePhase.Routing;
            Reach();
            return;
        }

        Count(ref _lane!.Counters.ConnectFailures);
        Count(ref _lane.Counters.Timeouts);
        _failedErrno = Errno.ETIMEDOUT;
        TryNextServer(OutcomeCause.ConnectTimeout);
    }

    /// <summary>
    /// A kept connection died before it answered: the server closed it while our request was on its way. A new one to the same server, if
    /// the request may be sent again.
    /// </summary>
    private void OnReusedConnectionLost(OutcomeCause cause)
    {
        bool mayResend = new Outcome(OutcomePhase, cause).IsRetryable(_sent == 0, pooled: true, _method) && (_sent == 0 || _isRetained);
        if (!mayResend)
        {
            Fail(cause);
            return;
        }

        DropUpstream();
        LeaveServer();
        _phase = ExchangePhase.Routing;
        _freshOnly = true;
        _sent = 0;
        TryReach();
    }

    /// <summary>For pools that look for outliers: how the server did.</summary>
    private void Judge(bool isGood)
    {
        if (_lane is { } lane && Pool.Snapshot.Outliers is not null) shard.Loads.Judge(lane.Server.Slot, isGood);
    }

    private void DropUpstream()
    {
        _upstream?.Close();
        _upstream = null;
        DropResponseStash();
        _responseScanner.Reset();
    }
}

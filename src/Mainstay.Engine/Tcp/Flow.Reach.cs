using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Pools;
using Mainstay.Linux;

namespace Mainstay.Engine.Tcp;

/// <summary>Reaching a server: choosing one, connecting, and another one as long as no byte was forwarded.</summary>
internal sealed partial class Flow
{
    private FlowLane? _lane;
    private PickKey _pickKey;
    private ulong _tried;
    private int _serverIndex;
    private int _attempts;
    private Instant _connectingSince;

    /// <summary>How the last attempt ended: how the flow ends when there is no further server.</summary>
    private FlowCause _lastCause;

    /// <summary>One of the server's connections in flight is ours.</summary>
    private bool _hasPlace;

    /// <summary>The server went out of service, or its drain time is over.</summary>
    public override void OnServerCut()
    {
        if (_state == FlowState.Connecting) TryNextServer(FlowCause.ServerTakenOut);
        else if (_state == FlowState.Open) End(FlowCause.ServerTakenOut, reset: true);
    }

    private PoolRuntime Pool => _target!.Pool;

    private PoolBalancer Balancer => _target!.Balancers[_shard.Number];

    private bool Reach()
    {
        if (_target!.NeedsDestination) LearnDestination();
        _pickKey = _target.Key(_source, _sourcePort, _destination, _loop.Now);
        return TryReach();
    }

    /// <summary>Chooses a server and begins to connect; every failure comes back here until the attempts are used up.</summary>
    private bool TryReach()
    {
        while (true)
        {
            if (!TryChoose()) return End(_tried != 0 ? _lastCause : NoneCause, reset: true);
            if (TryOpen()) return true;
            Count(ref _lane!.Counters.ConnectFailures);
            LeaveServer();
            if (!MayTryAnother()) return End(_lastCause, reset: true);
        }
    }

    /// <summary>Why nothing was picked at the first attempt.</summary>
    private FlowCause NoneCause =>
        Pool.Set.Availability.Tier(Pool.Slot) == PoolTier.None ? FlowCause.NoServer : FlowCause.ServersBusy;

    /// <summary>Begins to connect. False when that failed at once.</summary>
    private bool TryOpen()
    {
        if (_lane!.Server.Resolved is not { } resolved)
        {
            _lastCause = FlowCause.NameNotResolved;
            return false;
        }

        Errno error = _server.TryConnect(Pool.Snapshot, resolved.Address);
        if (error != Errno.None)
        {
            _lastCause = CauseOf(error);
            return false;
        }

        _state = FlowState.Connecting;
        _connectingSince = _loop.Now;
        _loop.Arm(_client, _loop.Now + Pool.Snapshot.Upstream.Connect);
        Count(ref _lane.Counters.Connections);
        return true;
    }

    private static FlowCause CauseOf(Errno error) => error switch
    {
        Errno.ECONNREFUSED or Errno.ENOENT or Errno.ECONNRESET => FlowCause.ConnectRefused,
        Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.ENETDOWN or Errno.EHOSTDOWN => FlowCause.ConnectUnreachable,
        Errno.ETIMEDOUT => FlowCause.ConnectTimeout,
        Errno.EADDRNOTAVAIL => FlowCause.NoSourcePort,
        _ => FlowCause.ConnectFailed,
    };

    private void OnConnectEnded(IoEvents events)
    {
        if ((events & (IoEvents.Out | IoEvents.Error | IoEvents.HangUp)) == 0) return;

        // Writable and nothing else says that the connection stands; only otherwise the socket has to be asked.
        Errno error = (events & (IoEvents.Error | IoEvents.HangUp)) == 0 ? Errno.None : Sockets.TakeError(_server.Descriptor);
        if (error == Errno.None && (events & IoEvents.Out) != 0)
        {
            OnConnected();
            return;
        }

        Count(ref _lane!.Counters.ConnectFailures);
        TryNextServer(CauseOf(error));
    }

    private void OnConnectTimeout()
    {
        Count(ref _lane!.Counters.ConnectFailures);
        Count(ref _lane.Counters.ConnectTimeouts);
        TryNextServer(FlowCause.ConnectTimeout);
    }

    private void OnConnected()
    {
        _connectedAt = _loop.Now;
        TimeSpan elapsed = _connectedAt - _connectingSince;
        _lane!.Counters.ConnectTimes.Record(elapsed);
        if (_target!.MeasuresTime) _shard.Loads.OnResponse(_lane.Server.Slot, elapsed, _connectedAt);
        BeginStream();
    }

    /// <summary>Takes a place at a server. Another shard may be faster at the last free one: then the next is picked.</summary>
    private bool TryChoose()
    {
        ulong passedOver = _tried;
        PoolBalancer balancer = Balancer;
        while (true)
        {
            int index = balancer.Pick(_pickKey with { Tried = passedOver });
            if (index == Scheduler.None) return false;
            if (Enter(balancer, index)) return true;
            passedOver |= 1UL << (index & 63);
        }
    }

    private bool Enter(PoolBalancer balancer, int index)
    {
        if (!balancer.TryEnter(index)) return false;
        ServerRuntime server = Pool.Servers[index];
        if (server.IsRetired)
        {
            // This flow is older than the configuration in force; the server's slot may be another's soon.
            balancer.Leave(index);
            return false;
        }

        _serverIndex = index;
        _lane = _shard.Lane(server);
        _lane.Add(this);
        _hasPlace = true;
        return true;
    }

    private void LeaveServer()
    {
        if (!_hasPlace) return;
        _hasPlace = false;
        _lane!.Remove(this);
        _shard.Loads.Leave(_lane.Server.Slot);
    }

    private bool MayTryAnother()
    {
        _tried |= 1UL << (_serverIndex & 63);
        if (_attempts >= Pool.Snapshot.Upstream.Retries) return false;
        _attempts++;
        Count(ref _lane!.Counters.Retries);
        return true;
    }

    private void TryNextServer(FlowCause cause)
    {
        LeaveServer();
        _lastCause = cause;
        if (!MayTryAnother())
        {
            End(cause, reset: true);
            return;
        }

        _server.Close();
        TryReach();
    }

    private static void Count(ref long counter) => Volatile.Write(ref counter, counter + 1);
}

using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Tcp;

/// <summary>
/// One client's datagrams and the connected socket to its server. Ends by time, after the answers that were expected, or with its
/// server. Ended sessions go back to the shard for reuse.
/// </summary>
internal sealed class UdpSession : Channel
{
    /// <summary>A worker that drains waits so long for answers to what it has sent on.</summary>
    private static readonly TimeSpan s_drainIdle = TimeSpan.FromSeconds(1);

    private const int LargestKept = 4 * 1024;

    /// <summary>Neighbours in the shard's list of sessions.</summary>
    public UdpSession? PreviousInShard;
    public UdpSession? NextInShard;

    private readonly TcpShard _shard;
    private readonly EventLoop _loop;
    private readonly Member _member;
    private UdpListener _listener = null!;
    private SessionKey _key;
    private SocketAddress _peer;
    private FlowTarget _target = null!;
    private FlowLane? _lane;
    private PickKey _pickKey;
    private ulong _tried;
    private int _serverIndex;
    private int _attempts;
    private bool _hasPlace;
    private bool _isOpen;
    private FlowCause _lastCause;
    private long _requests;
    private long _responses;
    private long _bytesIn;
    private long _bytesOut;
    private Instant _begunAt;
    private Instant _lastAt;

    /// <summary>What the client said last, until the server has answered: for another server, if this one turns out not to be there.</summary>
    private Block? _kept;

    public UdpSession(TcpShard shard)
    {
        _shard = shard;
        _loop = shard.Loop;
        _member = new Member(this);
    }

    public TcpService Service { get; set; } = null!;

    /// <summary>False: there is no server for it, and the session has ended.</summary>
    public bool Start(UdpListener listener, in SessionKey key, in SocketAddress peer, FlowTarget target)
    {
        _listener = listener;
        _key = key;
        _peer = peer;
        _target = target;
        _tried = 0;
        _attempts = 0;
        _lane = null;
        _requests = _responses = _bytesIn = _bytesOut = 0;
        _isOpen = true;
        _begunAt = _lastAt = _loop.Now;
        _pickKey = target.Key(key.Client, key.Port, key.Local, _loop.Now);
        if (!TryReach()) return End(_tried != 0 ? _lastCause : NoneCause);
        _loop.Arm(this, _lastAt + Idle);
        return true;
    }

    /// <summary>Sends some datagrams of a batch on to the server.</summary>
    public void Forward(DatagramBatch batch, int from, int count)
    {
        if (!_isOpen) return;
        _lastAt = _loop.Now;
        _requests += count;
        Keep(batch[from + count - 1]);
        for (int i = from; i < from + count; i++) _bytesIn += batch[i].Length;
        int sent = batch.SendConnected(Descriptor, from, count);

        // An answer to earlier datagrams (ICMP port unreachable) comes with this call; the datagrams themselves did not go.
        if (sent < 0 && sent != -(int)Errno.EAGAIN) OnUnreachable((Errno)(-sent));
        else if (sent < count) Drop(count - Math.Max(sent, 0));
    }

    public override void OnReady(IoEvents events)
    {
        DatagramBatch batch = _shard.ServerDatagrams;
        while (_isOpen)
        {
            int count = batch.Receive(Descriptor, isConnected: true);
            if (count == -(int)Errno.EAGAIN) return;
            if (count < 0)
            {
                OnUnreachable((Errno)(-count));
                return;
            }

            if (!Answer(batch) || count < DatagramBatch.Capacity) return;
        }
    }

    public override void OnDeadline(Instant now)
    {
        if (now - _lastAt < Idle) _loop.Arm(this, _lastAt + Idle);
        else End(FlowCause.Completed);
    }

    public override void OnFault() => End(FlowCause.Fault);

    /// <summary>The worker drains: what was asked is still answered.</summary>
    public void HurryUp() => _loop.Arm(this, _lastAt + Idle);

    /// <summary>Ends the session: counts, logs, closes. Always false.</summary>
    public bool End(FlowCause cause)
    {
        if (!_isOpen) return false;
        _isOpen = false;
        LeaveServer();
        _shard.OnEnded(Service, cause, _loop.Now - _begunAt, _bytesIn, _bytesOut);
        WriteLog(cause);
        DropKept();
        _loop.Disarm(this);
        CloseSocket();
        if (!Service.Snapshot.Datagrams.OnePacket) _listener.Forget(_key);
        _shard.OnClosed(this);
        return false;
    }

    private TimeSpan Idle
    {
        get
        {
            TimeSpan idle = Service.Snapshot.Datagrams.Idle;
            return _shard.IsDraining && idle > s_drainIdle ? s_drainIdle : idle;
        }
    }

    /// <summary>The server's datagrams to the client. False when the session has ended.</summary>
    private bool Answer(DatagramBatch batch)
    {
        _lastAt = _loop.Now;
        DropKept();
        int sent = batch.SendTo(_listener.Descriptor, _peer, _key.Local);
        for (int i = 0; i < batch.Count; i++) _bytesOut += batch[i].Length;
        _responses += batch.Count;
        TcpServiceCounters counters = _shard.Services[Service.Number];
        Volatile.Write(ref counters.DatagramsToClients, counters.DatagramsToClients + Math.Max(sent, 0));
        if (sent < batch.Count) Drop(batch.Count - Math.Max(sent, 0));
        int expected = Service.Snapshot.Datagrams.Responses;
        return expected == 0 || _responses < expected * _requests || End(FlowCause.Completed);
    }

    /// <summary>Nobody listens at the server's port, or the network says that it is not there.</summary>
    private void OnUnreachable(Errno error)
    {
        Count(ref _lane!.Counters.ConnectFailures);
        LeaveServer();
        CloseSocket();
        _lastCause = error == Errno.ECONNREFUSED ? FlowCause.ConnectRefused : FlowCause.ConnectUnreachable;

        // Once the server has answered, what came to an end is its: another one would not know what was said before.
        if (_responses > 0 || !MayTryAnother() || !TryReach())
        {
            End(_lastCause);
            return;
        }

        if (_kept is { } kept) _ = Sockets.Send(Descriptor, kept.Filled);
    }

    /// <summary>Chooses a server and opens a socket to it.</summary>
    private bool TryReach()
    {
        while (TryChoose())
        {
            if (TryOpen()) return true;
            Count(ref _lane!.Counters.ConnectFailures);
            LeaveServer();
            if (!MayTryAnother()) return false;
        }

        return false;
    }

    private bool TryOpen()
    {
        _lastCause = FlowCause.NameNotResolved;
        if (_lane!.Server.Resolved is not { } resolved) return false;
        _lastCause = FlowCause.ConnectFailed;
        SocketAddress address = resolved.Address;
        if (address.Family == SocketAddress.FamilyUnix) return false;
        int descriptor = ServerSocket.Connect(_target.Pool.Snapshot, address, ref _shard.SourceTurn, isDatagram: true);
        if (descriptor < 0) return false;
        Descriptor = descriptor;
        if (_loop.Register(this, IoEvents.In | IoEvents.EdgeTriggered) < 0)
        {
            CloseSocket();
            return false;
        }

        Count(ref _lane.Counters.Connections);
        return true;
    }

    private bool TryChoose()
    {
        ulong passedOver = _tried;
        PoolBalancer balancer = _target.Balancers[_shard.Number];
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
        ServerRuntime server = _target.Pool.Servers[index];
        if (server.IsRetired)
        {
            balancer.Leave(index);
            return false;
        }

        _serverIndex = index;
        _lane = _shard.Lane(server);
        _lane.Add(_member);
        _hasPlace = true;
        return true;
    }

    private bool MayTryAnother()
    {
        _tried |= 1UL << (_serverIndex & 63);
        if (_attempts >= _target.Pool.Snapshot.Upstream.Retries) return false;
        _attempts++;
        Count(ref _lane!.Counters.Retries);
        return true;
    }

    private FlowCause NoneCause =>
        _target.Pool.Set.Availability.Tier(_target.Pool.Slot) == PoolTier.None ? FlowCause.NoServer : FlowCause.ServersBusy;

    private void LeaveServer()
    {
        if (!_hasPlace) return;
        _hasPlace = false;
        _lane!.Remove(_member);
        _shard.Loads.Leave(_lane.Server.Slot);
    }

    private void CloseSocket()
    {
        if (Descriptor < 0) return;
        _loop.Unregister(this);
        Mainstay.Linux.Descriptor.Close(Descriptor);
        Descriptor = -1;
    }

    private void Keep(ReadOnlySpan<byte> datagram)
    {
        if (_responses > 0 || datagram.Length > LargestKept || _target.Pool.Snapshot.Upstream.Retries == 0 || _shard.IsShortOfMemory) return;
        _kept ??= _shard.Blocks.Rent(LargestKept);
        _kept.Start = _kept.End = 0;
        _kept.Append(datagram);
    }

    private void DropKept()
    {
        if (_kept is null) return;
        _shard.Blocks.Return(_kept);
        _kept = null;
    }

    private void Drop(int count)
    {
        TcpServiceCounters counters = _shard.Services[Service.Number];
        Volatile.Write(ref counters.DatagramsDropped, counters.DatagramsDropped + count);
    }

    private void WriteLog(FlowCause cause)
    {
        if (!_shard.Log.IsEnabled) return;
        Span<byte> client = stackalloc byte[45];
        var record = new FlowRecord
        {
            UnixMicroseconds = _loop.UnixNanoseconds / 1000,
            Client = client[.._key.Client.Format(client)],
            ClientPort = _key.Port,
            Protocol = TransportProtocol.Udp,
            Service = Service.NameText,
            Route = _target.NameText,
            Pool = _target.PoolText,
            Server = _lane is null ? default : _lane.Server.NameText,
            BytesIn = _bytesIn,
            BytesOut = _bytesOut,
            Connect = -1,
            Total = _loop.Now.Nanoseconds - _begunAt.Nanoseconds,
            Attempts = _lane is null ? 0 : _attempts + 1,
            Phase = cause == FlowCause.Completed ? FlowPhase.Done : _responses > 0 ? FlowPhase.Stream : FlowPhase.Connect,
            Cause = cause,
        };
        Span<byte> line = _shard.Output;
        int length = FlowLogWriter.Write(line, _shard.Log.Format, record);
        if (length > 0) _shard.Log.Append(line[..length]);
    }

    private static void Count(ref long counter) => Volatile.Write(ref counter, counter + 1);

    /// <summary>The session in its lane.</summary>
    private sealed class Member(UdpSession session) : LaneMember
    {
        public override void OnServerCut() => session.End(FlowCause.ServerTakenOut);
    }
}

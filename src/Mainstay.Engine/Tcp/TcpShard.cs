using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Proxy;
using Mainstay.Core.Tcp;
using Mainstay.Core.Tls;
using Mainstay.Engine.Logging;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Tcp;

/// <summary>
/// The TCP plane on one shard: listeners, flows, lanes to servers, the buffers and objects they share. Everything here belongs to the
/// shard's thread but what says otherwise.
/// </summary>
internal sealed class TcpShard
{
    /// <summary>Bytes of one receive: large enough that bulk data shows, and it stays in the second-level cache.</summary>
    private const int InputSize = 128 * 1024;

    /// <summary>Pipes for bulk flows at once, both directions; further flows are copied.</summary>
    private const int MostPipes = 512;

    private static readonly byte[][] s_rejects =
        [.. Enumerable.Range(0, ProxyRejects.Count).Select(i => Encoding.ASCII.GetBytes(((ProxyReject)i).Label()))];

    private readonly NativeBuffer _input = new(InputSize);
    private readonly NativeBuffer _output = new(FlowLogWriter.MaxLength);
    private readonly Stack<Flow> _free = new();
    private readonly Stack<UdpSession> _freeSessions = new();
    private readonly Dictionary<int, TcpListener> _listeners = [];
    private readonly Dictionary<int, UdpListener> _datagramListeners = [];
    private UdpSession? _sessions;
    private DatagramBatch? _clientDatagrams;
    private DatagramBatch? _serverDatagrams;
    private readonly long _blockBytes;

    /// <summary>Whose turn it is among a pool's source addresses.</summary>
    public uint SourceTurn;

    private FlowLane?[] _lanes = new FlowLane?[64];
    private TcpServiceCounters[] _services = [];
    private Flow? _flows;
    private int _open;

    /// <param name="blockBytes">Bytes in blocks from which on this shard accepts no new client.</param>
    public TcpShard(Shard shard, LoadTable loads, AccessLog log, ConnectionBudget budget, long blockBytes)
    {
        _blockBytes = blockBytes;
        Number = shard.Number;
        Loop = shard.Loop;
        Blocks = shard.Blocks;
        Loads = loads;
        Log = log.Attach();
        Budget = budget;
    }

    public int Number { get; }
    public EventLoop Loop { get; }
    public BlockPool Blocks { get; }
    public LoadTable Loads { get; }
    public AccessLogQueue Log { get; }
    public PipePool Pipes { get; } = new(MostPipes);
    public TcpShardCounters Counters { get; } = new();

    /// <summary>Connections of all shards and planes.</summary>
    public ConnectionBudget Budget { get; }

    /// <summary>Received bytes of the moment; nothing of them outlives the call that received them.</summary>
    public Span<byte> Input => _input.Span;

    /// <summary>Where log lines are written.</summary>
    public Span<byte> Output => _output.Span;

    /// <summary>Where a ClientHello that is spread over records is put together.</summary>
    public byte[] HelloScratch { get; } = new byte[ClientHello.MaxLength + 4];

    /// <summary>Datagrams of the moment, on their way to servers and on their way back; nothing of them outlives the call.</summary>
    public DatagramBatch ClientDatagrams => _clientDatagrams ??= new DatagramBatch();

    public DatagramBatch ServerDatagrams => _serverDatagrams ??= new DatagramBatch();

    /// <summary>New work is refused.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>Bytes that receivers do not take hold as much memory as this shard may use for them.</summary>
    public bool IsShortOfMemory => Blocks.BytesRented >= _blockBytes;

    /// <summary>Open flows; any thread.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>Any thread.</summary>
    public TcpServiceCounters[] Services => Volatile.Read(ref _services);

    public ReadOnlySpan<byte> LabelOf(ProxyReject reason) => s_rejects[(int)reason];

    /// <summary>Switches to another configuration. Connections under way go on as they began.</summary>
    public void Apply(TcpGeneration generation)
    {
        int services = generation.ServiceNumbers;
        if (_services.Length < services)
        {
            TcpServiceCounters[] grown =
                [.. _services, .. Enumerable.Range(_services.Length, services - _services.Length).Select(_ => new TcpServiceCounters())];
            Volatile.Write(ref _services, grown);
        }

        ImmutableArray<BoundTcpListener> listeners = generation.Listeners[Number];
        foreach (BoundTcpListener bound in listeners)
        {
            if (bound.Service.Snapshot.Protocol == TransportProtocol.Udp)
            {
                ApplyDatagrams(bound);
                continue;
            }

            if (_listeners.TryGetValue(bound.Descriptor, out TcpListener? known))
            {
                (known.Service, known.Snapshot) = (bound.Service, bound.Snapshot);
                continue;
            }

            var listener = new TcpListener(this, bound.Service, bound.Snapshot, bound.Descriptor);
            _listeners.Add(bound.Descriptor, listener);
            listener.Start();
        }

        foreach (int dropped in _listeners.Keys.Except(listeners.Select(listener => listener.Descriptor)).ToList())
        {
            _listeners[dropped].Stop();
            _listeners.Remove(dropped);
        }

        foreach (int dropped in _datagramListeners.Keys.Except(listeners.Select(listener => listener.Descriptor)).ToList())
        {
            _datagramListeners[dropped].Close();
            _datagramListeners.Remove(dropped);
        }
    }

    private void ApplyDatagrams(in BoundTcpListener bound)
    {
        if (_datagramListeners.TryGetValue(bound.Descriptor, out UdpListener? known))
        {
            known.Service = bound.Service;
            return;
        }

        var listener = new UdpListener(this, bound.Service, bound.Descriptor);
        _datagramListeners.Add(bound.Descriptor, listener);
        listener.Start();
    }

    public UdpSession RentSession() => _freeSessions.TryPop(out UdpSession? session) ? session : new UdpSession(this);

    /// <summary>A session begins, within places that were taken; the shard owns them from here on.</summary>
    public void OnBegun(UdpSession session, TcpService service)
    {
        session.Service = service;
        session.NextInShard = _sessions;
        session.PreviousInShard = null;
        if (_sessions is not null) _sessions.PreviousInShard = session;
        _sessions = session;
        Opened(service);
    }

    public void OnClosed(UdpSession session)
    {
        if (session.PreviousInShard is not null) session.PreviousInShard.NextInShard = session.NextInShard;
        else _sessions = session.NextInShard;
        if (session.NextInShard is not null) session.NextInShard.PreviousInShard = session.PreviousInShard;
        session.NextInShard = session.PreviousInShard = null;
        Closed(session.Service);
        _freeSessions.Push(session);
    }

    private void Opened(TcpService service)
    {
        Volatile.Write(ref _open, _open + 1);
        TcpServiceCounters counters = _services[service.Number];
        Volatile.Write(ref counters.Open, counters.Open + 1);
        Volatile.Write(ref counters.Accepted, counters.Accepted + 1);
    }

    private void Closed(TcpService service)
    {
        TcpServiceCounters counters = _services[service.Number];
        Volatile.Write(ref counters.Open, counters.Open - 1);
        Volatile.Write(ref _open, _open - 1);
        Budget.Give();
        service.Places.Give();
    }

    /// <summary>A connection that was just accepted, within places that were taken; the shard owns all of them from here on.</summary>
    public void Adopt(int descriptor, in SocketAddress peer, TcpListener listener)
    {
        if (!_free.TryPop(out Flow? flow)) flow = new Flow(this);
        if (!flow.Start(descriptor, peer, listener))
        {
            Counters.AcceptFailures++;
            Descriptor.Close(descriptor);
            Budget.Give();
            listener.Service.Places.Give();
            _free.Push(flow);
            return;
        }

        flow.NextInShard = _flows;
        flow.PreviousInShard = null;
        if (_flows is not null) _flows.PreviousInShard = flow;
        _flows = flow;
        Opened(flow.Service);
        flow.Begin();
    }

    /// <summary>The flow is over and free for the next one.</summary>
    public void OnClosed(Flow flow)
    {
        if (flow.PreviousInShard is not null) flow.PreviousInShard.NextInShard = flow.NextInShard;
        else _flows = flow.NextInShard;
        if (flow.NextInShard is not null) flow.NextInShard.PreviousInShard = flow.PreviousInShard;
        flow.NextInShard = flow.PreviousInShard = null;
        Closed(flow.Service);
        _free.Push(flow);
    }

    public void OnEnded(TcpService service, FlowCause cause, TimeSpan elapsed, long bytesFromClient, long bytesToClient)
    {
        TcpServiceCounters counters = _services[service.Number];
        counters.Causes[(int)cause]++;
        counters.BytesFromClients += bytesFromClient;
        counters.BytesToClients += bytesToClient;
        counters.Durations.Record(elapsed);
    }

    /// <summary>The shard's lane to a server, made at its first use.</summary>
    public FlowLane Lane(ServerRuntime server) => FindLane(server) ?? AddLane(server);

    /// <summary>The lane to a server, if there is one; any thread.</summary>
    public FlowLane? FindLane(ServerRuntime server)
    {
        FlowLane?[] lanes = Volatile.Read(ref _lanes);
        return server.Slot < lanes.Length && Volatile.Read(ref lanes[server.Slot]) is { } lane && lane.Server == server ? lane : null;
    }

    /// <summary>Takes no new connections; those under way go on.</summary>
    public void BeginDrain()
    {
        IsDraining = true;
        foreach (UdpListener listener in _datagramListeners.Values) listener.StopReading();
        for (UdpSession? session = _sessions; session is not null; session = session.NextInShard) session.HurryUp();
        foreach (TcpListener listener in _listeners.Values) listener.Stop();
        _listeners.Clear();
    }

    /// <summary>Cuts what is left.</summary>
    public void CutAll()
    {
        while (_flows is { } flow) flow.Cut();
        while (_sessions is { } session) session.End(FlowCause.DrainDeadline);
        foreach (UdpListener listener in _datagramListeners.Values) listener.Close();
        _datagramListeners.Clear();
        Pipes.CloseIdle();
    }

    /// <summary>A server's connections are to be cut.</summary>
    public void Cut(ServerRuntime server) => FindLane(server)?.CutAll();

    private FlowLane AddLane(ServerRuntime server)
    {
        if (server.Slot >= _lanes.Length)
        {
            var grown = new FlowLane?[Math.Max(_lanes.Length * 2, server.Slot + 1)];
            _lanes.CopyTo(grown, 0);
            Volatile.Write(ref _lanes, grown);
        }

        var lane = new FlowLane(server);
        Volatile.Write(ref _lanes[server.Slot], lane);
        return lane;
    }
}

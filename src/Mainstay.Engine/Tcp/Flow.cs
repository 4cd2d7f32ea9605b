using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Proxy;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Tcp;

internal enum FlowState : byte
{
    Free,

    /// <summary>A PROXY header is due.</summary>
    ProxyHeader,

    /// <summary>The rules need the client's first bytes.</summary>
    Inspecting,
    Connecting,
    Open,
}

/// <summary>
/// One client's connection and the one to a server: who it is from, where it leads, bytes both ways, how it ended. Ended flows go back
/// to the shard for reuse. Every method that can end the flow says so by returning false; then nothing of it may be touched.
/// </summary>
internal sealed partial class Flow : LaneMember
{
    /// <summary>Neighbours in the shard's list of flows.</summary>
    public Flow? PreviousInShard;
    public Flow? NextInShard;

    private readonly TcpShard _shard;
    private readonly EventLoop _loop;
    private readonly FlowSide _client;
    private readonly FlowSide _server;

    private FlowState _state;
    private TcpService _service = null!;
    private TcpListenSnapshot _listener = null!;
    private FlowTarget? _target;

    /// <summary>The client, by its connection or by the PROXY header in it; without an address when it came by a unix socket.</summary>
    private NetAddress _source;
    private int _sourcePort;
    private bool _isUnixClient;
    private NetAddress _destination;
    private int _destinationPort;
    private Instant _begunAt;
    private Instant _connectedAt;

    public Flow(TcpShard shard)
    {
        _shard = shard;
        _loop = shard.Loop;
        _client = new FlowSide(shard, this);
        _server = new FlowSide(shard, this);
    }

    public TcpService Service => _service;

    /// <summary>Begins with a connection that was just accepted. False: the descriptor could not be registered and is still the caller's.</summary>
    public bool Start(int descriptor, in SocketAddress peer, TcpListener listener)
    {
        if (!_client.Start(descriptor)) return false;
        _service = listener.Service;
        _listener = listener.Snapshot;
        _source = peer.Address;
        _sourcePort = peer.Port;
        _destination = default;
        _destinationPort = 0;
        _begunAt = _loop.Now;
        _connectedAt = default;
        _target = null;
        _lane = null;
        _tried = 0;
        _attempts = 0;
        _isUnixClient = _source.IsNone;
        _sniLength = 0;
        _reject = ProxyReject.None;
        _up = default;
        _down = default;
        return true;
    }

    /// <summary>The first steps, once the shard has the flow in its list.</summary>
    public void Begin()
    {
        if (_listener.Proxy is { } proxy && proxy.Trusts(_source, _isUnixClient))
        {
            _state = FlowState.ProxyHeader;
            _loop.Arm(_client, _begunAt + _service.Snapshot.Timeouts.Inspect);
            return;
        }

        Admit();
    }

    public void OnReady(FlowSide side, IoEvents events)
    {
        _ = side.Take(events);
        switch (_state)
        {
            case FlowState.ProxyHeader:
                ReadProxyHeader();
                break;
            case FlowState.Inspecting:
                Inspect(isFinal: false);
                break;
            case FlowState.Connecting when side == _server:
                OnConnectEnded(events);
                break;
            case FlowState.Connecting:
                // Both directions are over: nobody waits for the server any more.
                if ((events & (IoEvents.HangUp | IoEvents.Error)) != 0) End(FlowCause.ClientReset, reset: true);
                break;
            case FlowState.Open:
                Pump();
                break;
        }
    }

    /// <summary>The turn that a busy flow asked for.</summary>
    public void OnTurn()
    {
        if (_state == FlowState.Open) Pump();
    }

    public void OnDeadline(Instant now)
    {
        switch (_state)
        {
            case FlowState.ProxyHeader:
                End(FlowCause.ProxyHeaderTimeout, reset: true);
                break;
            case FlowState.Inspecting:
                OnInspectTimeout();
                break;
            case FlowState.Connecting:
                OnConnectTimeout();
                break;
            case FlowState.Open:
                OnQuiet(now);
                break;
        }
    }

    /// <summary>The worker ends, and the time for what was under way is over.</summary>
    public void Cut() => End(FlowCause.DrainDeadline, reset: true);

    /// <summary>An exception came up on this flow's way, at any point of it.</summary>
    public void OnFault()
    {
        if (_state != FlowState.Free) End(FlowCause.Fault, reset: true);
    }

    /// <summary>Ends the flow: counts, logs, closes both sides. Always false.</summary>
    /// <param name="reset">What was sent is not all: the peers have to notice.</param>
    private bool End(FlowCause cause, bool reset)
    {
        FlowPhase phase = cause == FlowCause.Completed ? FlowPhase.Done : Phase;
        LeaveServer();
        _state = FlowState.Free;
        _shard.OnEnded(_service, cause, _loop.Now - _begunAt, _up.Bytes, _down.Bytes);
        WriteLog(phase, cause);
        if (_up.Pipe is { } up) _shard.Pipes.Return(up);
        if (_down.Pipe is { } down) _shard.Pipes.Return(down);
        _up = _down = default;
        _loop.Disarm(_client);
        Close(_client, reset);
        Close(_server, reset);
        _shard.OnClosed(this);
        return false;
    }

    private FlowPhase Phase => _state switch
    {
        FlowState.ProxyHeader => FlowPhase.ProxyHeader,
        FlowState.Inspecting => FlowPhase.Inspect,
        FlowState.Connecting => FlowPhase.Connect,
        FlowState.Open => FlowPhase.Stream,
        _ => _target is null ? FlowPhase.Accept : FlowPhase.Pick,
    };

    private static void Close(FlowSide side, bool reset)
    {
        if (!side.IsOpen) return;
        if (reset) Sockets.ResetOnClose(side.Descriptor);
        side.Close();
    }
}

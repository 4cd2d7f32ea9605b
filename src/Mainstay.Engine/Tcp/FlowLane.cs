using Mainstay.Engine.Pools;

namespace Mainstay.Engine.Tcp;

/// <summary>What flows by a server and can be cut: a TCP connection, a UDP session.</summary>
internal abstract class LaneMember
{
    /// <summary>Neighbours in the list of the lane.</summary>
    public LaneMember? PreviousInLane;
    public LaneMember? NextInLane;

    /// <summary>The server is out of service now, or has had its time to drain.</summary>
    public abstract void OnServerCut();
}

/// <summary>What one shard has with one server: flows under way, and counters, which anyone may read.</summary>
internal sealed class FlowLane(ServerRuntime server)
{
    private LaneMember? _flows;

    public ServerRuntime Server { get; } = server;
    public TcpServerCounters Counters { get; } = new();

    public void Add(LaneMember flow)
    {
        flow.PreviousInLane = null;
        flow.NextInLane = _flows;
        if (_flows is not null) _flows.PreviousInLane = flow;
        _flows = flow;
    }

    public void Remove(LaneMember flow)
    {
        if (flow.PreviousInLane is not null) flow.PreviousInLane.NextInLane = flow.NextInLane;
        else _flows = flow.NextInLane;
        if (flow.NextInLane is not null) flow.NextInLane.PreviousInLane = flow.PreviousInLane;
        flow.PreviousInLane = flow.NextInLane = null;
    }

    public void CutAll()
    {
        // Each cut unlinks its flow; one that is taken on to another server joins that one's list.
        var cut = new List<LaneMember>();
        for (LaneMember? at = _flows; at is not null; at = at.NextInLane) cut.Add(at);
        foreach (LaneMember flow in cut) flow.OnServerCut();
    }
}

namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `first`: the first server in the list that has room; the others stay idle until it is full (max-connections).
/// </summary>
internal sealed class FirstFit(ServerSet servers) : Scheduler(servers)
{
    public override int Pick(in PickKey key)
    {
        for (int i = 0; i < Servers.Count; i++)
            if (Servers.WeightWithRoom(i, key) > 0) return i;
        return None;
    }
}

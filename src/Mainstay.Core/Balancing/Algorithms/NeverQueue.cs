namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>`nq`: the first server that has nothing to do; when there is none, as `sed`.</summary>
internal sealed class NeverQueue(ServerSet servers) : Scheduler(servers)
{
    public override int Pick(in PickKey key)
    {
        for (int i = 0; i < Servers.Count; i++)
            if (Servers.Load(i).Active == 0 && Servers.WeightWithRoom(i, key) > 0) return i;
        return LeastCost.Pick<ExpectedDelayFormula>(Servers, key);
    }
}

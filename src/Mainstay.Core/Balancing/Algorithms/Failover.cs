namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>`fo`: the highest weight takes everything; the first listed wins a tie.</summary>
internal sealed class Failover(ServerSet servers) : Scheduler(servers)
{
    public override int Pick(in PickKey key)
    {
        int best = None, bestWeight = 0;
        for (int i = 0; i < Servers.Count; i++)
        {
            int weight = Servers.WeightWithRoom(i, key);
            if (weight > bestWeight) (best, bestWeight) = (i, weight);
        }

        return best;
    }
}

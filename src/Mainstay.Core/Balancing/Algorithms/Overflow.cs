namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `ovf`: the highest weight among those with active &lt;= w, so that the next server is used when one is full; none when all
/// are. The first listed wins a tie.
/// </summary>
internal sealed class Overflow(ServerSet servers) : Scheduler(servers)
{
    public override int Pick(in PickKey key)
    {
        int best = None, bestWeight = 0;
        for (int i = 0; i < Servers.Count; i++)
        {
            int weight = Servers.WeightWithRoom(i, key);
            if (weight <= bestWeight || (ulong)Servers.Load(i).Active * Availability.FullShare > (ulong)weight) continue;
            (best, bestWeight) = (i, weight);
        }

        return best;
    }
}

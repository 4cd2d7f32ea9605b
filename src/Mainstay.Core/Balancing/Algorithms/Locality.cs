namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `lblc`: a destination stays with its server while that is available and not overloaded with others idle; else it moves
/// to the one `wlc` chooses (ip_vs_lblc.c). For caches: each holds its part of the destinations.
/// </summary>
internal sealed class Locality(ServerSet servers, SharedTables shared) : Scheduler(servers)
{
    private readonly LocalityMap _map =
        shared.Localities ?? throw new ArgumentException("made for another algorithm", nameof(shared));

    public override int Pick(in PickKey key)
    {
        if (_map.TryGet(key.Destination, key.Now, out LocalityMap.Entry entry))
        {
            int kept = Servers.IndexOfSlot(entry.Members[0]);
            if (kept >= 0 && Servers.WeightWithRoom(kept, key) > 0 && !LocalityOverload.Holds(Servers, kept)) return kept;
        }

        int chosen = LeastCost.Pick<WeightedOverheadFormula>(Servers, key);
        if (chosen >= 0) _map.Assign(key.Destination, Servers[chosen].Slot, key.Now);
        return chosen;
    }
}

namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `lblcr`: as `lblc` with a set of servers for each destination. The least loaded of the set is taken; when none is left, or
/// that one is overloaded with others idle, the server that `wlc` chooses joins. A set of several that did not change for 24
/// hours loses its most loaded (ip_vs_lblcr.c).
/// </summary>
internal sealed class LocalityReplicated(ServerSet servers, SharedTables shared) : Scheduler(servers)
{
    private readonly LocalityMap _map =
        shared.Localities ?? throw new ArgumentException("made for another algorithm", nameof(shared));

    public override int Pick(in PickKey key)
    {
        int surplus = None;
        if (_map.TryGet(key.Destination, key.Now, out LocalityMap.Entry entry))
        {
            int kept = LeastLoaded(entry, key);
            if (entry.Count > 1) surplus = MostLoaded(entry);
            if (entry.Count > 1 && key.Now - entry.LastModified > LocalityMap.Expiry)
                _map.Remove(key.Destination, surplus, key.Now);
            if (kept >= 0 && !LocalityOverload.Holds(Servers, kept)) return kept;
        }

        int chosen = LeastCost.Pick<WeightedOverheadFormula>(Servers, key);
        if (chosen >= 0) _map.Add(key.Destination, Servers[chosen].Slot, surplus, key.Now);
        return chosen;
    }

    private int LeastLoaded(in LocalityMap.Entry entry, in PickKey key)
    {
        int best = None;
        for (int m = 0; m < entry.Count; m++)
        {
            int server = Servers.IndexOfSlot(entry.Members[m]);
            if (server < 0 || Servers.WeightWithRoom(server, key) == 0) continue;
            if (best < 0 || LeastCost.IsLess<WeightedOverheadFormula>(Servers, server, best)) best = server;
        }

        return best;
    }

    /// <summary>Slot of the member with the highest load per weight; one that cannot be used at all goes first.</summary>
    private int MostLoaded(in LocalityMap.Entry entry)
    {
        int most = None;
        for (int m = 0; m < entry.Count; m++)
        {
            int server = Servers.IndexOfSlot(entry.Members[m]);
            if (server < 0 || Servers.Weight(server) == 0) return entry.Members[m];
            if (most < 0 || LeastCost.IsLess<WeightedOverheadFormula>(Servers, most, server)) most = server;
        }

        return Servers[most].Slot;
    }
}

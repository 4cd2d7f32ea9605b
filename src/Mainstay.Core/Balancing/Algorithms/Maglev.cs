namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `mh`: the source's slot of the Maglev table names the server. Slots of servers that are drained or down belong to the
/// others. A server without room (overloaded, full, tried before): none, or with mh-fallback the first available of further
/// slots, hashed anew.
/// </summary>
internal sealed class Maglev(ServerSet servers, SharedTables shared, bool fallback) : Scheduler(servers)
{
    public override int Pick(in PickKey key)
    {
        SlotTable slots = shared.Slots;
        int owner = slots.Owner(key.Hash);
        if (owner >= 0 && Servers.Weight(owner) > 0)
        {
            if (Servers.HasRoom(owner, key)) return owner;
            if (!fallback) return None;
        }

        // Without fallback only the moment between a change of health and the table made for it leads here.
        return SlotProbe.FirstAvailable(Servers, slots, key);
    }
}

namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `hash`: consistent hashing with bounded load (Mirrokni, Thorup, Zadimoghaddam, 2016). The key's slot of a Maglev table names
/// the server, unless that would then have more than the load factor times its part of all requests in flight: then the key's
/// next slots, hashed anew, are tried, so that one hot key cannot drown one server.
/// </summary>
internal sealed class BoundedHash : Scheduler
{
    // Servers looked at in one pick to keep the total in flight: exact for small pools, some picks old for large ones.
    private const int ScannedPerPick = 16;

    private readonly SharedTables _shared;

    // Load factor in units of 1/256; 0 = no bound.
    private readonly ulong _factor;

    private int _scanAt;
    private ulong _scanned;
    private ulong _total;

    public BoundedHash(ServerSet servers, SharedTables shared, double loadFactor)
        : base(servers)
    {
        _shared = shared;
        _factor = loadFactor > 0 ? (ulong)Math.Clamp(Math.Round(loadFactor * 256), 256, 1 << 20) : 0;
    }

    public override int Pick(in PickKey key)
    {
        SlotTable slots = _shared.Slots;
        if (_factor > 0) CountInFlight();
        for (int attempt = 0; attempt <= SlotProbe.Attempts; attempt++)
        {
            int server = slots.Owner(StableHash.Again(key.Hash, attempt));
            if (server < 0) continue;
            int weight = Servers.WeightWithRoom(server, key);
            if (weight > 0 && IsWithinBound(server, weight, slots.TotalWeight)) return server;
        }

        // Nearly all servers are full or out, or the table is not made yet: whoever is least loaded.
        return LeastCost.Pick<InFlightFormula>(Servers, key);
    }

    internal override void Adopt(Scheduler previous) => _total = ((BoundedHash)previous)._total;

    /// <summary>
    /// in flight + 1 at most ceil(factor * (total + 1) * w / W), which is in flight less than what is rounded up.
    /// </summary>
    private bool IsWithinBound(int server, int weight, long totalWeight)
    {
        if (_factor == 0) return true;
        UInt128 load = (UInt128)Servers.Load(server).Active * ((ulong)totalWeight * 256);
        return load < (UInt128)((_total + 1) * _factor) * (ulong)weight;
    }

    private void CountInFlight()
    {
        int scan = Math.Min(ScannedPerPick, Servers.Count);
        for (int n = 0; n < scan; n++)
        {
            _scanned += Servers.Load(_scanAt).Active;
            if (++_scanAt < Servers.Count) continue;
            (_total, _scanned, _scanAt) = (_scanned, 0, 0);
        }
    }
}

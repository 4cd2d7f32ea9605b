namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// Where a key goes whose own server cannot take it: the same way every time, and each server's keys to all the others.
/// </summary>
internal static class SlotProbe
{
    // So many misses mean that hardly any server has room: then a scan costs less than guessing on.
    public const int Attempts = 64;

    public static int FirstAvailable(ServerSet servers, SlotTable slots, in PickKey key)
    {
        for (int attempt = 1; attempt <= Attempts; attempt++)
        {
            int server = slots.Owner(StableHash.Again(key.Hash, attempt));
            if (server >= 0 && servers.WeightWithRoom(server, key) > 0) return server;
        }

        return FirstFrom(servers, key);
    }

    /// <summary>The first server with room, from a place in the list that the key gives.</summary>
    private static int FirstFrom(ServerSet servers, in PickKey key)
    {
        int count = servers.Count;
        int i = StableHash.Reduce(key.Hash, count);
        for (int n = 0; n < count; n++, i = i + 1 == count ? 0 : i + 1)
            if (servers.WeightWithRoom(i, key) > 0) return i;
        return Scheduler.None;
    }
}

namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>Drawing servers by weight, as the schedulers of two choices do.</summary>
internal static class WeightedDraw
{
    /// <summary>Weight of all servers with room together; 0 = none can be drawn.</summary>
    public static ulong Total(ServerSet servers, in PickKey key, int without = Scheduler.None)
    {
        ulong total = 0;
        for (int i = 0; i < servers.Count; i++)
            if (i != without) total += (ulong)servers.WeightWithRoom(i, key);
        return total;
    }

    /// <summary>
    /// The server that the point 0..total-1 falls on. Other shards change loads meanwhile: when fewer have room than were counted it is
    /// the last that has.
    /// </summary>
    public static int At(ServerSet servers, in PickKey key, ulong point, int without = Scheduler.None)
    {
        int last = Scheduler.None;
        for (int i = 0; i < servers.Count; i++)
        {
            if (i == without) continue;
            ulong weight = (ulong)servers.WeightWithRoom(i, key);
            if (weight == 0) continue;
            last = i;
            if (point < weight) break;
            point -= weight;
        }

        return last;
    }

    /// <summary>Whether <paramref name="second"/> costs strictly less than <paramref name="first"/>.</summary>
    public static bool IsLess<TFormula>(ServerSet servers, int second, int first)
        where TFormula : struct, ICostFormula =>
        TFormula.Load(servers.Load(second)) * TFormula.Divisor(servers.Weight(first))
        < TFormula.Load(servers.Load(first)) * TFormula.Divisor(servers.Weight(second));
}

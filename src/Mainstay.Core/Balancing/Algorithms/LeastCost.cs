namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// What one server costs: a load over a divisor. The scan compares by cross multiplication, so it is never divided.
/// </summary>
internal interface ICostFormula
{
    /// <summary>At most 2^40.</summary>
    static abstract ulong Load(in ServerLoad load);

    /// <summary>
    /// 1 for formulas without weight, else the weight in force (below 2^24): load times divisor stays below 2^64.
    /// </summary>
    static abstract ulong Divisor(int weight);
}

internal static class LeastCost
{
    /// <summary>
    /// The server of the least cost among those with weight and room; the first one met wins a tie. Met in configuration order
    /// from
    /// <paramref name="start"/> on and round.
    /// </summary>
    public static int Pick<TFormula>(ServerSet servers, in PickKey key, int start = 0)
        where TFormula : struct, ICostFormula
    {
        int best = Scheduler.None;
        ulong bestLoad = 0, bestDivisor = 1;
        int count = servers.Count;
        for (int n = 0, i = start; n < count; n++, i = i + 1 == count ? 0 : i + 1)
        {
            int weight = servers.WeightWithRoom(i, key);
            if (weight == 0) continue;
            ulong load = TFormula.Load(servers.Load(i));
            ulong divisor = TFormula.Divisor(weight);
            if (best >= 0 && load * bestDivisor >= bestLoad * divisor) continue;
            (best, bestLoad, bestDivisor) = (i, load, divisor);
        }

        return best;
    }

    /// <summary>Whether <paramref name="second"/> costs strictly less than <paramref name="first"/>.</summary>
    public static bool IsLess<TFormula>(ServerSet servers, int second, int first)
        where TFormula : struct, ICostFormula =>
        TFormula.Load(servers.Load(second)) * TFormula.Divisor(servers.Weight(first))
        < TFormula.Load(servers.Load(first)) * TFormula.Divisor(servers.Weight(second));
}

/// <summary>active * 256 + inactive, whatever the weight.</summary>
internal readonly struct OverheadFormula : ICostFormula
{
    public static ulong Load(in ServerLoad load) => load.Overhead;
    public static ulong Divisor(int weight) => 1;
}

/// <summary>(active * 256 + inactive) / w.</summary>
internal readonly struct WeightedOverheadFormula : ICostFormula
{
    public static ulong Load(in ServerLoad load) => load.Overhead;
    public static ulong Divisor(int weight) => (ulong)weight;
}

/// <summary>(active + 1) / w.</summary>
internal readonly struct ExpectedDelayFormula : ICostFormula
{
    public static ulong Load(in ServerLoad load) => (ulong)load.Active + 1;
    public static ulong Divisor(int weight) => (ulong)weight;
}

/// <summary>in flight / w.</summary>
internal readonly struct InFlightFormula : ICostFormula
{
    public static ulong Load(in ServerLoad load) => load.Active;
    public static ulong Divisor(int weight) => (ulong)weight;
}

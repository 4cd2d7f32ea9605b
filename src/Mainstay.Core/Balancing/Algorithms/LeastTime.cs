namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `least-time`: least response time * (in flight + 1) / w, equals take turns. The response time is <see cref="LoadTable"/>'s
/// moving average; a server without one counts as the fastest that has one, so that it is tried, but not flooded.
/// </summary>
internal sealed class LeastTime : Scheduler
{
    // Where the next scan starts: behind the last pick.
    private int _next;

    public LeastTime(ServerSet servers, int start)
        : base(servers) => _next = start;

    public override int Pick(in PickKey key)
    {
        long fastest = 0;
        int best = None;
        ulong bestLoad = 0, bestWeight = 1;
        int count = Servers.Count;
        for (int n = 0, i = _next; n < count; n++, i = i + 1 == count ? 0 : i + 1)
        {
            ulong weight = (ulong)Servers.WeightWithRoom(i, key);
            if (weight == 0) continue;
            long time = Servers.Loads.ResponseTime(Servers[i].Slot, key.Now);
            if (time == 0) time = fastest == 0 ? fastest = Fastest(key.Now) : fastest;
            ulong load = Product((ulong)time, (ulong)Servers.Load(i).Active + 1);
            if (best >= 0 && !IsLess(load, bestWeight, bestLoad, weight)) continue;
            (best, bestLoad, bestWeight) = (i, load, weight);
        }

        if (best >= 0) _next = best + 1 == count ? 0 : best + 1;
        return best;
    }

    internal override void Adopt(Scheduler previous)
    {
        int last = Servers.Locate(previous.Servers, ((LeastTime)previous)._next - 1);
        _next = last + 1 >= Servers.Count ? 0 : last + 1;
    }

    /// <summary>The shortest known response time among the eligible; 1 when nothing is known.</summary>
    private long Fastest(Instant now)
    {
        long fastest = long.MaxValue;
        for (int i = 0; i < Servers.Count; i++)
        {
            if (Servers.Weight(i) == 0) continue;
            long time = Servers.Loads.ResponseTime(Servers[i].Slot, now);
            if (time > 0) fastest = Math.Min(fastest, time);
        }

        return fastest == long.MaxValue ? 1 : fastest;
    }

    /// <summary>At most 2^64 - 1: nine minutes times 32 million requests in flight are no more.</summary>
    private static ulong Product(ulong time, ulong requests)
    {
        ulong high = Math.BigMul(time, requests, out ulong low);
        return high == 0 ? low : ulong.MaxValue;
    }

    /// <summary>a * b &lt; c * d, in 128 bits.</summary>
    private static bool IsLess(ulong a, ulong b, ulong c, ulong d)
    {
        ulong leftHigh = Math.BigMul(a, b, out ulong leftLow);
        ulong rightHigh = Math.BigMul(c, d, out ulong rightLow);
        return leftHigh != rightHigh ? leftHigh < rightHigh : leftLow < rightLow;
    }
}

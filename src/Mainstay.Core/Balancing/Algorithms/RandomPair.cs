namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `random`: draws two different servers by weight and takes the one with less in flight / w, the first drawn on a tie. Knows nothing
/// of cursors, so many balancers in front of one pool do not march in step.
/// </summary>
internal sealed class RandomPair : Scheduler
{
    private SplitMix64 _random;

    public RandomPair(ServerSet servers, ulong seed)
        : base(servers) => _random = new SplitMix64(seed);

    public override int Pick(in PickKey key)
    {
        ulong total = WeightedDraw.Total(Servers, key);
        if (total == 0) return None;
        int first = WeightedDraw.At(Servers, key, _random.Below(total));
        if (first < 0) return None;
        ulong others = WeightedDraw.Total(Servers, key, without: first);
        if (others == 0) return first;
        int second = WeightedDraw.At(Servers, key, _random.Below(others), without: first);
        if (second < 0) return first;
        return WeightedDraw.IsLess<InFlightFormula>(Servers, second, first) ? second : first;
    }

    internal override void Adopt(Scheduler previous) => _random = ((RandomPair)previous)._random;
}

namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `random`: draws two different servers by weight and takes the one with less in flight / w, the first drawn on a tie. Knows
/// nothing of cursors, so many balancers in front of one pool do not march in step.
/// </summary>
internal sealed class RandomPair : Scheduler
{
    private readonly WeightedDraw _draw;
    private SplitMix64 _random;

    public RandomPair(ServerSet servers, ulong seed)
        : base(servers)
    {
        _draw = new WeightedDraw(servers);
        _random = new SplitMix64(seed);
    }

    public override int Pick(in PickKey key)
    {
        _draw.Begin(key);
        if (_draw.Total == 0) return None;
        int first = _draw.At(_random.Below(_draw.Total));
        _draw.Remove(first);
        if (_draw.Total == 0) return first;
        int second = _draw.At(_random.Below(_draw.Total));
        return LeastCost.IsLess<InFlightFormula>(Servers, second, first) ? second : first;
    }

    internal override void Adopt(Scheduler previous) => _random = ((RandomPair)previous)._random;
}

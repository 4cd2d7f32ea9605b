namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `twos`: draws two servers by weight, which may be the same one, and takes the one of less (active * 256 + inactive) / w;
/// the first drawn wins a tie (ip_vs_twos.c).
/// </summary>
internal sealed class TwoChoices : Scheduler
{
    private readonly WeightedDraw _draw;
    private SplitMix64 _random;

    public TwoChoices(ServerSet servers, ulong seed)
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
        int second = _draw.At(_random.Below(_draw.Total));
        return LeastCost.IsLess<WeightedOverheadFormula>(Servers, second, first) ? second : first;
    }

    internal override void Adopt(Scheduler previous) => _random = ((TwoChoices)previous)._random;
}

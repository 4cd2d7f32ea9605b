namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `twos`: draws two servers by weight, which may be the same one, and takes the one of less (active * 256 + inactive) / w;
/// the first drawn wins a tie (ip_vs_twos.c).
/// </summary>
internal sealed class TwoChoices : Scheduler
{
    private SplitMix64 _random;

    public TwoChoices(ServerSet servers, ulong seed)
        : base(servers) => _random = new SplitMix64(seed);

    public override int Pick(in PickKey key)
    {
        ulong total = WeightedDraw.Total(Servers, key);
        if (total == 0) return None;
        int first = WeightedDraw.At(Servers, key, _random.Below(total));
        int second = WeightedDraw.At(Servers, key, _random.Below(total));
        if (first < 0 || second < 0) return first < 0 ? second : first;
        return WeightedDraw.IsLess<WeightedOverheadFormula>(Servers, second, first) ? second : first;
    }

    internal override void Adopt(Scheduler previous) => _random = ((TwoChoices)previous)._random;
}

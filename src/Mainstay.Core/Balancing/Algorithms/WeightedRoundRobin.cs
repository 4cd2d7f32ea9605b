namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `wrr`: interleaved by weight (ip_vs_wrr.c). A level falls from the largest weight by the weights' common divisor; every server
/// at least as heavy as the level is picked once on each level. Over sum(w) / gcd picks a server gets exactly w / gcd.
/// </summary>
/// <remarks>
/// Levels on which nobody can be picked are skipped in one step: the kernel walks them one by one, which takes 65,535 rounds
/// when the heaviest server is out.
/// </remarks>
internal sealed class WeightedRoundRobin : Scheduler
{
    // Weights count in sixteenths of a point: a server in slow start then costs the interleaving little of its evenness,
    // which the full resolution of 1/256 with its common divisor of 1 would ruin.
    private const int Grain = Availability.FullShare / 16;

    private ulong _version = ulong.MaxValue;

    // The last pick, the level it was made on, and the weights' largest and common divisor.
    private int _last;
    private int _level;
    private int _top;
    private int _step = 1;

    public WeightedRoundRobin(ServerSet servers, int start)
        : base(servers) => _last = start - 1;

    public override int Pick(in PickKey key)
    {
        ulong version = Servers.Version;
        if (version != _version) OnWeightsChanged(version);
        if (_top <= 0) return None;

        // The rest of this level; then the next one from its start; where that was the top and the heaviest are out, the best
        // below.
        int last = _last, level = _level;
        for (int walk = 0; walk < 3; walk++)
        {
            int found = FirstOnLevel(level, last, key, out int heaviest);
            if (found >= 0)
            {
                (_last, _level) = (found, level);
                return found;
            }

            if (heaviest == 0) return None;
            level = NextLevel(level, heaviest);
            last = -1;
        }

        return None;
    }

    internal override void Adopt(Scheduler previous)
    {
        var old = (WeightedRoundRobin)previous;
        _last = Servers.Locate(old.Servers, old._last);
        _level = old._level;
    }

    private static int Grains(int scaledWeight) => (scaledWeight + Grain - 1) / Grain;

    /// <summary>
    /// The first server after <paramref name="last"/> that takes part on the level, else the heaviest weight of all.
    /// </summary>
    private int FirstOnLevel(int level, int last, in PickKey key, out int heaviest)
    {
        heaviest = 0;
        for (int i = last + 1; i < Servers.Count; i++)
        {
            int weight = Grains(Servers.WeightWithRoom(i, key));
            if (weight >= level) return i;
            heaviest = Math.Max(heaviest, weight);
        }

        for (int i = 0; i <= last; i++) heaviest = Math.Max(heaviest, Grains(Servers.WeightWithRoom(i, key)));
        return None;
    }

    /// <summary>
    /// The next level down on which a server of weight <paramref name="heaviest"/> takes part. Levels are top, top - step, ...
    /// and the lowest above 0; after that the top again.
    /// </summary>
    private int NextLevel(int level, int heaviest)
    {
        int steps = (level - heaviest + _step - 1) / _step;
        int next = level - Math.Max(1, steps) * _step;
        return next > 0 ? next : _top;
    }

    /// <summary>As the kernel does: the position stays, the level is brought back onto the grid of the new weights.</summary>
    private void OnWeightsChanged(ulong version)
    {
        _version = version;
        int divisor = 0, heaviest = 0;
        for (int i = 0; i < Servers.Count; i++)
        {
            int weight = Grains(Servers.Weight(i));
            if (weight == 0) continue;
            divisor = Gcd(weight, divisor);
            heaviest = Math.Max(heaviest, weight);
        }

        _step = Math.Max(1, divisor);
        _top = heaviest - (_step - 1);
        if (_level > _top || _level <= 0) _level = _top;
        else _level = (_level - 1) / _step * _step + 1;
    }

    private static int Gcd(int a, int b)
    {
        while (b != 0) (a, b) = (b, a % b);
        return a;
    }
}

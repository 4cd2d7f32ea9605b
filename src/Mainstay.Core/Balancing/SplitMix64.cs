namespace Mainstay.Core.Balancing;

/// <summary>
/// A small generator of even random numbers, run by a seed: the same seed gives the same picks. Not for secrets.
/// </summary>
public struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        _state += 0x9E3779B97F4A7C15;
        return StableHash.Mix(_state);
    }

    /// <summary>0..limit-1, even but for a bias of at most limit / 2^64.</summary>
    public ulong Below(ulong limit) => Math.BigMul(Next(), limit, out _);
}

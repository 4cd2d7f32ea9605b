namespace Mainstay.Core.Protection;

/// <summary>How many a key has now: connections of an address. Never forgotten while there is one.</summary>
/// <param name="limit">At most so many; for leaving, 0.</param>
public readonly struct Occupancy(long limit, long step) : IWordRule
{
    public bool Apply(ref long word, long now)
    {
        if (step > 0 && word >= limit) return false;
        word = Math.Max(0, word + step);
        return true;
    }

    public long Weight(long word, long now) => long.MaxValue;

    /// <summary>False: the key has as many as it may.</summary>
    /// <param name="isCounted">There was room to count it: <see cref="Leave"/> has to follow.</param>
    public static bool TryEnter(WordTable table, ulong key, int limit, out bool isCounted)
    {
        var rule = new Occupancy(limit, 1);
        bool entered = table.Apply(key, 0, ref rule, out bool isKept);
        isCounted = entered && isKept;
        return entered;
    }

    public static void Leave(WordTable table, ulong key)
    {
        var rule = new Occupancy(0, -1);
        table.Apply(key, 0, ref rule, out _);
    }
}

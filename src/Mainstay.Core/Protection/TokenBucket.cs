namespace Mainstay.Core.Protection;

/// <summary>So many in so long a time, and how many of them may come at once.</summary>
public readonly record struct Rate(long Count, TimeSpan Per, long Burst)
{
    /// <summary>Nanoseconds until one more is allowed.</summary>
    public double Interval => Per.TotalNanoseconds / Count;

    /// <summary>Nanoseconds in which an empty bucket becomes full.</summary>
    public long Depth => (long)Math.Min(Interval * Burst, long.MaxValue / 4);

    /// <summary>What <paramref name="amount"/> of it costs, in nanoseconds of the rate.</summary>
    public long Cost(long amount) => amount == 1 ? (long)Interval : (long)Math.Min(Interval * amount, long.MaxValue / 4);
}

/// <summary>
/// A token bucket in one word: the generic cell rate algorithm (ITU-T I.371). The word is the instant at which the bucket will be
/// full again; nothing has to be filled by a clock, and a word in the past is as good as none.
/// </summary>
/// <param name="depth">Nanoseconds: <see cref="Rate.Depth"/>.</param>
/// <param name="cost">Nanoseconds: <see cref="Rate.Cost"/>; 0 only looks.</param>
/// <param name="owes">Takes the cost even when it is not there: for what is known only afterwards. Nobody owes more than an hour.</param>
public struct TokenBucket(long depth, long cost, bool owes = false) : IWordRule
{
    private const long MostOwed = 3_600_000_000_000;

    /// <summary>Nanoseconds until the bucket is full, after this request.</summary>
    public long Filling { get; private set; }

    /// <summary>Nanoseconds until the same request would pass; 0 when it has.</summary>
    public long Wait { get; private set; }

    public bool Apply(ref long word, long now)
    {
        long full = Math.Max(word, now);
        long next = full + cost;
        Wait = Math.Max(0, next - now - depth);
        bool passes = Wait == 0;
        if (cost > 0 && (passes || owes)) word = owes ? Math.Min(next, Math.Max(full, now + depth + MostOwed)) : next;
        Filling = Math.Max(word, now) - now;
        return passes;
    }

    public readonly long Weight(long word, long now) => word - now;
}

namespace Mainstay.Core.Protection;

/// <summary>
/// How much came during the last period: what this period's share of the clock has had, and of the one before the part that the
/// window still covers. One word: 24 bits number of the period, 20 bits its sum, 20 bits the sum before.
/// </summary>
/// <param name="period">Nanoseconds.</param>
public struct SlidingWindow(long period, long threshold, long amount) : IWordRule
{
    /// <summary>Sums stop here.</summary>
    public const long Most = (1 << 20) - 1;

    private const int PeriodBits = 24;

    /// <summary>The estimate with this amount.</summary>
    public long Sum { get; private set; }

    /// <summary>True when the threshold is reached.</summary>
    public bool Apply(ref long word, long now)
    {
        (long current, long before) = Read(word, now);
        current = Math.Clamp(current + amount, 0, Most);
        Sum = current + Covered(before, now);
        word = current == 0 && before == 0 ? 0 : Number(now) << 40 | current << 20 | before;
        return Sum >= threshold;
    }

    public readonly long Weight(long word, long now)
    {
        (long current, long before) = Read(word, now);
        return current + Covered(before, now);
    }

    private readonly long Number(long now) => (now / period) & ((1L << PeriodBits) - 1);

    private readonly long Covered(long before, long now) => (long)(before * (double)(period - now % period) / period);

    private readonly (long Current, long Before) Read(long word, long now)
    {
        long age = (Number(now) - (word >>> 40)) & ((1L << PeriodBits) - 1);
        return age switch
        {
            0 => (word >> 20 & Most, word & Most),
            1 => (0, word >> 20 & Most),
            _ => (0, 0),
        };
    }
}

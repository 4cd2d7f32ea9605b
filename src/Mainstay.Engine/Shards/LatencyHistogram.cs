using System.Numerics;

namespace Mainstay.Engine.Shards;

/// <summary>
/// Durations counted in buckets of at most 12.5 % width: 8 buckets for each power of two of microseconds, up to 2^32 us (71 minutes).
/// One writer; readers see each bucket whole. Merged by adding.
/// </summary>
public sealed class LatencyHistogram
{
    private const int SubBits = 3, SubBuckets = 1 << SubBits, Powers = 30;

    /// <summary>Number of buckets.</summary>
    public const int Size = SubBuckets * (Powers + 1);

    private readonly long[] _counts = new long[Size];
    private long _sumMicroseconds;

    public void Record(TimeSpan elapsed)
    {
        long microseconds = Math.Max(0, elapsed.Ticks / TimeSpan.TicksPerMicrosecond);
        ref long count = ref _counts[BucketOf(microseconds)];
        Volatile.Write(ref count, count + 1);
        Volatile.Write(ref _sumMicroseconds, _sumMicroseconds + microseconds);
    }

    /// <summary>Adds these counts to <paramref name="total"/> (of <see cref="Size"/>) and returns the sum of durations in microseconds.</summary>
    public long AddTo(Span<long> total)
    {
        for (int i = 0; i < Size; i++) total[i] += Volatile.Read(ref _counts[i]);
        return Volatile.Read(ref _sumMicroseconds);
    }

    /// <summary>The upper border of the bucket in which the quantile (0..1) lies; zero when nothing was counted.</summary>
    public static TimeSpan Quantile(ReadOnlySpan<long> counts, double quantile)
    {
        long total = 0;
        foreach (long count in counts) total += count;
        if (total == 0) return TimeSpan.Zero;
        long rank = (long)Math.Ceiling(quantile * total);
        int bucket = 0;
        for (long seen = counts[0]; seen < rank; seen += counts[bucket]) bucket++;
        return UpperBorder(bucket);
    }

    /// <summary>Durations of a bucket are below this.</summary>
    public static TimeSpan UpperBorder(int bucket)
    {
        if (bucket < SubBuckets) return TimeSpan.FromMicroseconds(bucket + 1);
        int power = bucket / SubBuckets - 1;
        return TimeSpan.FromTicks((long)(SubBuckets + bucket % SubBuckets + 1 << power) * TimeSpan.TicksPerMicrosecond);
    }

    /// <summary>The bucket whose upper border is that duration, a power of two of microseconds.</summary>
    public static int BucketBelow(long microseconds) => BucketOf(microseconds) - 1;

    private static int BucketOf(long microseconds)
    {
        if (microseconds < SubBuckets) return (int)microseconds;
        int power = BitOperations.Log2((ulong)microseconds) - SubBits;
        int bucket = (power + 1) * SubBuckets + (int)(microseconds >> power) - SubBuckets;
        return Math.Min(bucket, Size - 1);
    }
}

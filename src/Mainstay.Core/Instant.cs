namespace Mainstay.Core;

/// <summary>
/// A point in monotonic time: nanoseconds of CLOCK_BOOTTIME, which counts suspended time too. Core never reads a clock:
/// every instant comes in as an argument.
/// </summary>
public readonly record struct Instant(long Nanoseconds) : IComparable<Instant>
{
    /// <summary>Later than every other instant: "no deadline".</summary>
    public static readonly Instant Never = new(long.MaxValue);

    public static Instant operator +(Instant instant, TimeSpan span) =>
        instant == Never ? Never : new(instant.Nanoseconds + ToNanoseconds(span));

    public static Instant operator -(Instant instant, TimeSpan span) => new(instant.Nanoseconds - ToNanoseconds(span));

    public static TimeSpan operator -(Instant later, Instant earlier) =>
        TimeSpan.FromTicks((later.Nanoseconds - earlier.Nanoseconds) / 100);

    public static bool operator <(Instant left, Instant right) => left.Nanoseconds < right.Nanoseconds;
    public static bool operator >(Instant left, Instant right) => left.Nanoseconds > right.Nanoseconds;
    public static bool operator <=(Instant left, Instant right) => left.Nanoseconds <= right.Nanoseconds;
    public static bool operator >=(Instant left, Instant right) => left.Nanoseconds >= right.Nanoseconds;

    public static Instant Min(Instant left, Instant right) => left <= right ? left : right;

    public int CompareTo(Instant other) => Nanoseconds.CompareTo(other.Nanoseconds);

    private static long ToNanoseconds(TimeSpan span) => span.Ticks * 100;
}

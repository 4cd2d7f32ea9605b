namespace Mainstay.Core.Protection;

/// <summary>What a banned client sees.</summary>
public enum BanAction
{
    /// <summary>Its connections are reset, new ones at once.</summary>
    Reset,

    /// <summary>403 (Forbidden), and the connection ends.</summary>
    Forbidden,

    /// <summary>429 (Too Many Requests) with Retry-After, and the connection ends.</summary>
    TooManyRequests,

    /// <summary>Nothing is answered for a while; then the connection ends. What that costs is bounded.</summary>
    Tarpit,
}

/// <summary>How long a ban lasts: the first time <see cref="First"/>, each further time longer by the factor.</summary>
/// <param name="Longest">Never longer than this.</param>
/// <param name="Forget">So long after its last ban has ended an address is as good as new.</param>
public sealed record BanTerms(TimeSpan First, double Factor, TimeSpan Longest, TimeSpan Forget, BanAction Action)
{
    /// <param name="strike">1 for the first ban.</param>
    public TimeSpan Length(int strike)
    {
        double seconds = First.TotalSeconds * Math.Pow(Factor, Math.Max(0, strike - 1));
        return seconds >= Longest.TotalSeconds ? Longest : TimeSpan.FromSeconds(seconds);
    }
}

/// <summary>One ban, in force or only remembered. Times are seconds since 1970, because a ban outlives the program.</summary>
/// <param name="Strikes">How many times by now; 0 for one by hand.</param>
/// <param name="Until"><see cref="Forever"/> for one by hand without an end.</param>
/// <param name="RememberedUntil">When <see cref="Strikes"/> is forgotten.</param>
/// <param name="By">Name of the detector; empty for one by hand.</param>
public sealed record Ban(
    Net.AddressRange Range, BanAction Action, int Strikes, long Since, long Until, long RememberedUntil, string By, string Reason)
{
    public const long Forever = long.MaxValue;

    public bool IsManual => By.Length == 0;

    public bool IsInForce(long unixSeconds) => unixSeconds < Until;
}

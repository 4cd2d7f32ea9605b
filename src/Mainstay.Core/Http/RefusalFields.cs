namespace Mainstay.Core.Http;

/// <summary>How a rate limit stands for one client.</summary>
/// <param name="Limit">What may come at once.</param>
/// <param name="Remaining">What is left of it.</param>
/// <param name="Reset">Until all of it is there again.</param>
public readonly record struct LimitAnnouncement(long Limit, long Remaining, TimeSpan Reset);

/// <summary>Header fields of responses that refuse a request.</summary>
public static class RefusalFields
{
    /// <summary>Room for everything that is written here.</summary>
    public const int MaxLength = 256;

    /// <summary>Retry-After (RFC 9110 section 10.2.3), and the fields that GitHub and others have made customary.</summary>
    /// <param name="wait">Zero: unknown.</param>
    public static int WriteLimit(Span<byte> destination, TimeSpan wait, LimitAnnouncement? announcement)
    {
        var buffer = new HeadBuffer(destination);
        if (wait > TimeSpan.Zero) Write(ref buffer, "Retry-After: "u8, Seconds(wait));
        if (announcement is not { } limit) return buffer.Result;
        Write(ref buffer, "RateLimit-Limit: "u8, limit.Limit);
        Write(ref buffer, "RateLimit-Remaining: "u8, limit.Remaining);
        Write(ref buffer, "RateLimit-Reset: "u8, Seconds(limit.Reset));
        return buffer.Result;
    }

    /// <summary>Rounded up: a client that comes a moment too early is refused again.</summary>
    private static long Seconds(TimeSpan time) => (time.Ticks + TimeSpan.TicksPerSecond - 1) / TimeSpan.TicksPerSecond;

    private static void Write(ref HeadBuffer buffer, ReadOnlySpan<byte> name, long value)
    {
        buffer.Write(name);
        buffer.Write(value);
        buffer.Write("\r\n"u8);
    }
}

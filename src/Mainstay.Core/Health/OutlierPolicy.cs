namespace Mainstay.Core.Health;

/// <summary>When a server that passes its checks is left out because of how it treats real requests. Zero switches a reason off.</summary>
public sealed record OutlierPolicy
{
    /// <summary>Failures without one success between them: responses of 500 and up, broken and refused connections, timeouts.</summary>
    public int ErrorsInARow { get; init; } = 5;

    /// <summary>Percentage points of failures above the mean of the pool's servers.</summary>
    public int ErrorRate { get; init; } = 30;

    /// <summary>So many times the median response time of the others.</summary>
    public int SlowFactor { get; init; }

    /// <summary>Requests in an interval below which rates and times say nothing of a server.</summary>
    public int LeastRequests { get; init; } = 20;

    /// <summary>How often is looked, and over which time rates are taken.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The first time; each further one is longer by this again, up to <see cref="Longest"/>.</summary>
    public TimeSpan EjectFor { get; init; } = TimeSpan.FromSeconds(30);
    public TimeSpan Longest { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Percentage of the pool's servers that may be left out at a time; the last one never is.</summary>
    public int MostEjected { get; init; } = 50;
}

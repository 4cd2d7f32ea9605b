using Mainstay.Core.Config;

namespace Mainstay.Core.Health;

/// <summary>When results count and how long things take: what the machine needs of a pool's configuration.</summary>
public sealed record HealthPolicy
{
    /// <summary>False: there is no check and the server counts as up.</summary>
    public bool IsChecked { get; init; } = true;
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Between checks while results and state differ.</summary>
    public TimeSpan FastInterval { get; init; } = TimeSpan.FromSeconds(1);
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>First checks of servers that start together are spread over so long; short, because listeners wait for them.</summary>
    public TimeSpan FirstSpread { get; init; } = TimeSpan.FromMilliseconds(200);
    public int Rise { get; init; } = 2;
    public int Fall { get; init; } = 3;
    public TimeSpan SlowStart { get; init; }

    /// <summary>Zero: drained work may take as long as it likes.</summary>
    public TimeSpan DrainTimeout { get; init; }

    public static HealthPolicy From(PoolSnapshot pool)
    {
        CheckSnapshot? check = pool.Check;
        var policy = new HealthPolicy { IsChecked = check is not null, SlowStart = pool.SlowStart, DrainTimeout = pool.DrainTimeout };
        if (check is null) return policy;
        return policy with
        {
            Interval = check.Interval,
            FastInterval = check.FastInterval,
            Timeout = check.Timeout,
            Rise = check.Rise,
            Fall = check.Fall,
        };
    }
}

namespace Mainstay.Demo;

/// <summary>The demo's checks, and how long they take at most to find a fault.</summary>
internal static class Detection
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(300);
    public static readonly TimeSpan FastInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Generous for a local server: two cores that also build something must not make a healthy one look hung.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(250);

    public const int Rise = 2, Fall = 2;

    /// <summary>For the machine: checks and the demo's own clock are late when all cores are busy.</summary>
    private static readonly TimeSpan Allowance = TimeSpan.FromMilliseconds(500);

    /// <summary>SIGKILL is delivered to every thread; what they had in hand is lost.</summary>
    private static readonly TimeSpan Dying = TimeSpan.FromMilliseconds(100);

    /// <summary>Intervals vary by 5 % (HealthMachine.Jitter).</summary>
    private const double Longest = 1.05;

    /// <summary>
    /// From the fault until no new request can meet it. A check may have passed just before: then an interval, and
    /// <see cref="Fall"/> bad ones that begin at least a fast interval apart.
    /// </summary>
    public static TimeSpan Limit(Fault fault) => fault switch
    {
        Fault.Crash or Fault.Errors => (Interval * Longest) + ((Fall - 1) * FastInterval * Longest) + Allowance,
        Fault.Hang => (Interval * Longest) + (Fall * Timeout) + Allowance,
        Fault.KillWorker => Dying,
        _ => TimeSpan.Zero,
    };
}

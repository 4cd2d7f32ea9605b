namespace Mainstay.Keeper;

/// <summary>
/// When a worker that died is replaced: at once, unless its predecessors died young too; then after 100 ms, doubled each time up to
/// 10 s, so that a worker which cannot start does not eat the machine.
/// </summary>
public sealed class RestartPolicy
{
    /// <summary>A worker that has served so long died of something new.</summary>
    public static readonly TimeSpan Settled = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(10);
    private int _youngDeaths;

    /// <param name="served">How long the worker that died had served; zero = it never did.</param>
    public TimeSpan OnDeath(TimeSpan served)
    {
        _youngDeaths = served >= Settled ? 0 : _youngDeaths + 1;
        if (_youngDeaths <= 1) return TimeSpan.Zero;
        return TimeSpan.FromTicks(Math.Min(Longest.Ticks, First.Ticks << Math.Min(_youngDeaths - 2, 20)));
    }
}

using Mainstay.Core.Health;

namespace Mainstay.Core.Config.Vocabulary;

internal static class OutlierSection
{
    private static readonly Key<OutlierPolicy, int> ErrorsInARow = new("errors-in-a-row", new IntegerType(0, 1_000_000), o => o.ErrorsInARow)
    { Doc = "Failed requests without one that succeeded between them; 0 is no such rule.", Default = Key.Plain("5") };

    private static readonly Key<OutlierPolicy, int> ErrorRate = new("error-rate", PercentType.Instance, o => o.ErrorRate)
    { Doc = "Failed requests of an interval, in percentage points above the mean of the servers; 0% is no such rule.", Default = Key.Plain("30%") };

    private static readonly Key<OutlierPolicy, int> SlowFactor = new("slow-factor", new IntegerType(0, 1000), o => o.SlowFactor)
    { Doc = "Response time in multiples of the median of the others; 0 is no such rule.", Default = Key.Plain("0") };

    private static readonly Key<OutlierPolicy, int> LeastRequests = new("least-requests", new IntegerType(1, 1_000_000), o => o.LeastRequests)
    { Doc = "Requests in an interval below which rate and time say nothing of a server.", Default = Key.Plain("20") };

    private static readonly Key<OutlierPolicy, TimeSpan> Interval = new(
        "interval", new DurationType(TimeSpan.FromMilliseconds(50), TimeSpan.FromHours(1)), o => o.Interval)
    { Doc = "How often is looked, and over which time rates are taken.", Default = Key.Plain("1s") };

    private static readonly Key<OutlierPolicy, TimeSpan> EjectFor = new("eject-for", DurationType.Positive, o => o.EjectFor)
    { Doc = "How long a server is left out the first time; each time soon after is longer by this again.", Default = Key.Plain("30s") };

    private static readonly Key<OutlierPolicy, TimeSpan> Longest = new("longest", DurationType.Positive, o => o.Longest)
    { Doc = "How long it is left out at most.", Default = Key.Plain("5m") };

    private static readonly Key<OutlierPolicy, int> MostEjected = new("most-ejected", PercentType.Instance, o => o.MostEjected)
    { Doc = "Share of the servers that may be left out at a time, but one in any case; the last one never is. 0% is none.", Default = Key.Plain("50%") };

    public static readonly Section<OutlierPolicy> Section = new(
        "pools.NAME.outliers",
        [ErrorsInARow, ErrorRate, SlowFactor, LeastRequests, Interval, EjectFor, Longest, MostEjected],
        v => new OutlierPolicy
        {
            ErrorsInARow = v.Get(ErrorsInARow),
            ErrorRate = v.Get(ErrorRate),
            SlowFactor = v.Get(SlowFactor),
            LeastRequests = v.Get(LeastRequests),
            Interval = v.Get(Interval),
            EjectFor = v.Get(EjectFor),
            Longest = v.Get(Longest),
            MostEjected = v.Get(MostEjected),
        })
    {
        Doc = "Servers that fail real requests although their checks pass are left out for a time. A failed request is a response of 500 and "
            + "up, or a connection that was refused, broke, or took too long; what clients break off does not count. {} takes all defaults.",
        Verify = v =>
        {
            if (v.TryGet(Longest, out TimeSpan longest) && v.TryGet(EjectFor, out TimeSpan first) && longest < first)
                v.Error(Longest, $"is shorter than eject-for ({DurationType.Text(first)})");
        },
    };
}

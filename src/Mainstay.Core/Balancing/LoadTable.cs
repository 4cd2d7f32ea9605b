namespace Mainstay.Core.Balancing;

/// <summary>One <see cref="ServerLoad"/> for every server slot, shared by all shards of the worker.</summary>
public sealed class LoadTable(int serverCapacity)
{
    /// <summary>
    /// A response time counts half for every such span without a newer one, so that a server which was slow once is tried again.
    /// Ten seconds: some checks' time, long against one request.
    /// </summary>
    public static readonly TimeSpan ResponseHalfLife = TimeSpan.FromSeconds(10);

    private const long HalfLifeNanoseconds = 10_000_000_000;

    private readonly ServerLoad[] _loads = GC.AllocateArray<ServerLoad>(serverCapacity, pinned: true);

    public ref ServerLoad this[int serverSlot] => ref _loads[serverSlot];

    /// <summary>
    /// Takes one place among the connections in flight, unless <paramref name="limit"/> (0 = none) is reached. Exact over all
    /// shards: never more than limit holders at once.
    /// </summary>
    public bool TryEnter(int serverSlot, int limit)
    {
        ref ServerLoad load = ref _loads[serverSlot];
        if (limit <= 0)
        {
            Interlocked.Increment(ref load.InFlight);
        }
        else
        {
            int seen = Volatile.Read(ref load.InFlight);
            while (true)
            {
                if (seen >= limit) return false;
                int before = Interlocked.CompareExchange(ref load.InFlight, seen + 1, seen);
                if (before == seen) break;
                seen = before;
            }
        }

        if (load.Upper > 0) UpdateOverload(ref load);
        return true;
    }

    public void Leave(int serverSlot)
    {
        ref ServerLoad load = ref _loads[serverSlot];
        Interlocked.Decrement(ref load.InFlight);
        if (load.Upper > 0) UpdateOverload(ref load);
    }

    /// <summary>
    /// Sets the overload thresholds of a server (control side). <paramref name="lower"/> 0 means three quarters of the upper
    /// one, as in IPVS; <paramref name="upper"/> 0 means that the server is never overloaded.
    /// </summary>
    public void SetThresholds(int serverSlot, int upper, int lower)
    {
        ref ServerLoad load = ref _loads[serverSlot];
        // n < ceil(3u/4) is 4n < 3u for whole numbers.
        int effective = lower > 0 ? Math.Min(lower, upper) : (int)(((long)upper * 3 + 3) / 4);
        Volatile.Write(ref load.Lower, effective);
        Volatile.Write(ref load.Upper, upper);
        if (upper > 0) UpdateOverload(ref load);
        else Volatile.Write(ref load.Overloaded, 0);
    }

    /// <summary>
    /// Takes one response time into the server's average: the new sample weighs 1/8 (as in TCP's smoothed round trip time, RFC
    /// 6298 section 2.3), and the weight of what was known before halves for every <see cref="ResponseHalfLife"/> since the
    /// last sample. Failures that took time (a timeout) count like slow responses; refused connections should not be reported,
    /// they are fast.
    /// </summary>
    public void OnResponse(int serverSlot, TimeSpan elapsed, Instant now)
    {
        ref ServerLoad load = ref _loads[serverSlot];
        long sample = Math.Max(1, elapsed.Ticks * 100);
        long last = Interlocked.Exchange(ref load.LastResponse, now.Nanoseconds);
        int halvings = Halvings(last, now);
        long seen = Volatile.Read(ref load.ResponseTime);
        while (true)
        {
            long average = seen == 0 ? sample : Math.Max(1, sample + (((seen - sample) / 8 * 7) >> halvings));
            long before = Interlocked.CompareExchange(ref load.ResponseTime, average, seen);
            if (before == seen) return;
            seen = before;
        }
    }

    /// <summary>A request went well, or failed by the server's fault.</summary>
    public void Judge(int serverSlot, bool isGood)
    {
        ref ServerLoad load = ref _loads[serverSlot];
        if (isGood)
        {
            Interlocked.Increment(ref load.Successes);
            if (Volatile.Read(ref load.FailuresInARow) != 0) Volatile.Write(ref load.FailuresInARow, 0);
        }
        else
        {
            Interlocked.Increment(ref load.Failures);
            Interlocked.Increment(ref load.FailuresInARow);
        }
    }

    /// <summary>The average response time in nanoseconds as it counts at <paramref name="now"/>; 0 = nothing known yet.</summary>
    public long ResponseTime(int serverSlot, Instant now)
    {
        ref ServerLoad load = ref _loads[serverSlot];
        long average = Volatile.Read(ref load.ResponseTime);
        if (average == 0) return 0;
        return Math.Max(1, average >> Halvings(Volatile.Read(ref load.LastResponse), now));
    }

    /// <summary>
    /// What was learnt about the server before is not known of the next one that gets the slot. The counts stay: they are zero but for
    /// an old exchange that takes a place and gives it back at the sight of a retired server, and must find what it left.
    /// </summary>
    public void Forget(int serverSlot)
    {
        ref ServerLoad load = ref _loads[serverSlot];
        Volatile.Write(ref load.ResponseTime, 0);
        Volatile.Write(ref load.LastResponse, 0);
        Volatile.Write(ref load.FailuresInARow, 0);
        SetThresholds(serverSlot, 0, 0);
    }

    private static int Halvings(long last, Instant now) =>
        (int)Math.Clamp((now.Nanoseconds - last) / HalfLifeNanoseconds, 0, 62);

    /// <summary>
    /// Brings the flag in line with the count. Enter and Leave of other shards race with it: whoever wrote the flag looks at
    /// the count again, and a count that changes after that look brings its own update, so the last word is always right.
    /// </summary>
    private static void UpdateOverload(ref ServerLoad load)
    {
        while (true)
        {
            int count = Volatile.Read(ref load.InFlight);
            int flag = Volatile.Read(ref load.Overloaded);
            int due = count >= load.Upper ? 1 : count < load.Lower ? 0 : flag;
            if (due == flag) return;
            Interlocked.Exchange(ref load.Overloaded, due);
        }
    }
}

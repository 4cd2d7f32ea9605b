using Mainstay.Core;

namespace Mainstay.Linux;

/// <summary>CLOCK_BOOTTIME: the one clock of every deadline; it goes on while the machine sleeps.</summary>
public static unsafe class MonotonicClock
{
    private const int ClockBoottime = 7;
    private const int ClockRealtime = 0;

    public static Instant Now => new(Read(ClockBoottime));

    /// <summary>Wall-clock nanoseconds since 1970, for logs only: it jumps.</summary>
    public static long UnixNanoseconds => Read(ClockRealtime);

    private static long Read(int clock)
    {
        long* time = stackalloc long[2];
        Libc.ClockGetTime(clock, time);
        return time[0] * 1_000_000_000 + time[1];
    }
}

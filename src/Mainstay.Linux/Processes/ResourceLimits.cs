namespace Mainstay.Linux.Processes;

/// <summary>Limits the kernel sets this process (getrlimit).</summary>
public static unsafe class ResourceLimits
{
    private const int OpenFiles = 7;

    /// <summary>Descriptors this process may have: soft and hard limit.</summary>
    public static (ulong Soft, ulong Hard) Descriptors
    {
        get
        {
            ulong* limits = stackalloc ulong[2];
            _ = Libc.GetLimit(OpenFiles, limits);
            return (limits[0], limits[1]);
        }
    }

    /// <summary>
    /// Raises both limits to <paramref name="wanted"/> where that is allowed, else the soft one to the hard one; never lowers. What
    /// this process starts inherits them. Returns the soft limit in force.
    /// </summary>
    public static ulong RaiseDescriptors(ulong wanted)
    {
        (ulong soft, ulong hard) = Descriptors;
        ulong* limits = stackalloc ulong[2] { Math.Max(hard, wanted), Math.Max(hard, wanted) };
        if (Libc.SetLimit(OpenFiles, limits) == 0) return limits[0];
        limits[0] = limits[1] = hard;
        return Libc.SetLimit(OpenFiles, limits) == 0 ? hard : soft;
    }
}

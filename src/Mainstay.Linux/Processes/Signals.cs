namespace Mainstay.Linux.Processes;

/// <summary>Signals to processes that are not this one's children; for those, <see cref="ChildProcess.Signal"/> cannot hit another.</summary>
public static class Signals
{
    /// <param name="pid">One process, so above 0.</param>
    public static Errno Send(int pid, int signal)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(pid);
        return (Errno)(-Math.Min(0, Libc.Result(Libc.Kill(pid, signal))));
    }
}

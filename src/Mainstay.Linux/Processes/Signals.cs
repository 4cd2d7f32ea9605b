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

    /// <summary>
    /// Gives a signal its default action again. A process may begin with signals ignored (nohup does so with SIGHUP), and .NET leaves
    /// those alone: without this, handlers registered for them are never called. Between the two the default action holds.
    /// </summary>
    public static Errno Unignore(int signal) => Libc.SetDefault(signal, 0) == -1 ? Errno.EINVAL : Errno.None;
}

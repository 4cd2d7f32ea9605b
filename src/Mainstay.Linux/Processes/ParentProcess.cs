namespace Mainstay.Linux.Processes;

/// <summary>For a program that must not outlive the one that started it.</summary>
public static class ParentProcess
{
    private const int SetParentDeathSignal = 1;

    /// <summary>
    /// From now on this process gets a signal when the thread that started it ends, however it ends (PR_SET_PDEATHSIG). False when
    /// the parent is gone already.
    /// </summary>
    /// <param name="parent">The parent's pid, as the parent knows it.</param>
    public static bool TryEndWith(int parent, int signal)
    {
        int result = Libc.Result(Libc.ProcessControl(SetParentDeathSignal, (nuint)signal, 0, 0, 0));
        if (result < 0) throw new InvalidOperationException($"prctl(PR_SET_PDEATHSIG): {((Errno)(-result)).Describe()}");
        // It may have ended before the call; then somebody else has adopted this process.
        return Libc.ParentPid() == parent;
    }
}

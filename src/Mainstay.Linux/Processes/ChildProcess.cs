using System.Runtime.InteropServices;

namespace Mainstay.Linux.Processes;

/// <summary>How a process ended: its exit code, or the signal that killed it.</summary>
public readonly record struct ExitStatus(int Code, int Signal)
{
    public bool IsSuccess => Code == 0 && Signal == 0;

    public override string ToString() => Signal == 0 ? $"exit code {Code}" : $"signal {Signal}";
}

/// <summary>
/// A child of this process, known by a pidfd: the number cannot come to mean another process. Not reaped by anyone else as long
/// as the owner does not use System.Diagnostics.Process for it.
/// </summary>
public sealed unsafe class ChildProcess : IDisposable
{
    public const int SignalKill = 9, SignalTerminate = 15;

    private const short SetGroup = 0x02, SetDefaultSignals = 0x04, SetMask = 0x08;
    private const int ReadWrite = 2, DuplicateCloseOnExec = 1030;
    private const int PidfdOpen = 434, PidfdSendSignal = 424;
    private const int ByPidfd = 3, Exited = 4, NoHang = 1, ByPid = 1;

    private bool _isReaped;

    private ChildProcess(int pid, int pidfd) => (Pid, PidFd) = (pid, pidfd);

    public int Pid { get; }

    /// <summary>Becomes readable when the child ends. Owned by this object.</summary>
    public int PidFd { get; }

    /// <summary>
    /// Starts a program with default signal handling and an empty signal mask. The error of a program that cannot be executed is
    /// known on return.
    /// </summary>
    public static Errno TrySpawn(SpawnRequest request, out ChildProcess? child)
    {
        child = null;
        using var path = new NativeStrings([request.Path]);
        using var arguments = new NativeStrings(request.Arguments);
        using var environment = new NativeStrings(request.Environment);
        // posix_spawn_file_actions_t has 80 bytes and posix_spawnattr_t 336 in glibc, on x86-64 and arm64.
        byte* actions = stackalloc byte[128];
        byte* attributes = stackalloc byte[512];
        _ = Libc.SpawnActionsInit(actions);
        _ = Libc.SpawnAttributesInit(attributes);
        var copies = new List<int>();
        try
        {
            SetAttributes(attributes, request.OwnGroup);
            Errno given = AddDescriptors(actions, request.Descriptors, copies);
            if (given != Errno.None) return given;
            int pid;
            int error = Libc.PosixSpawn(&pid, path.First, actions, attributes, arguments.Pointers, environment.Pointers);
            if (error != 0) return (Errno)error;
            int pidfd = Libc.Result(Libc.SystemCall(PidfdOpen, pid, 0, 0, 0));
            if (pidfd >= 0)
            {
                child = new ChildProcess(pid, pidfd);
                return Errno.None;
            }

            _ = Libc.Kill(pid, SignalKill);
            _ = WaitFor(ByPid, pid, 0, out _);
            return (Errno)(-pidfd);
        }
        finally
        {
            foreach (int copy in copies) Descriptor.Close(copy);
            _ = Libc.SpawnActionsDestroy(actions);
            _ = Libc.SpawnAttributesDestroy(attributes);
        }
    }

    /// <summary>True once the child has ended; it is reaped then. Does not wait.</summary>
    public bool TryReap(out ExitStatus status)
    {
        if (!WaitFor(ByPidfd, PidFd, NoHang, out status)) return false;
        _isReaped = true;
        return true;
    }

    /// <summary>Signals the child itself; nothing happens when it has ended.</summary>
    public void Signal(int signal)
    {
        if (!_isReaped) _ = Libc.SystemCall(PidfdSendSignal, PidFd, signal, 0, 0);
    }

    /// <summary>
    /// Signals the child's process group (started with <see cref="SpawnRequest.OwnGroup"/>). Only before the child is reaped: until
    /// then its number, and so the group's, cannot be given to another.
    /// </summary>
    public void SignalGroup(int signal)
    {
        if (!_isReaped) _ = Libc.Kill(-Pid, signal);
    }

    /// <summary>Forgets the child, which may live on.</summary>
    public void Dispose() => Descriptor.Close(PidFd);

    private static void SetAttributes(byte* attributes, bool ownGroup)
    {
        // The runtime ignores SIGPIPE and threads may block signals; both would be inherited.
        byte* allSignals = stackalloc byte[128];
        byte* noSignals = stackalloc byte[128];
        NativeMemory.Fill(allSignals, 128, 0xFF);
        NativeMemory.Clear(noSignals, 128);
        _ = Libc.SpawnAttributesSetDefaultSignals(attributes, allSignals);
        _ = Libc.SpawnAttributesSetMask(attributes, noSignals);
        _ = Libc.SpawnAttributesSetGroup(attributes, 0);
        _ = Libc.SpawnAttributesSetFlags(attributes, (short)(SetDefaultSignals | SetMask | (ownGroup ? SetGroup : 0)));
    }

    private static Errno AddDescriptors(byte* actions, IReadOnlyList<DescriptorMapping> mappings, List<int> copies)
    {
        int firstFree = 3;
        foreach (DescriptorMapping mapping in mappings) firstFree = Math.Max(firstFree, mapping.Target + 1);
        using var devNull = new NativeStrings(["/dev/null"]);
        foreach ((int source, int target) in mappings)
        {
            if (source == DescriptorMapping.DevNull)
            {
                _ = Libc.SpawnActionsOpen(actions, target, devNull.First, ReadWrite, 0);
                continue;
            }

            // A source among the targets could be overwritten before it is used: take a copy above them all.
            int from = source;
            if (source < firstFree)
            {
                from = Libc.Result(Libc.FileControl(source, DuplicateCloseOnExec, firstFree));
                if (from < 0) return (Errno)(-from);
                copies.Add(from);
            }

            _ = Libc.SpawnActionsDuplicate(actions, from, target);
        }

        _ = Libc.SpawnActionsCloseFrom(actions, firstFree);
        return Errno.None;
    }

    private static bool WaitFor(int kind, int id, int options, out ExitStatus status)
    {
        const int exitedByItself = 1;
        int* info = stackalloc int[32];
        info[4] = 0;
        status = default;
        int result;
        do result = Libc.Result(Libc.WaitId(kind, (uint)id, (byte*)info, Exited | options));
        while (result == -(int)Errno.EINTR);
        // siginfo_t of a 64-bit Linux: code in word 2, pid in word 4 (0: nothing has ended), status in word 6.
        if (result < 0 || info[4] == 0) return false;
        status = info[2] == exitedByItself ? new ExitStatus(info[6], 0) : new ExitStatus(0, info[6]);
        return true;
    }
}

using System.Globalization;
using Mainstay.Keeper;
using Mainstay.Linux;
using Mainstay.Linux.Processes;
using Microsoft.Win32.SafeHandles;

namespace Mainstay.Demo;

/// <summary>The balancer itself: <c>mainstay run</c> as in production, keeper and worker, as a child of the demo.</summary>
internal sealed class BalancerProcess : IDisposable
{
    /// <summary>The worker's drain-timeout is 1 s, and the keeper gives it two more.</summary>
    private static readonly TimeSpan LeavePatience = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(20);

    private readonly ChildProcess _process;
    private readonly string _log;
    private bool _hasEnded;

    private BalancerProcess(ChildProcess process, string log) => (_process, _log) = (process, log);

    /// <summary>The keeper's.</summary>
    public int Pid => _process.Pid;

    public bool HasEnded => _hasEnded |= _process.TryReap(out _);

    /// <summary>What keeper and worker wrote.</summary>
    public string Output => File.ReadAllText(_log);

    /// <summary>
    /// Starts it. It ends when the calling thread does, however this process ends: only from a thread that lives as long as the demo.
    /// </summary>
    /// <exception cref="InvalidOperationException">This program cannot be started from where it is.</exception>
    public static BalancerProcess Start(DemoDirectory directory)
    {
        var program = WorkerProgram.OfThisProcess();
        using SafeFileHandle log = File.OpenHandle(directory.Log, FileMode.Create, FileAccess.Write, FileShare.ReadWrite);
        int output = (int)log.DangerousGetHandle();
        string parent = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        var request = new SpawnRequest
        {
            Path = program.Path,
            Arguments = [program.Path, .. program.Arguments, "run", "-c", directory.Configuration, "--parent", parent],
            Environment = SpawnRequest.CurrentEnvironment(),
            Descriptors = [new(DescriptorMapping.DevNull, 0), new(output, 1), new(output, 2)],
            // The terminal's Ctrl-C is for the demo, which then ends its parts in order.
            OwnGroup = true,
        };
        Errno error = ChildProcess.TrySpawn(request, out ChildProcess? process);
        return process is null
            ? throw new InvalidOperationException($"cannot start {program.Path}: {error.Describe()}")
            : new BalancerProcess(process, directory.Log);
    }

    /// <summary>Tells it to leave; kills it when it does not.</summary>
    public async Task StopAsync()
    {
        _process.Signal(ChildProcess.SignalTerminate);
        for (TimeSpan waited = TimeSpan.Zero; !HasEnded && waited < LeavePatience; waited += Glance) await Task.Delay(Glance).ConfigureAwait(false);
        // The worker notices by itself that its keeper is gone.
        _process.Signal(ChildProcess.SignalKill);
        while (!HasEnded) await Task.Delay(Glance).ConfigureAwait(false);
    }

    public void Dispose() => _process.Dispose();
}

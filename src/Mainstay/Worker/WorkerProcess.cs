using Mainstay.Admin;
using Mainstay.Core.Config;
using Mainstay.Engine.Control;
using Mainstay.Linux;
using Microsoft.Win32.SafeHandles;

namespace Mainstay.Worker;

/// <summary>
/// The worker: reads the configuration that the keeper opened, makes the machine ready, gives up all privileges and serves until it is
/// told to leave or the keeper is gone.
/// </summary>
public sealed class WorkerProcess
{
    /// <summary>Read at most; the compiler refuses files of a smaller size than that.</summary>
    private const int MaxConfigurationBytes = 64 << 20;

    private readonly KeeperLink _link;
    private readonly OperatorLog _log;
    private readonly WorkerParts _parts;
    private readonly ReloadRequests _reloads = new();
    private readonly Handover _handover = new();

    private WorkerProcess(KeeperLink link, OperatorLog log, WorkerParts parts) => (_link, _log, _parts) = (link, log, parts);

    /// <summary>Runs until drained; the process's exit code: 1 = could not start and has said why.</summary>
    public static int Run(int linkDescriptor, WorkerParts parts)
    {
        using var link = new KeeperLink(linkDescriptor);
        using var log = new OperatorLog("worker");
        return new WorkerProcess(link, log, parts).RunAsync().GetAwaiter().GetResult();
    }

    private async Task<int> RunAsync()
    {
        if (await _link.Orders.ReadAsync().ConfigureAwait(false) is not KeeperOrder.Configure first) return 0;
        CompiledConfiguration compiled = Read(first);
        if (compiled.Snapshot is not { } snapshot) return Refuse(compiled.Errors);
        IReadOnlyList<string> errors = await PrepareAsync(snapshot).ConfigureAwait(false);
        if (errors.Count > 0) return Refuse(errors);

        var host = new WorkerHost(_parts.CreatePlanes(new PlaneContext(snapshot, _log, RequestReloadAsync, _link.Loop, _handover, _link)), _link, _link.CloseListener);
        _link.WatchOver(host.IsAlive);
        using var discovering = new DiscoveringHost(host, _log, _link.OrderRediscovery);
        errors = await discovering.ApplyAsync(snapshot, _link.Leaving).ConfigureAwait(false);
        if (errors.Count > 0) return Refuse(errors);
        foreach (string line in StartReport.Lines(first.Path, snapshot)) _log.Info(line);
        _link.ReportServing(host.Generation, snapshot.Process.DrainTimeout);
        return await ServeAsync(host, discovering).ConfigureAwait(false);
    }

    private async Task<int> ServeAsync(WorkerHost host, DiscoveringHost discovering)
    {
        while (true)
        {
            switch (await _link.Orders.ReadAsync().ConfigureAwait(false))
            {
                case KeeperOrder.Configure next:
                    await ReloadAsync(host, discovering, next).ConfigureAwait(false);
                    break;
                case KeeperOrder.Rediscover:
                    await discovering.RefreshAsync(_link.Leaving).ConfigureAwait(false);
                    break;
                case KeeperOrder.Yield { IsComing: true }:
                    await _handover.BeginAsync().ConfigureAwait(false);
                    _link.ReportYielded();
                    break;
                case KeeperOrder.Yield:
                    _handover.Cancel();
                    break;
                case KeeperOrder.Drain drain:
                    TimeSpan timeout = drain.Within ?? host.InForce?.Process.DrainTimeout ?? TimeSpan.Zero;
                    _reloads.Close(WorkerHost.Leaving);
                    _log.Info($"draining: no new work, at most {timeout.TotalSeconds:0.#} s for what is under way");
                    await host.DrainAsync(timeout).ConfigureAwait(false);
                    _log.Info("drained");
                    return 0;
            }
        }
    }

    private async Task ReloadAsync(WorkerHost host, DiscoveringHost discovering, KeeperOrder.Configure order)
    {
        CompiledConfiguration compiled = Read(order);
        IReadOnlyList<string> errors = compiled.Errors;
        if (compiled.Snapshot is { } next)
        {
            WarnOfFixedOptions(host.InForce?.Process, next.Process);
            errors = await discovering.ApplyAsync(next, _link.Leaving).ConfigureAwait(false);
            if (errors.Count == 0)
            {
                _log.Info($"configuration {host.Generation} is in force");
                _link.ReportServing(host.Generation, next.Process.DrainTimeout);
                _reloads.Complete(new ReloadOutcome(true, []));
                return;
            }
        }

        foreach (string error in errors) _log.Error(error);
        _log.Error("the configuration was not changed, because of the errors above");
        _reloads.Complete(new ReloadOutcome(false, errors));
    }

    /// <summary>Any thread. The file is the keeper's to open: this process may not read it any more.</summary>
    private Task<ReloadOutcome> RequestReloadAsync()
    {
        Task<ReloadOutcome> outcome = _reloads.Add();
        _link.WantConfiguration();
        return outcome;
    }

    private async Task<IReadOnlyList<string>> PrepareAsync(Snapshot snapshot)
    {
        _parts.OpenWhilePrivileged();
        IReadOnlyList<string> errors = MachinePreparation.Run(snapshot);
        if (errors.Count > 0) return errors;
        Errno claim = await _link.ClaimAsync(snapshot.Process.StateDirectory).ConfigureAwait(false);
        return claim switch
        {
            Errno.None => [],
            Errno.EAGAIN => [$"process.state-directory: another instance uses {snapshot.Process.StateDirectory}; stop it, or give this one a directory of its own"],
            _ => [$"process.state-directory: cannot lock {snapshot.Process.StateDirectory}: {claim.Describe()}"],
        };
    }

    /// <summary>Some options take part in starting; a reload that silently left them would be believed.</summary>
    private void WarnOfFixedOptions(ProcessSnapshot? now, ProcessSnapshot next)
    {
        if (now is null || now with { DrainTimeout = next.DrainTimeout } == next) return;
        _log.Warning("options under process other than drain-timeout take effect with the next worker: upgrade (SIGUSR2) or restart");
    }

    private CompiledConfiguration Read(KeeperOrder.Configure order)
    {
        if (order.Descriptor < 0) return Unreadable(order.Path, ((Errno)(-order.Descriptor)).Describe());
        using var handle = new SafeFileHandle(order.Descriptor, ownsHandle: true);
        try
        {
            // A copy, read to its end: the file may be a pipe.
            using var stream = new FileStream(handle, FileAccess.Read, bufferSize: 0);
            using var content = new MemoryStream();
            byte[] chunk = new byte[16 * 1024];
            for (int count; content.Length <= MaxConfigurationBytes && (count = stream.Read(chunk)) > 0;) content.Write(chunk, 0, count);
            CompiledConfiguration compiled = _parts.Compile(order.Path, content.GetBuffer().AsMemory(0, (int)content.Length));
            foreach (string warning in compiled.Warnings) _log.Warning(warning);
            return compiled;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return Unreadable(order.Path, e.Message);
        }
    }

    private static CompiledConfiguration Unreadable(string path, string reason) =>
        new(null, [$"cannot read the configuration {path}: {reason}"], []);

    private int Refuse(IReadOnlyList<string> errors)
    {
        foreach (string error in errors) _log.WriteForUser(error);
        return 1;
    }
}

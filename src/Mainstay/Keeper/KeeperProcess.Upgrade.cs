using Mainstay.Link;

namespace Mainstay.Keeper;

/// <summary>
/// An upgrade, step by step: the worker that serves is told and takes no further orders (what it took is on the disk); a second one
/// starts, reads that, serves; only then the first one drains, without the admin socket.
/// </summary>
public sealed partial class KeeperProcess
{
    /// <summary>From the order to upgrade until the second worker serves or has failed. Reloads wait.</summary>
    private bool _isUpgrading;

    private void BeginUpgrade()
    {
        if (_isLeaving || _isUpgrading || _current?.Stage != WorkerStage.Serving) return;
        _log.Info($"upgrade: starting a second worker from {_program.Path}");
        _isUpgrading = true;
        if (!_current.TrySend(new LinkMessage(LinkKind.Yield, Number: 1))) _current.Kill();
    }

    /// <summary>The worker that serves takes no further orders.</summary>
    private void OnYielded(WorkerChild worker)
    {
        if (!_isUpgrading || worker != _current || _successor is not null || _isLeaving) return;
        _successor = Start();
        if (_successor is null) AbandonUpgrade();
    }

    /// <summary>There will be no second worker: the first one goes on as before.</summary>
    private void AbandonUpgrade()
    {
        _isUpgrading = false;
        if (_current is not { Stage: WorkerStage.Serving } worker) return;
        if (!worker.TrySend(new LinkMessage(LinkKind.Yield, Number: 0))) worker.Kill();
        if (_reloadWaits) Reload();
    }

    private void EndUpgrade(WorkerChild successor)
    {
        WorkerChild? old = _current;
        (_current, _successor) = (successor, null);
        _isUpgrading = false;
        old?.Drain(within: null, DrainGrace);
    }
}

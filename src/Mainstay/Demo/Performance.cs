using System.Collections.Immutable;
using System.Diagnostics;
using Mainstay.Engine.Control;
using Mainstay.Linux.Processes;

namespace Mainstay.Demo;

/// <summary>Plays the script on the servers and the balancer, and watches what the balancer makes of it.</summary>
internal sealed class Performance(
    BalancerProcess balancer, DemoAdmin admin, ImmutableArray<WebServer> servers, Ledger ledger, Stopwatch clock, IDemoView view)
{
    /// <summary>Between two looks at the balancer's status.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    /// <summary>How long a scene waits for the servers of the one before; longer, and it goes on without.</summary>
    private static readonly TimeSpan RecoveryPatience = TimeSpan.FromSeconds(5);

    /// <summary>How long the end waits for a new worker.</summary>
    private static readonly TimeSpan WorkerPatience = TimeSpan.FromSeconds(15);

    private readonly Dictionary<string, string> _states = [];

    /// <summary>Of a worker that was killed: its last answers are no news.</summary>
    private int _deadWorker;
    private volatile StatusReport? _status;
    private volatile string _narration = "";
    private volatile bool _isHealed;

    /// <summary>Pid of the worker; 0 while there is none.</summary>
    public int Worker => _status?.WorkerPid is { } pid && pid != _deadWorker ? pid : 0;

    public string Narration => _narration;

    public StatusReport? Status => _status;

    /// <summary>Plays to the end or until cancelled.</summary>
    public async Task PlayAsync(ImmutableArray<ScheduledScene> script, CancellationToken stop)
    {
        TimeSpan late = TimeSpan.Zero;
        foreach (ScheduledScene scene in script)
        {
            await WaitUntilAsync(scene.Begins + late, stop).ConfigureAwait(false);
            late += await WaitForServersAsync(stop).ConfigureAwait(false);
            await BeginAsync(scene.Scene, stop).ConfigureAwait(false);
            if (scene.Heals < scene.Ends)
            {
                await WaitUntilAsync(scene.Heals + late, stop).ConfigureAwait(false);
                await HealAsync(scene.Scene, stop).ConfigureAwait(false);
            }

            await WaitUntilAsync(scene.Ends + late, stop).ConfigureAwait(false);
        }

        for (TimeSpan end = clock.Elapsed + WorkerPatience; Worker == 0 && clock.Elapsed < end;) await Task.Delay(Look, stop).ConfigureAwait(false);
    }

    /// <summary>After the script.</summary>
    public void Say(string narration) => _narration = narration;

    /// <summary>Follows the status until cancelled; false when the balancer has ended by itself.</summary>
    public async Task<bool> WatchAsync(CancellationToken stop)
    {
        try
        {
            while (!balancer.HasEnded)
            {
                if (await admin.TryGetStatusAsync(stop).ConfigureAwait(false) is { } status && status.WorkerPid != _deadWorker) OnStatus(status);
                await Task.Delay(Look, stop).ConfigureAwait(false);
            }

            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    private async Task BeginAsync(Scene scene, CancellationToken stop)
    {
        _isHealed = false;
        _narration = scene.Narration;
        view.Tell(clock.Elapsed, scene.Narration, isScene: true);
        ledger.Begin(scene, clock.Elapsed);
        switch (scene.Fault)
        {
            case Fault.Crash or Fault.Hang or Fault.Errors:
                Server(scene).Break(scene.Fault);
                break;
            case Fault.Drain:
                await admin.TryOrderAsync(scene.Server, "drain", "the demo's script", stop).ConfigureAwait(false);
                break;
            case Fault.KillWorker when Worker is > 0 and var worker:
                _deadWorker = worker;
                Signals.Send(worker, ChildProcess.SignalKill);
                break;
        }
    }

    private async Task HealAsync(Scene scene, CancellationToken stop)
    {
        if (scene.IsChecked) await Server(scene).RestartAsync(stop).ConfigureAwait(false);
        TimeSpan now = clock.Elapsed;
        ledger.Note(act => act with { HealedAt = now });
        _isHealed = true;
        _narration = scene.Recovery;
        view.Tell(now, scene.Recovery, isScene: true);

        // Obeyed at once: were the time taken afterwards, the status could show the server up before anyone knew of the healing.
        if (scene.Fault == Fault.Drain) await admin.TryOrderAsync(scene.Server, "enable", "", stop).ConfigureAwait(false);
    }

    private WebServer Server(Scene scene) => servers.First(server => server.Name == scene.Server);

    private void OnStatus(StatusReport status)
    {
        TimeSpan now = clock.Elapsed;
        if (_status is { } before && before.WorkerPid != status.WorkerPid)
            view.Tell(now, $"worker {status.WorkerPid} serves in place of worker {before.WorkerPid}", isScene: false);
        _status = status;
        foreach (ServerStatus server in status.Pools.SelectMany(pool => pool.Servers))
        {
            bool isNew = !_states.TryGetValue(server.Name, out string? known);
            _states[server.Name] = server.State;
            if (isNew || known == server.State) continue;
            OnStateChange(server, Max(TimeSpan.Zero, now - TimeSpan.FromSeconds(server.StateSeconds)));
        }
    }

    private void OnStateChange(ServerStatus server, TimeSpan since)
    {
        bool isUp = server.State == "up";
        string after = "";
        ledger.Note(act =>
        {
            if (act.Scene.Server != server.Name) return act;
            if (!isUp && !_isHealed && act.NoticedAt is null)
            {
                TimeSpan noticed = Max(since, act.BeganAt);
                after = $" after {(noticed - act.BeganAt).TotalSeconds:0.00} s";
                return act with { NoticedAt = noticed };
            }

            if (!isUp || act.HealedAt is not { } healed || act.BackAt is not null) return act;
            TimeSpan back = Max(since, healed);
            after = $" after {(back - healed).TotalSeconds:0.00} s";
            return act with { BackAt = back };
        });
        view.Tell(since, $"{server.Name} is {server.State}{after}: {OperatorLog.Escape(server.Reason)}", isScene: false);
    }

    /// <summary>How long it took until all of them were up.</summary>
    private async Task<TimeSpan> WaitForServersAsync(CancellationToken stop)
    {
        TimeSpan start = clock.Elapsed;
        while (clock.Elapsed - start < RecoveryPatience && _status?.Pools.All(pool => pool.Servers.All(server => server.State == "up")) != true)
            await Task.Delay(Look / 4, stop).ConfigureAwait(false);
        return clock.Elapsed - start;
    }

    private async Task WaitUntilAsync(TimeSpan time, CancellationToken stop)
    {
        TimeSpan left = time - clock.Elapsed;
        if (left > TimeSpan.Zero) await Task.Delay(left, stop).ConfigureAwait(false);
    }

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}

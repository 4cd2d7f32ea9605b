using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Health;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Probing;

/// <summary>Looks once an interval how the servers of one pool treat requests, and leaves out those that stand out.</summary>
internal sealed class OutlierWatch(Prober prober, ProbedPool pool, OutlierPolicy policy) : TimerNode
{
    private readonly OutlierMachine _machine = new(policy);
    private readonly List<OutlierEffect> _effects = [];

    public void Start() => prober.Loop.Arm(this, prober.Loop.Now + _machine.Policy.Interval);

    public void Reconfigure(OutlierPolicy next) => _machine.Reconfigure(next);

    /// <summary>Nobody looks any more: all take work again.</summary>
    public void Stop()
    {
        prober.Loop.Disarm(this);
        foreach (ProbedServer server in pool.Servers) server.LeaveOut(null);
    }

    public override void OnDeadline(Instant now)
    {
        var samples = new OutlierSample[pool.Servers.Length];
        for (int i = 0; i < samples.Length; i++) samples[i] = Sample(pool.Servers[i], now);
        _machine.Step(samples, now, _effects);
        foreach ((int slot, string? reason) in _effects) Array.Find(pool.Servers, server => server.Runtime.Slot == slot)?.LeaveOut(reason);
        _effects.Clear();
        Start();
    }

    private OutlierSample Sample(ProbedServer server, Instant now)
    {
        int slot = server.Runtime.Slot;
        LoadTable loads = prober.Loads;
        ref ServerLoad load = ref loads[slot];
        return new OutlierSample(
            slot, server.Machine.State == ServerState.Up, Volatile.Read(ref load.Successes), Volatile.Read(ref load.Failures),
            Volatile.Read(ref load.FailuresInARow), loads.ResponseTime(slot, now));
    }
}

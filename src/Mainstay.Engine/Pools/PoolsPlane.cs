using System.Collections.Immutable;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Engine.Control;

namespace Mainstay.Engine.Pools;

/// <summary>
/// Gives the pools of every configuration their slots, before the planes that use them prepare. First in the order of planes.
/// </summary>
public sealed class PoolsPlane(PoolRegistry registry) : IPlane, IStatusSource
{
    private ImmutableArray<PoolRuntime> _current = [];

    public PoolRegistry Registry => registry;

    /// <summary>The pools of the configuration that is being prepared, or of the one in force.</summary>
    public ImmutableArray<PoolRuntime> Prepared { get; private set; } = [];

    /// <summary>This plane has no thread of its own.</summary>
    public bool IsAlive => true;

    public Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel)
    {
        IReadOnlyList<string> errors = [];
        Prepared = [];
        try
        {
            Prepared = registry.Prepare(next);
        }
        catch (InvalidOperationException error)
        {
            errors = [$"pools: {error.Message}"];
        }

        return Task.FromResult(errors);
    }

    public Task PublishAsync(CancellationToken hurry)
    {
        _current = Prepared;
        return Task.CompletedTask;
    }

    public void Abandon() => Prepared = _current;

    public Task DrainAsync(TimeSpan timeout) => Task.CompletedTask;

    public void FillStatus(StatusReport report)
    {
        foreach (PoolRuntime pool in _current)
        {
            if (report.Pools.FirstOrDefault(candidate => candidate.Name == pool.Snapshot.Name) is not { } status) continue;
            status.Tier = registry.Availability.Tier(pool.Slot).ToString().ToLowerInvariant();
            foreach (ServerRuntime server in pool.Servers)
            {
                if (report.FindServer(pool.Snapshot.Name, server.Name) is not { } row) continue;
                Availability availability = registry.Availability[server.Slot];
                row.State = availability.State.ToString().ToLowerInvariant();
                row.Share = (double)availability.Share / Availability.FullShare;
                row.InFlight = Volatile.Read(ref registry.Loads[server.Slot].InFlight);
                row.IdleConnections = Volatile.Read(ref registry.Loads[server.Slot].Idle);
            }
        }
    }

    public void WriteMetrics(MetricsWriter writer)
    {
        var servers = _current.SelectMany(pool => pool.Servers.Select(server => (Pool: pool, Server: server))).ToList();
        writer.Gauge("mainstay_server_weight", "Weight in force: the configured one times the share that slow start and agents leave.");
        foreach ((PoolRuntime pool, ServerRuntime server) in servers)
        {
            double weight = (double)registry.Availability[server.Slot].ScaledWeight / Availability.FullShare;
            writer.Sample(weight, ("pool", pool.Snapshot.Name), ("server", server.Name));
        }

        writer.Gauge("mainstay_server_in_flight", "Requests or connections that the server is working on.");
        foreach ((PoolRuntime pool, ServerRuntime server) in servers)
            writer.Sample(registry.Loads[server.Slot].InFlight, ("pool", pool.Snapshot.Name), ("server", server.Name));
        writer.Gauge("mainstay_server_idle_connections", "Open connections to the server that carry nothing now.");
        foreach ((PoolRuntime pool, ServerRuntime server) in servers)
            writer.Sample(registry.Loads[server.Slot].Idle, ("pool", pool.Snapshot.Name), ("server", server.Name));
        writer.Gauge("mainstay_pool_tier", "Which servers take new work: 0 none, 1 primary, 2 backup, 3 panic (all of them).");
        foreach (PoolRuntime pool in _current)
            writer.Sample((int)registry.Availability.Tier(pool.Slot), ("pool", pool.Snapshot.Name));
    }
}

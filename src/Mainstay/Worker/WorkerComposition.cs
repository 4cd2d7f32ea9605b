using Mainstay.Admin;
using Mainstay.Engine.Control;
using Mainstay.Engine.Http;
using Mainstay.Engine.Logging;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux.Processes;

namespace Mainstay.Worker;

/// <summary>What a worker of this program is made of.</summary>
internal static class WorkerComposition
{
    /// <summary>Descriptors for everything but clients and their server connections: listeners, checks, logs, the runtime.</summary>
    private const int ReservedDescriptors = 512;

    public static WorkerParts Create() => new(new WorkerConfiguration().Compile, CreatePlanes);

    private static IReadOnlyList<IPlane> CreatePlanes(PlaneContext context)
    {
        var registry = new PoolRegistry();
        var pools = new PoolsPlane(registry);
        Shard[] shards = Shard.StartAll(context.Start.Process.Shards);
        var http = new HttpPlane(shards, registry, () => pools.Prepared, new AccessLog(), MaxConnections(context.Start.Process.MaxConnections));
        List<IPlane> planes = [pools, http];
        var sources = new StatusSources([.. planes.OfType<IStatusSource>()]);
        var api = new AdminApi(sources, planes.OfType<IServerOrders>().FirstOrDefault(), context.Reload);
        return [.. planes, new AdminPlane(api, context.Log)];
    }

    /// <summary>As configured, or what the descriptor limit allows: each client may take a server connection too.</summary>
    private static int MaxConnections(int configured)
    {
        if (configured > 0) return configured;
        ulong descriptors = Math.Min(ResourceLimits.Descriptors.Soft, int.MaxValue);
        return Math.Max(64, ((int)descriptors - ReservedDescriptors) / 2);
    }
}

using Mainstay.Admin;
using Mainstay.Core.Config;
using Mainstay.Core.Protection;
using Mainstay.Engine.Control;
using Mainstay.Engine.Http;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Logging;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Probing;
using Mainstay.Engine.Shards;
using Mainstay.Engine.Tcp;
using Mainstay.Engine.Tls;
using Mainstay.Linux.Processes;

namespace Mainstay.Worker;

/// <summary>What a worker of this program is made of.</summary>
internal sealed class WorkerComposition
{
    /// <summary>Descriptors for everything but clients and their server connections: listeners, checks, logs, the runtime.</summary>
    private const int ReservedDescriptors = 512;

    private PingPorts? _pings;

    private WorkerComposition()
    {
    }

    public static WorkerParts Create()
    {
        var composition = new WorkerComposition();
        return new WorkerParts(new WorkerConfiguration().Compile, composition.OpenWhilePrivileged, composition.CreatePlanes);
    }

    /// <summary>Raw sockets, where the machine does not let everyone ping.</summary>
    private void OpenWhilePrivileged() => _pings = new PingPorts();

    private IReadOnlyList<IPlane> CreatePlanes(PlaneContext context)
    {
        ProcessSnapshot process = context.Start.Process;
        var registry = new PoolRegistry();
        var pools = new PoolsPlane(registry);
        var accessLog = new AccessLog();
        Shard[] shards = Shard.StartAll(process.Shards, new FaultLog(context.Log).Tell);
        var budget = new ConnectionBudget(MaxConnections(process.MaxConnections));
        var protection = new ProtectionTables((ban, isDryRun) => Announce(context.Log, ban, isDryRun), context.Log.Warning);
        var bans = new BanPlane(protection, process.StateDirectory, context.Log.Warning);
        var tls = new TlsPlane(context.Files, (isError, text) => context.Log.Write(isError ? LogLevel.Error : LogLevel.Info, text));
        var http = new HttpPlane(shards, registry, () => pools.Prepared, tls, accessLog, budget, protection);
        var tcp = new TcpPlane(shards, registry, () => pools.Prepared, accessLog, budget);
        var prober = new Prober(pools, process.StateDirectory, notice => Announce(context.Log, notice), _pings)
        {
            ServerOut = (server, cutBusy) =>
            {
                http.OnServerOut(server, cutBusy);
                tcp.OnServerOut(server, cutBusy);
            },
        };
        var sources = new StatusSources(
            [pools, prober, new HttpReport(http, accessLog), new ProtectionReport(http, protection), new TcpReport(tcp), new TlsReport(tls)]);

        // The HTTP plane comes last of those that use pools: it retires what the configuration no longer has.
        context.Handover.LeaveState = () =>
        {
            bans.Close();
            return prober.LeaveStateAsync();
        };
        context.Handover.TakeBackState = () =>
        {
            bans.Reopen();
            prober.TakeBackState();
        };
        var api = new AdminApi(sources, prober, context.Reload, context.Handover, protection.Bans);
        return [pools, prober, bans, tls, tcp, http, new AdminPlane(api, context.Loop, context.Log, context.Handover)];
    }

    private static void Announce(OperatorLog log, HealthNotice notice) =>
        log.Write(notice.IsWarning ? LogLevel.Warning : LogLevel.Info, notice.Text);

    /// <summary>One line for each ban of a detector; the operator log drops what comes too fast, and says so.</summary>
    private static void Announce(OperatorLog log, Ban ban, bool isDryRun)
    {
        long seconds = ban.Until - ban.Since;
        string what = isDryRun ? "would be banned (dry run)" : $"is banned for {seconds} s (time {ban.Strikes})";
        log.Warning($"http {ban.By}: {ban.Range} {what}: {ban.Reason}");
    }

    /// <summary>As configured, or what the descriptor limit allows: each client may take a server connection too.</summary>
    private static int MaxConnections(int configured)
    {
        int descriptors = (int)Math.Min(ResourceLimits.Descriptors.Soft, int.MaxValue) - ReservedDescriptors - HttpPlane.FileDescriptors;
        return Math.Max(64, configured > 0 ? Math.Min(configured, descriptors) : descriptors / 2);
    }
}

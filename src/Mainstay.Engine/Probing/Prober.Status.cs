using Mainstay.Core.Balancing;
using Mainstay.Core.Health;
using Mainstay.Engine.Control;

namespace Mainstay.Engine.Probing;

/// <summary>One moment of one server's health, for whoever shows it.</summary>
/// <param name="Reason">Why it is in this state.</param>
/// <param name="InState">How long it has been.</param>
/// <param name="LastCheck">Empty before the first.</param>
/// <param name="NextCheckIn">Null while one is under way or none is made.</param>
public sealed record ServerHealth(
    string Pool, string Server, int Slot, ServerState State, ServerState Health, int Share, string Reason, TimeSpan InState, string LastCheck,
    CheckCause LastCause, TimeSpan LastDuration, TimeSpan? NextCheckIn, long Passed, long Failed, long Changes, long Ejections);

/// <summary>One moment of a pool.</summary>
public sealed record PoolHealth(string Name, PoolTier Tier, IReadOnlyList<ServerHealth> Servers);

public sealed partial class Prober
{
    private static readonly TimeSpan StatusPatience = TimeSpan.FromSeconds(2);

    /// <summary>All pools at one moment, in configuration order of each pool's servers.</summary>
    public Task<IReadOnlyList<PoolHealth>> ReadAsync() => AskAsync<IReadOnlyList<PoolHealth>>(() => [.. _pools.Values.Select(Describe)]);

    public void FillStatus(StatusReport report)
    {
        Dictionary<string, PoolHealth> pools = ReadNow().ToDictionary(pool => pool.Name);
        foreach (PoolStatus pool in report.Pools)
        {
            if (!pools.TryGetValue(pool.Name, out PoolHealth? health)) continue;
            pool.Tier = Word(health.Tier);
            Dictionary<string, ServerHealth> servers = health.Servers.ToDictionary(server => server.Server);
            foreach (ServerStatus server in pool.Servers)
                if (servers.TryGetValue(server.Name, out ServerHealth? known))
                    Fill(server, known);
        }
    }

    public void WriteMetrics(MetricsWriter writer)
    {
        ServerHealth[] servers = [.. ReadNow().SelectMany(pool => pool.Servers)];
        writer.Gauge("mainstay_server_up", "1 while the server takes new work by its checks and orders, else 0.");
        foreach (ServerHealth server in servers) Sample(writer, server, server.State == ServerState.Up ? 1 : 0);
        writer.Counter("mainstay_server_state_changes_total", "Changes of the server's state.");
        foreach (ServerHealth server in servers) Sample(writer, server, server.Changes);
        writer.Counter("mainstay_server_ejections_total", "Times the server was left out because of how it treated requests.");
        foreach (ServerHealth server in servers) Sample(writer, server, server.Ejections);
        writer.Counter("mainstay_checks_total", "Checks by result; unable counts as bad here, though it is no evidence.");
        foreach (ServerHealth server in servers)
        {
            writer.Sample(server.Passed, ("pool", server.Pool), ("server", server.Server), ("result", "good"));
            writer.Sample(server.Failed, ("pool", server.Pool), ("server", server.Server), ("result", "bad"));
        }

        writer.Gauge("mainstay_check_duration_seconds", "Duration of the server's last check.");
        foreach (ServerHealth server in servers) Sample(writer, server, server.LastDuration.TotalSeconds);
    }

    private static void Sample(MetricsWriter writer, ServerHealth server, double value) =>
        writer.Sample(value, ("pool", server.Pool), ("server", server.Server));

    private static void Fill(ServerStatus status, ServerHealth health)
    {
        status.State = health.State.ToString().ToLowerInvariant();
        status.Reason = health.Reason;
        status.StateSeconds = health.InState.TotalSeconds;
        status.Share = health.Share / (double)Mainstay.Core.Balancing.Availability.FullShare;
        status.LastCheck = health.LastCheck;
        status.LastCheckMilliseconds = health.LastDuration.TotalMilliseconds;
    }

    /// <summary>For callers that wait: the loop answers within a turn, and when it does not, nothing is better than a hung page.</summary>
    private IReadOnlyList<PoolHealth> ReadNow()
    {
        Task<IReadOnlyList<PoolHealth>> answer = ReadAsync();
        return answer.Wait(StatusPatience) ? answer.Result : [];
    }

    private PoolHealth Describe(ProbedPool pool) => new(pool.Snapshot.Name, pool.Tier, [.. pool.Servers.Select(Describe)]);

    private ServerHealth Describe(ProbedServer server)
    {
        HealthMachine machine = server.Machine;
        bool wasChecked = machine.ChecksEnded > 0;
        return new ServerHealth(
            server.Runtime.Pool,
            server.Runtime.Name,
            server.Runtime.Slot,
            server.State,
            machine.Health,
            machine.Share,
            server.LeftOut ?? machine.Reason,
            Loop.Now - machine.Since,
            wasChecked ? machine.LastOutcome.Text : "",
            wasChecked ? machine.LastOutcome.Cause : CheckCause.Unable,
            machine.LastDuration,
            machine.NextCheck == Mainstay.Core.Instant.Never ? null : machine.NextCheck - Loop.Now,
            server.Passed,
            server.Failed,
            server.Changes,
            server.Ejections);
    }
}

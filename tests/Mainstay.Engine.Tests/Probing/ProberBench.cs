using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Probing;

namespace Mainstay.Engine.Tests.Probing;

/// <summary>A prober with its tables, and what it announced.</summary>
internal sealed class ProberBench : IDisposable
{
    public static readonly CheckSnapshot Tcp = new()
    {
        Kind = CheckKind.Tcp,
        Interval = TimeSpan.FromMilliseconds(100),
        FastInterval = TimeSpan.FromMilliseconds(50),
        Timeout = TimeSpan.FromMilliseconds(400),
        Rise = 2,
        Fall = 2,
    };

    private readonly PoolsPlane _pools = new(new PoolRegistry());

    public ProberBench(string? stateDirectory = null, int descriptorBudget = 0) =>
        Prober = new Prober(_pools, stateDirectory, Notices.Enqueue, descriptorBudget: descriptorBudget);

    public PoolRegistry Registry => _pools.Registry;
    public Prober Prober { get; }
    public ConcurrentQueue<HealthNotice> Notices { get; } = new();

    public static CheckSnapshot Of(CheckKind kind) => Tcp with { Kind = kind };

    public static PoolSnapshot Pool(string name, CheckSnapshot? check, params ReadOnlySpan<Endpoint> servers)
    {
        var list = ImmutableArray.CreateBuilder<ServerSnapshot>();
        foreach (Endpoint server in servers) list.Add(new ServerSnapshot($"s{list.Count + 1}", server, 1, false, 0, 0, 0));
        return new PoolSnapshot
        {
            Name = name,
            Balance = new BalanceSnapshot(Algorithm.RoundRobin),
            Check = check,
            Servers = list.ToImmutable(),
            PanicThreshold = 0,
            SlowStart = TimeSpan.Zero,
            DrainTimeout = TimeSpan.FromSeconds(30),
            OnFailure = FailedFlows.Keep,
            Upstream = new UpstreamSnapshot(
                TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, 0, 0),
        };
    }

    public static Endpoint Loopback(int port, bool isV6 = false)
    {
        Assert.True(NetAddress.TryParse(isV6 ? "::1" : "127.0.0.1", out NetAddress address));
        return Endpoint.Ip(address, port);
    }

    public Task<IReadOnlyList<string>> ApplyAsync(params PoolSnapshot[] pools) => ApplyAsync(CancellationToken.None, pools);

    /// <param name="hurry">Cancelled: does not wait for first checks.</param>
    public async Task<IReadOnlyList<string>> ApplyAsync(CancellationToken hurry, params PoolSnapshot[] pools)
    {
        var snapshot = new Snapshot
        {
            Node = "test",
            Admin = new AdminSnapshot(null, "/run/none"),
            Process = new ProcessSnapshot(1, "", "/nowhere", TimeSpan.Zero, 0),
            AccessLog = new AccessLogSnapshot(AccessLogFormat.None, ""),
            Pools = [.. pools],
            Http = [],
        };
        Assert.Empty(await _pools.PrepareAsync(snapshot, new NoListeners(), CancellationToken.None));
        IReadOnlyList<string> errors = await Prober.PrepareAsync(snapshot, new NoListeners(), CancellationToken.None);
        if (errors.Count > 0)
        {
            Prober.Abandon();
            _pools.Abandon();
            return errors;
        }

        await _pools.PublishAsync(hurry);
        await Prober.PublishAsync(hurry);
        return errors;
    }

    public async Task<ServerHealth> ReadAsync(string pool = "app", string server = "s1") =>
        (await Prober.ReadAsync()).Single(entry => entry.Name == pool).Servers.Single(entry => entry.Server == server);

    /// <summary>One server, one check: what the first round found.</summary>
    public async Task<ServerHealth> CheckOnceAsync(CheckSnapshot check, Endpoint server)
    {
        Assert.Empty(await ApplyAsync(Pool("app", check, server)));
        return await ReadAsync();
    }

    /// <summary>Reads until the condition holds, ten seconds at most.</summary>
    public async Task<ServerHealth> WaitAsync(Func<ServerHealth, bool> condition, string pool = "app", string server = "s1")
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            ServerHealth health = await ReadAsync(pool, server);
            if (condition(health)) return health;
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), $"still {health}");
            await Task.Delay(5);
        }
    }

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < TimeSpan.FromSeconds(10), what);
            await Task.Delay(5);
        }
    }

    public ServerState StateInTable(ServerHealth server) => Registry.Availability[server.Slot].State;

    public void Dispose() => Prober.Dispose();

    private sealed class NoListeners : IListenerSource
    {
        public Task<ListenerSockets> OpenAsync(Endpoint endpoint, int count, SocketKind kind = SocketKind.Stream) => throw new NotSupportedException();
    }
}

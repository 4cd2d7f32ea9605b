using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Logging;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Engine.Tcp;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Tcp.Bench;

/// <summary>
/// The TCP plane on real shards and loopback sockets, in this process. Ends with a drain, after which nothing may be left: no
/// connection, no pipe, no buffer, no place. So every test is also a test for leaks.
/// </summary>
internal sealed class TcpBench : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly Shard[] _shards;
    private readonly AccessLog _log = new();
    private readonly ConnectionBudget _budget;
    private ImmutableArray<PoolRuntime> _pools;
    private Snapshot _snapshot;
    private bool _isDrained;

    private TcpBench(Snapshot snapshot, int shards, int maxConnections)
    {
        _snapshot = snapshot;
        _shards = Shard.StartAll(shards);
        _budget = new ConnectionBudget(maxConnections);
        Plane = new TcpPlane(_shards, Registry, () => _pools, _log, _budget);
    }

    public TcpPlane Plane { get; }
    public PoolRegistry Registry { get; } = new();
    public BenchListeners Listeners { get; } = new();
    public ImmutableArray<PoolRuntime> Pools => _pools;
    public int Port => Listeners.PortOf(_snapshot.Tcp[0].Listen[0].Address);

    public long Count(FlowCause cause) =>
        Plane.Tcp.Sum(tcp => tcp.Services.Sum(service => Volatile.Read(ref service.Causes[(int)cause])));

    public static async Task<TcpBench> StartAsync(Snapshot snapshot, int shards = 1, int maxConnections = 20_000)
    {
        var bench = new TcpBench(snapshot, shards, maxConnections);
        await bench.ApplyAsync(snapshot);
        return bench;
    }

    /// <summary>Makes this configuration the one in force, as a reload does.</summary>
    public async Task ApplyAsync(Snapshot snapshot)
    {
        _pools = Registry.Prepare(snapshot);
        Assert.Empty(await Plane.PrepareAsync(snapshot, Listeners, CancellationToken.None));
        Publish();
        await Plane.PublishAsync(CancellationToken.None);
        if (snapshot.AccessLog.Format != AccessLogFormat.None) _log.Use(snapshot.AccessLog, LogSink.Open(snapshot.AccessLog));
        Registry.Retire(_pools);
        _snapshot = snapshot;
    }

    /// <summary>Computes the tiers of all pools anew, as the prober does.</summary>
    public void Publish()
    {
        foreach (PoolRuntime pool in _pools) Registry.Availability.Publish(pool.Slot, PoolTiers.Compute(pool.Set, pool.Snapshot.PanicThreshold));
    }

    public RawPeer Connect(int port = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.Loopback, port == 0 ? Port : port);
        return new RawPeer(socket);
    }

    public void Until(FlowCause cause, long count = 1) =>
        ProxyBench.Until(() => Count(cause) >= count, $"{count} times {cause} did not come; there is {Describe()}");

    public string Describe() =>
        string.Join(", ", Enum.GetValues<FlowCause>().Where(cause => Count(cause) > 0).Select(cause => $"{Count(cause)} {cause}"));

    /// <summary>Runs on a shard's thread.</summary>
    public T OnShard<T>(Func<TcpShard, T> question, int shard = 0)
    {
        T answer = default!;
        TcpShard tcp = Plane.Tcp[shard];
        using var done = new ManualResetEventSlim();
        tcp.Loop.Post(new Errand(() =>
        {
            answer = question(tcp);
            done.Set();
        }));
        Assert.True(done.Wait(s_patience), "the shard does not turn");
        return answer;
    }

    public async Task DrainAsync(TimeSpan timeout)
    {
        _isDrained = true;
        await Plane.DrainAsync(timeout);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isDrained) await DrainAsync(TimeSpan.Zero);
        ProxyBench.Until(() => Enumerable.Range(0, _shards.Length).All(shard => OnShard(tcp => tcp.Loop.ChannelCount, shard) == 0), "a descriptor is left open");
        foreach (PoolRuntime pool in _pools)
            foreach (ServerRuntime server in pool.Servers) Assert.Equal(0, Registry.Loads[server.Slot].InFlight);
        for (int shard = 0; shard < _shards.Length; shard++)
        {
            Assert.Equal(0, OnShard(tcp => tcp.Blocks.BytesRented, shard));
            Assert.Equal(0, OnShard(tcp => tcp.Pipes.Rented, shard));
            Assert.Equal(0, Plane.Tcp[shard].Open);
            Assert.All(Plane.Tcp[shard].Services, service => Assert.Equal(0, service.Open));
        }

        Assert.Equal(0, _budget.Taken);
        Assert.All(Plane.Current!.Services, service => Assert.Equal(0, service.Places.Taken));
        _log.Dispose();
        foreach (Shard shard in _shards) shard.Stop();
        Listeners.Dispose();
    }

    private sealed class Errand(Action action) : ILoopReceiver
    {
        public void OnMessage(object? content, long number) => action();
    }
}

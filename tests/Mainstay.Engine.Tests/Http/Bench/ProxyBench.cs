using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Engine.Http;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Logging;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Engine.Tls;

namespace Mainstay.Engine.Tests.Http.Bench;

/// <summary>
/// The HTTP plane on real shards and loopback sockets, in this process. Ends with a drain, after which nothing may be left: no
/// connection, no buffer, no place at a server. So every test is also a test for leaks.
/// </summary>
internal sealed class ProxyBench : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly Shard[] _shards;
    private readonly AccessLog _log = new();
    private ImmutableArray<PoolRuntime> _pools;
    private Snapshot _snapshot;
    private bool _isDrained;

    private ProxyBench(Snapshot snapshot, int shards, int maxConnections, long memory)
    {
        _snapshot = snapshot;
        _shards = Shard.StartAll(shards, (_, fault) => Faults.Enqueue(fault));
        Plane = new HttpPlane(_shards, Registry, () => _pools, Tls, _log, new ConnectionBudget(maxConnections), Protection, memory);
    }

    /// <summary>Exceptions on the shards. A test that provokes some takes them out.</summary>
    public ConcurrentQueue<Exception> Faults { get; } = new();

    public HttpPlane Plane { get; }
    public TlsPlane Tls { get; } = new(OwnFiles.Instance, (_, _) => { });
    public PoolRegistry Registry { get; } = new();
    public ProtectionTables Protection { get; } = new();
    public BenchListeners Listeners { get; } = new();
    public ImmutableArray<PoolRuntime> Pools => _pools;
    public int Port => Listeners.PortOf(_snapshot.Http[0].Listen[0].Address);
    public AccessLog Log => _log;

    /// <summary>Requests that ended for this cause, on all shards and services.</summary>
    public long Outcomes(Mainstay.Core.Http.OutcomeCause cause) =>
        Plane.Http.Sum(http => http.Services.Sum(service => Volatile.Read(ref service.Causes[(int)cause])));

    public ServerLoad LoadOf(Endpoint server) =>
        Registry.Loads[_pools.SelectMany(pool => pool.Servers).First(runtime => runtime.Endpoint == server).Slot];

    public static async Task<ProxyBench> StartAsync(Snapshot snapshot, int shards = 1, int maxConnections = 20_000, long memory = 0)
    {
        var bench = new ProxyBench(snapshot, shards, maxConnections, memory);
        await bench.ApplyAsync(snapshot);
        return bench;
    }

    /// <summary>Makes this configuration the one in force, as a reload does.</summary>
    public async Task ApplyAsync(Snapshot snapshot)
    {
        _pools = Registry.Prepare(snapshot);
        Assert.Empty(await Tls.PrepareAsync(snapshot, Listeners, CancellationToken.None));
        IReadOnlyList<string> errors = await Plane.PrepareAsync(snapshot, Listeners, CancellationToken.None);
        Assert.Empty(errors);
        Publish();
        await Tls.PublishAsync(CancellationToken.None);
        await Plane.PublishAsync(CancellationToken.None);
        _snapshot = snapshot;
    }

    /// <summary>A reload whose pools were refused by the plane before this one.</summary>
    public async Task RefuseAsync(Snapshot snapshot)
    {
        Assert.Empty(await Plane.PrepareAsync(snapshot, Listeners, CancellationToken.None));
        Plane.Abandon();
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

    /// <summary>One request on a connection of its own.</summary>
    public Message Ask(string request, bool toHead = false)
    {
        using RawPeer client = Connect();
        client.Send(request);
        return client.ReadResponse(toHead);
    }

    public Message Get(string path = "/") => Ask($"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");

    /// <summary>Runs on a shard's thread.</summary>
    public T OnShard<T>(Func<HttpShard, T> question, int shard = 0)
    {
        T answer = default!;
        HttpShard http = Plane.Http[shard];
        using var done = new ManualResetEventSlim();
        http.Loop.Post(new Errand(() =>
        {
            answer = question(http);
            done.Set();
        }));
        Assert.True(done.Wait(s_patience), "the shard does not turn");
        return answer;
    }

    /// <summary>Returns when the shards have handled everything that was sent to them before.</summary>
    public void Settle()
    {
        for (int shard = 0; shard < _shards.Length; shard++)
        {
            // The first errand may run in a turn whose events were collected before; the second cannot.
            OnShard(_ => 0, shard);
            OnShard(_ => 0, shard);
        }
    }

    /// <summary>Holds a shard still until the result is disposed: what happens meanwhile happens at once for it.</summary>
    public IDisposable Hold(int shard = 0)
    {
        var hold = new Held();
        Plane.Http[shard].Loop.Post(new Errand(hold.Stay));
        Assert.True(hold.IsThere.Wait(s_patience), "the shard does not turn");
        return hold;
    }

    /// <summary>Holds a shard still, from its next turn with messages on, until <paramref name="wait"/> returns.</summary>
    public void HoldLater(Action wait, int shard = 0) => Plane.Http[shard].Loop.Post(new Errand(wait));

    public static void Until(Func<bool> condition, string otherwise)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            if (watch.Elapsed > s_patience) Assert.Fail(otherwise);
            Thread.Sleep(2);
        }
    }

    /// <summary>Ends the plane as the worker does; afterwards nothing may be left.</summary>
    public async Task DrainAsync(TimeSpan timeout)
    {
        _isDrained = true;
        await Plane.DrainAsync(timeout);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isDrained) await DrainAsync(TimeSpan.Zero);
        Until(() => Enumerable.Range(0, _shards.Length).All(shard => OnShard(http => http.Loop.ChannelCount, shard) == 0), "a descriptor is left open");
        foreach (PoolRuntime pool in _pools)
            foreach (ServerRuntime server in pool.Servers)
                Assert.Equal((0, 0), (Registry.Loads[server.Slot].InFlight, Registry.Loads[server.Slot].Idle));
        for (int shard = 0; shard < _shards.Length; shard++)
        {
            Assert.Equal(0, OnShard(http => http.Blocks.BytesRented, shard));
            Assert.Equal(0, Plane.Http[shard].Open);
            Assert.All(Plane.Http[shard].Services, service => Assert.Equal(0, service.Connections));
        }

        Assert.Empty(Faults);
        foreach (Shard shard in _shards) shard.Stop();
        Tls.Dispose();
        Listeners.Dispose();
    }

    private sealed class Errand(Action action) : ILoopReceiver
    {
        public void OnMessage(object? content, long number) => action();
    }

    private sealed class Held : IDisposable
    {
        private readonly ManualResetEventSlim _goOn = new();

        public ManualResetEventSlim IsThere { get; } = new();

        public void Stay()
        {
            IsThere.Set();
            _goOn.Wait(s_patience);
        }

        public void Dispose() => _goOn.Set();
    }
}

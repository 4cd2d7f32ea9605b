using System.Collections.Immutable;
using System.Diagnostics;
using Mainstay.Core.Config;
using Mainstay.Engine.Control;
using Mainstay.Engine.Logging;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Tcp;

/// <summary>One shard's copy of a listening socket and the service that answers on it.</summary>
internal readonly record struct BoundTcpListener(int Descriptor, TcpService Service, TcpListenSnapshot Snapshot);

/// <summary>One configuration as the TCP plane runs it.</summary>
/// <param name="Listeners">By shard.</param>
/// <param name="ServiceNumbers">One more than the largest number that a service has.</param>
internal sealed record TcpGeneration(
    ImmutableArray<TcpService> Services,
    ImmutableArray<PoolRuntime> Pools,
    ImmutableArray<ImmutableArray<BoundTcpListener>> Listeners,
    int ServiceNumbers);

/// <summary>
/// The TCP plane's control side: prepares configurations, puts them on the shards, drains them. It is published before the plane that
/// retires what the configuration no longer has.
/// </summary>
public sealed class TcpPlane : IPlane
{
    /// <summary>How often a drain looks whether the last connection has ended.</summary>
    private static readonly TimeSpan s_drainPoll = TimeSpan.FromMilliseconds(20);

    private const long LeastBlockBytes = 16 * 1024 * 1024;

    private readonly Func<ImmutableArray<PoolRuntime>> _prepared;
    private readonly AccessLog _log;
    private readonly TcpShard[] _tcp;
    private readonly ListenerSet _sockets;
    private readonly PoolTargets _targets;
    private readonly Dictionary<string, (int Number, ConnectionBudget Places)> _services = [];
    private TcpGeneration? _current;
    private TcpGeneration? _next;

    /// <param name="prepared">The pools of the configuration that is being prepared, made by the control side before the planes.</param>
    /// <param name="budget">Client connections of all shards and planes.</param>
    public TcpPlane(
        Shard[] shards, PoolRegistry pools, Func<ImmutableArray<PoolRuntime>> prepared, AccessLog log, ConnectionBudget budget)
    {
        _prepared = prepared;
        _log = log.Share();
        _sockets = new ListenerSet(shards.Length);
        _targets = new PoolTargets(shards.Length);

        // A quarter of the machine's memory, or of the cgroup's, for all bytes that wait for their receiver.
        long blockBytes = Math.Max(LeastBlockBytes, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4 / shards.Length);
        _tcp = [.. shards.Select(shard => new TcpShard(shard, pools.Loads, log, budget, blockBytes))];
    }

    internal IReadOnlyList<TcpShard> Tcp => _tcp;

    internal TcpGeneration? Current => Volatile.Read(ref _current);

    /// <summary>Its threads are the shards, which the plane of requests answers for.</summary>
    public bool IsAlive => true;

    public async Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel)
    {
        var errors = new List<string>();
        ImmutableArray<PoolRuntime> pools = _prepared();
        _sockets.Begin();

        // More pools than there are slots: the plane that gives them out has said so.
        if (pools.Length != next.Pools.Length) return errors;
        ImmutableDictionary<string, PoolTarget> targets = _targets.Prepare(UsedBy(next.Tcp, pools));
        ImmutableArray<TcpService> services = [.. next.Tcp.Select(service => Create(service, targets))];
        foreach (TcpSnapshot service in next.Tcp)
        {
            foreach (TcpListenSnapshot listen in service.Listen)
            {
                cancel.ThrowIfCancellationRequested();
                if (await _sockets.OpenAsync(listen.Address, KindOf(service), listeners) is { } problem) errors.Add(problem);
            }
        }

        if (errors.Count == 0) _next = new TcpGeneration(services, pools, Bind(services), _services.Count);
        return errors;
    }

    public async Task PublishAsync(CancellationToken hurry)
    {
        TcpGeneration next = _next!;
        _next = null;
        _sockets.Publish();
        foreach (TcpService service in next.Services) service.Places.Limit = LimitOf(service.Snapshot);
        await OnEveryShard(tcp => tcp.Apply(next));
        _targets.Publish();
        Volatile.Write(ref _current, next);
    }

    public void Abandon()
    {
        _next = null;
        _sockets.Abandon();
        _targets.Abandon();
    }

    public async Task DrainAsync(TimeSpan timeout)
    {
        var watch = Stopwatch.StartNew();
        await OnEveryShard(tcp => tcp.BeginDrain());
        while (_tcp.Any(tcp => tcp.Open > 0) && watch.Elapsed < timeout) await Task.Delay(s_drainPoll);
        await OnEveryShard(tcp => tcp.CutAll());
        _log.Dispose();
    }

    /// <summary>A server went down, was taken out, or has had its time to drain: where its pool says so, its connections are cut.</summary>
    public void OnServerOut(ServerRuntime server, bool cutBusy)
    {
        if (!cutBusy) return;
        foreach (TcpShard tcp in _tcp) tcp.Loop.Post(new Call(() => tcp.Cut(server)));
    }

    private static SocketKind KindOf(TcpSnapshot service) =>
        service.Protocol == TransportProtocol.Udp ? SocketKind.Datagram : SocketKind.Stream;

    private static int LimitOf(TcpSnapshot service) => service.MaxConnections == 0 ? int.MaxValue : service.MaxConnections;

    /// <summary>Balancers of pools that only other planes use would be rebuilt with every change of a server's health, for nobody.</summary>
    private static IEnumerable<PoolRuntime> UsedBy(ImmutableArray<TcpSnapshot> services, ImmutableArray<PoolRuntime> pools)
    {
        HashSet<string> used = [.. services.SelectMany(service => service.Routes).Select(route => route.Pool)];
        return pools.Where(pool => used.Contains(pool.Snapshot.Name));
    }

    private TcpService Create(TcpSnapshot snapshot, ImmutableDictionary<string, PoolTarget> targets)
    {
        if (!_services.TryGetValue(snapshot.Name, out (int Number, ConnectionBudget Places) kept))
            _services.Add(snapshot.Name, kept = (_services.Count, new ConnectionBudget(LimitOf(snapshot))));
        return new TcpService(snapshot, kept.Number, kept.Places, name => targets[name]);
    }

    private ImmutableArray<ImmutableArray<BoundTcpListener>> Bind(ImmutableArray<TcpService> services) =>
    [
        .. Enumerable.Range(0, _tcp.Length).Select(shard => ImmutableArray.CreateRange(
            from service in services
            from listen in service.Snapshot.Listen
            from descriptor in _sockets[listen.Address, KindOf(service.Snapshot)][shard]
            select new BoundTcpListener(descriptor, service, listen))),
    ];

    private Task OnEveryShard(Action<TcpShard> action) => Task.WhenAll(_tcp.Select(tcp =>
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        tcp.Loop.Post(new Call(() =>
        {
            try
            {
                action(tcp);
                done.SetResult();
            }
            catch (Exception error)
            {
                done.SetException(error);
            }
        }));
        return done.Task;
    }));

    /// <summary>A piece of work for a shard's thread; for the control side's rare errands.</summary>
    private sealed class Call(Action action) : ILoopReceiver
    {
        public void OnMessage(object? content, long number) => action();
    }
}

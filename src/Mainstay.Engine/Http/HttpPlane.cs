using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Diagnostics;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Rules;
using Mainstay.Engine.Control;
using Mainstay.Engine.Http.Auth;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Logging;
using Mainstay.Engine.Offload;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Engine.Tls;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Http;

/// <summary>One shard's copy of a listening socket and the service that answers on it.</summary>
internal readonly record struct BoundListener(int Descriptor, HttpService Service, HttpListener Listener);

/// <summary>One configuration as the HTTP plane runs it.</summary>
/// <param name="Listeners">By shard.</param>
/// <param name="ServiceNumbers">One more than the largest number that a service has.</param>
internal sealed record HttpGeneration(
    ImmutableArray<HttpService> Services,
    ImmutableDictionary<string, PoolTarget> Pools,
    FrozenSet<ServerRuntime> Servers,
    ImmutableDictionary<string, ImmutableArray<ImmutableArray<int>>> Sockets,
    ImmutableArray<ImmutableArray<BoundListener>> Listeners,
    int ServiceNumbers);

/// <summary>The HTTP plane's control side: prepares configurations, puts them on the shards, drains them.</summary>
public sealed class HttpPlane : IPlane
{
    /// <summary>How often a drain looks whether the last connection has ended.</summary>
    private static readonly TimeSpan s_drainPoll = TimeSpan.FromMilliseconds(20);

    /// <summary>How long a drain waits for the first request of connections that were accepted just before it began.</summary>
    private static readonly TimeSpan s_firstRequest = TimeSpan.FromSeconds(1);

    private const long LeastBlockBytes = 16 * 1024 * 1024;

    private readonly Shard[] _shards;
    private readonly HttpShard[] _http;
    private readonly PoolRegistry _pools;
    private readonly Func<ImmutableArray<PoolRuntime>> _prepared;
    private readonly AccessLog _log;
    private readonly TlsPlane _tls;

    /// <summary>Two threads for password hashes and signatures; a queue of some seconds' work at bcrypt's usual cost.</summary>
    private readonly OffloadPool _checks = new(threads: 2, capacity: 256);

    /// <summary>For files whose names or contents the disk has to be asked for.</summary>
    private readonly OffloadPool _offload = new(threads: 4, capacity: 1024);
    private readonly Dictionary<string, int> _serviceNumbers = [];

    /// <summary>How often files with passwords and keys are looked at.</summary>
    private static readonly TimeSpan s_watchInterval = TimeSpan.FromSeconds(1);

    private readonly Timer _watch;
    private readonly Dictionary<string, string> _authProblems = [];
    private readonly int _maxConnections;
    private readonly ProtectionTables _protection;
    private HttpGeneration? _current;
    private HttpGeneration? _next;

    /// <summary>Also while they are being opened: a preparation that is cancelled closes them too.</summary>
    private ImmutableDictionary<string, ImmutableArray<ImmutableArray<int>>>.Builder? _nextSockets;
    private ImmutableArray<PoolRuntime> _nextPools;
    private Snapshot? _nextSnapshot;
    private RuleTables _tables = new();
    private RuleTables? _nextTables;
    private LogSink? _nextLog;
    private ImmutableDictionary<string, PoolTarget> _nextTargets = ImmutableDictionary<string, PoolTarget>.Empty;

    /// <param name="prepared">The pools of the configuration that is being prepared, made by the control side before the planes.</param>
    /// <param name="tls">Has prepared that configuration before likewise.</param>
    /// <param name="budget">Client connections of all shards and planes.</param>
    /// <param name="protection">What limits and bans remember.</param>
    /// <param name="memory">For messages under way on all shards together, in bytes; 0 = a quarter of what this process may have.</param>
    public HttpPlane(
        Shard[] shards, PoolRegistry pools, Func<ImmutableArray<PoolRuntime>> prepared, TlsPlane tls, AccessLog log,
        ConnectionBudget budget, ProtectionTables protection, long memory = 0)
    {
        _maxConnections = budget.Limit;
        _watch = new Timer(_ => RefreshAuth(), null, s_watchInterval, s_watchInterval);
        _protection = protection;
        _shards = shards;
        _pools = pools;
        _prepared = prepared;
        _log = log;
        _tls = tls;

        // What this process may have: the machine's memory, or the cgroup's.
        if (memory == 0) memory = Math.Max(LeastBlockBytes * shards.Length, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 4);
        long blockBytes = memory / shards.Length;
        int files = FileDescriptors / shards.Length;
        _http = [.. shards.Select(shard => new HttpShard(shard, pools.Loads, log, budget, blockBytes, _offload, files) { Checks = _checks })];
        foreach (HttpShard http in _http)
        {
            http.Siblings = _http;
            http.Handshakes.Shards = _http.Length;
        }
    }

    /// <summary>Descriptors of files that all shards together hold open at most, but for what is being sent: part of what the process may open.</summary>
    public static int FileDescriptors => (int)Math.Clamp(ResourceLimits.Descriptors.Soft / 16, 64, 4096);

    internal IReadOnlyList<HttpShard> Http => _http;

    internal HttpGeneration? Current => Volatile.Read(ref _current);

    public bool IsAlive
    {
        get
        {
            bool alive = true;
            foreach (Shard shard in _shards) alive &= shard.HasMovedOn();
            return alive;
        }
    }

    public async Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel)
    {
        var errors = new List<string>();
        _nextSnapshot = next;
        _nextPools = _prepared();
        try
        {
            _nextLog = LogSink.Open(next.AccessLog);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            errors.Add($"access log {next.AccessLog.Target}: {error.Message}");
        }

        // More pools than there are slots: the plane that gives them out has said so.
        if (_nextPools.Length != next.Pools.Length) return errors;
        ImmutableDictionary<string, PoolTarget> pools = _nextTargets = _nextPools.ToImmutableDictionary(pool => pool.Snapshot.Name, Target);
        RuleTables tables = _nextTables = RuleTables.For(next, _tables);
        ImmutableDictionary<string, Authenticator> auth = AuthEntries.Prepare(next.Auth, _protection, errors);
        ImmutableArray<HttpService> services =
            [.. next.Http.Select(service => new HttpService(
                service, next.Node, Number(service.Name), _shards.Length, tables, Guard, auth.GetValueOrDefault, pools, _tls.Prepared))];
        var sockets = _nextSockets = ImmutableDictionary.CreateBuilder<string, ImmutableArray<ImmutableArray<int>>>();
        foreach (Endpoint endpoint in next.Http.SelectMany(service => service.Listen).Select(listener => listener.Address))
        {
            cancel.ThrowIfCancellationRequested();
            if (_current?.Sockets.TryGetValue(endpoint.ToString(), out ImmutableArray<ImmutableArray<int>> known) == true)
            {
                sockets[endpoint.ToString()] = known;
                continue;
            }

            ListenerSockets opened = await listeners.OpenAsync(endpoint, _shards.Length);
            ImmutableArray<ImmutableArray<int>> spread = opened.Error is null ? Spread(opened.Descriptors) : [];
            string? problem = spread.Any(shard => shard.Any(descriptor => descriptor < 0)) ? "no descriptors are left (EMFILE)" : opened.Error;
            if (problem is not null) errors.Add($"listen {endpoint}: {problem}");
            sockets[endpoint.ToString()] = spread;
        }

        _next = new HttpGeneration(
            services, pools, _nextPools.SelectMany(pool => pool.Servers).ToFrozenSet(), sockets.ToImmutable(),
            errors.Count == 0 ? Bind(services, sockets) : [], _serviceNumbers.Count);
        return errors;
    }

    public async Task PublishAsync(CancellationToken hurry)
    {
        HttpGeneration next = _next!;
        _log.Use(_nextSnapshot!.AccessLog, _nextLog);
        await OnEveryShard(http => http.Apply(next));
        foreach ((string name, PoolTarget target) in next.Pools)
            PoolBalancer.PutInForce(target.Balancers, _current?.Pools.GetValueOrDefault(name)?.Balancers ?? default);
        Volatile.Write(ref _current, next);
        _tables = _nextTables ?? _tables;
        _pools.Retire(_nextPools);
        Forget();
    }

    public void Abandon()
    {
        _nextLog?.Dispose();
        foreach ((string endpoint, ImmutableArray<ImmutableArray<int>> sockets) in _nextSockets?.ToImmutable() ?? [])
        {
            if (_current?.Sockets.ContainsKey(endpoint) == true) continue;
            foreach (int descriptor in sockets.SelectMany(shard => shard).Where(descriptor => descriptor >= 0)) Descriptor.Close(descriptor);
        }

        foreach (PoolTarget abandoned in _nextTargets.Values) PoolBalancer.Abandon(abandoned.Balancers);
        if (_current is not null) _pools.Retire([.. _current.Pools.Values.Select(target => target.Pool)]);
        Forget();
    }

    public async Task DrainAsync(TimeSpan timeout)
    {
        var watch = Stopwatch.StartNew();
        await OnEveryShard(http => http.BeginDrain());
        while (_http.Any(http => http.Open > 0) && watch.Elapsed < timeout)
        {
            // One round for requests that were on their way on idle connections when the drain began.
            await Task.Delay(s_drainPoll);
            bool andNew = watch.Elapsed >= s_firstRequest;
            await OnEveryShard(http => http.CloseIdleClients(andNew));
        }

        await OnEveryShard(http => http.CutAll());
        _offload.Dispose();
        _checks.Dispose();
        _watch.Dispose();
        _log.Dispose();
    }

    /// <summary>
    /// A server went down, was taken out, or has had its time to drain: idle connections to it end; the busy ones too where its pool
    /// says so.
    /// </summary>
    public void OnServerOut(ServerRuntime server, bool cutBusy)
    {
        foreach (HttpShard http in _http) http.Loop.Post(new Call(() => http.OnServerOut(server, cutBusy)));
    }

    /// <summary>What was prepared is in force, or let go of.</summary>
    private void Forget()
    {
        (_next, _nextLog, _nextSnapshot, _nextSockets, _nextTables) = (null, null, null, null, null);
        _nextTargets = ImmutableDictionary<string, PoolTarget>.Empty;
    }

    private int Number(string service)
    {
        if (!_serviceNumbers.TryGetValue(service, out int number)) _serviceNumbers.Add(service, number = _serviceNumbers.Count);
        return number;
    }

    /// <summary>Files of passwords and keys that have changed; one that cannot be used leaves the former content in force.</summary>
    private void RefreshAuth()
    {
        if (Current is not { } current || !Monitor.TryEnter(_authProblems)) return;
        try
        {
            foreach (Authenticator entry in current.Services.SelectMany(service => service.Auth).OfType<Authenticator>().Distinct())
            {
                string problem = entry.Refresh() ?? "";
                if (problem.Length > 0 && problem != _authProblems.GetValueOrDefault(entry.Snapshot.Name, ""))
                    _protection.Warn($"auth.{entry.Snapshot.Name}: {problem}; what was read before stays in force");
                _authProblems[entry.Snapshot.Name] = problem;
            }
        }
        finally
        {
            Monitor.Exit(_authProblems);
        }
    }

    private ServiceGuard Guard(HttpSnapshot service, ForwardedPolicy forwarded) =>
        new(service, forwarded, _shards.Length, _maxConnections, _protection);

    private PoolTarget Target(PoolRuntime pool)
    {
        PoolTarget? before = _current?.Pools.GetValueOrDefault(pool.Snapshot.Name);
        ulong seed = StableHash.Of(pool.Snapshot.Name);
        return new PoolTarget(
            pool, PoolBalancer.Prepare(pool.Snapshot.Balance, pool.Set, _shards.Length, seed, before?.Balancers ?? default),
            _tls.PreparedPool(pool.Snapshot.Name));
    }

    /// <summary>
    /// Which shard accepts on which descriptors. More descriptors than shards: some shards have two; fewer (a unix socket): the others
    /// get duplicates.
    /// </summary>
    private ImmutableArray<ImmutableArray<int>> Spread(ImmutableArray<int> descriptors)
    {
        var shards = new List<int>[_shards.Length];
        for (int i = 0; i < shards.Length; i++) shards[i] = [];
        for (int i = 0; i < descriptors.Length; i++) shards[i % shards.Length].Add(descriptors[i]);
        for (int i = descriptors.Length; i < shards.Length; i++) shards[i].Add(Descriptor.Duplicate(descriptors[i % descriptors.Length]));
        return [.. shards.Select(list => list.ToImmutableArray())];
    }

    private ImmutableArray<ImmutableArray<BoundListener>> Bind(
        ImmutableArray<HttpService> services, IDictionary<string, ImmutableArray<ImmutableArray<int>>> sockets) =>
    [
        .. Enumerable.Range(0, _shards.Length).Select(shard => ImmutableArray.CreateRange(
            from service in services
            from listener in service.Listeners
            from descriptor in sockets[listener.Address.ToString()][shard]
            select new BoundListener(descriptor, service, listener))),
    ];

    private async Task OnEveryShard(Action<HttpShard> action)
    {
        await Task.WhenAll(_http.Select(http =>
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            http.Loop.Post(new Call(() =>
            {
                try
                {
                    action(http);
                    done.SetResult();
                }
                catch (Exception error)
                {
                    done.SetException(error);
                }
            }));
            return done.Task;
        }));
    }

    /// <summary>A piece of work for a shard's thread; for the control side's rare errands.</summary>
    private sealed class Call(Action action) : ILoopReceiver
    {
        public void OnMessage(object? content, long number) => action();
    }
}

using System.Collections.Immutable;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Probing;
using Mainstay.Engine.Control;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Probing;

/// <summary>Something an operator should read: a server that changed, a pool in panic, a state file that cannot be written.</summary>
/// <param name="IsWarning">Somebody may have to act.</param>
public readonly record struct HealthNotice(bool IsWarning, string Text);

/// <summary>
/// Runs the checks of all servers on one thread of its own and writes the availability table. Follows the configuration as a plane;
/// what did not change in a reload goes on undisturbed. All public members may be called by any thread.
/// </summary>
public sealed partial class Prober : IPlane, IStatusSource, ILoopReceiver, IDisposable
{
    private static readonly TimeSpan LongestFirstRound = TimeSpan.FromSeconds(30);

    /// <summary>Some five times what a check costs once warm.</summary>
    private static readonly TimeSpan FirstSpreadEach = TimeSpan.FromMicroseconds(250);

    private readonly PoolsPlane _poolsPlane;
    private readonly HealthStateStore? _store;
    private readonly Action<HealthNotice> _announce;
    private readonly PingPorts _pings;
    private readonly HostNames _names;
    private readonly Thread _thread;
    private readonly Dictionary<string, ProbedPool> _pools = [];
    private readonly StateKeeper _keeper;
    private ImmutableArray<PoolRuntime> _prepared;
    private TaskCompletionSource? _firstRound;
    private int _waitedFor;
    private int _serverCount;
    private bool _isStarted;
    private long _turnsSeen;

    /// <param name="pools">Prepared and published before this plane.</param>
    /// <param name="stateDirectory">Null: nothing is kept over restarts.</param>
    /// <param name="announce">Called on the prober's thread: has to return at once.</param>
    /// <param name="pings">Opened while there were privileges; null = opened here. Owned from now on.</param>
    /// <param name="descriptorBudget">Sockets of checks at once; 0 = a quarter of what this process may have.</param>
    public Prober(
        PoolsPlane pools, string? stateDirectory, Action<HealthNotice> announce, PingPorts? pings = null, int descriptorBudget = 0)
    {
        _poolsPlane = pools;
        _announce = announce;
        _store = stateDirectory is null ? null : new HealthStateStore(stateDirectory);
        _pings = pings ?? new PingPorts();
        if (descriptorBudget == 0) descriptorBudget = (int)Math.Clamp(ResourceLimits.Descriptors.Soft / 4, 64, 65536);
        Context = new ProbeContext(Loop, descriptorBudget, _pings);
        _keeper = new StateKeeper(this);
        _names = new HostNames(server => ServerOut?.Invoke(server, false));
        _thread = new Thread(Run) { IsBackground = true, Name = "checks" };
        _thread.Start();
    }

    /// <summary>
    /// A server takes no new work from now on, or has moved to another address: idle connections to it are of no more use; with true the
    /// busy ones are to be cut too. Called after the availability table or the server's address says so; any thread.
    /// </summary>
    public Action<ServerRuntime, bool>? ServerOut { get; init; }

    internal EventLoop Loop { get; } = new();
    internal ProbeContext Context { get; }
    internal LoadTable Loads => _poolsPlane.Registry.Loads;
    internal AvailabilityTable Availability => _poolsPlane.Registry.Availability;

    /// <summary>Of the step that is being carried out.</summary>
    internal List<HealthEffect> Effects { get; } = [];

    public bool IsAlive
    {
        get
        {
            long turns = Loop.Turns;
            bool hasMoved = turns != _turnsSeen;
            _turnsSeen = turns;
            return hasMoved;
        }
    }

    public async Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel)
    {
        string[] errors = [.. next.Pools.SelectMany(FindErrors)];
        if (errors.Length > 0) return errors;
        _prepared = _poolsPlane.Prepared;
        await _names.ResolveNewAsync(_prepared.SelectMany(pool => pool.Servers), cancel).ConfigureAwait(false);
        return errors;
    }

    public async Task PublishAsync(CancellationToken hurry)
    {
        ImmutableArray<PoolRuntime> pools = _prepared;
        var round = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _names.Follow(pools.SelectMany(pool => pool.Servers));
        Dictionary<(string, string), LastKnown>? known = _isStarted ? null : LoadState();
        _isStarted = true;
        Post(() => Apply(pools, known, round));
        try
        {
            await round.Task.WaitAsync(LongestFirstRound, hurry).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // What is not checked yet stays unknown and takes no work until it is.
        }
    }

    public void Abandon() => _prepared = default;

    /// <summary>Checks go on for as long as there is work; this worker's view is written down a last time, then it is its successor's.</summary>
    public Task DrainAsync(TimeSpan timeout) => _keeper.CloseAsync();

    /// <summary>Writes the state down and then leaves the file to a second worker, which reads it.</summary>
    public Task LeaveStateAsync() => _keeper.CloseAsync();

    /// <summary>The second worker has failed: the file is this one's again.</summary>
    public void TakeBackState() => _keeper.Reopen();

    /// <summary>
    /// The operator's order about one server. Completes when it is in force and on the disk: null, or why not.
    /// </summary>
    /// <param name="order"><see cref="ServerOrder.None"/> = enable.</param>
    public async Task<string?> OrderAsync(string pool, string server, ServerOrder order, string reason)
    {
        string? error = await AskAsync(() => Order(pool, server, order, reason)).ConfigureAwait(false);
        if (error is null) await _keeper.SaveNowAsync().ConfigureAwait(false);
        return error;
    }

    /// <summary>Ends all checks. The table keeps its last state.</summary>
    public void Dispose()
    {
        Post(() =>
        {
            foreach (ProbedPool pool in _pools.Values) pool.Remove();
            Loop.Stop();
        });
        _thread.Join();
        _names.Dispose();
        _pings.Dispose();
        Loop.Dispose();
    }

    /// <summary>On the loop's thread: the message is what to do.</summary>
    void ILoopReceiver.OnMessage(object? content, long number) => (content as Action)?.Invoke();

    internal string ResolveProblem(string hostName) => _names.Problem(hostName);

    /// <summary>A pool's policy; where many servers start together, the first checks take longer to begin than with few.</summary>
    internal HealthPolicy PolicyOf(PoolSnapshot pool)
    {
        HealthPolicy policy = HealthPolicy.From(pool);
        TimeSpan spread = _serverCount * FirstSpreadEach;
        return spread > policy.FirstSpread ? policy with { FirstSpread = spread } : policy;
    }

    internal void OnStateChanged(ProbedServer server, in HealthEffect effect)
    {
        _keeper.Touch();
        bool isWarning = effect.State == ServerState.Down;
        string state = effect.State.ToString().ToLowerInvariant();
        _announce(new HealthNotice(isWarning, $"server {server.Runtime.Pool}/{server.Runtime.Name} is {state}: {effect.Reason}"));
    }

    /// <summary>A server was left out for what became of its requests, or (no reason) takes work again.</summary>
    internal void OnLeftOut(ProbedServer server, string? reason)
    {
        string name = $"server {server.Runtime.Pool}/{server.Runtime.Name}";
        _announce(new HealthNotice(reason is not null, reason is null ? $"{name} takes work again" : $"{name} is {reason}"));
        if (reason is not null) ServerOut?.Invoke(server.Runtime, false);
    }

    internal void OnDrainDeadline(ProbedServer server)
    {
        _announce(new HealthNotice(false, $"server {server.Runtime.Pool}/{server.Runtime.Name}: drain time is over"));
        ServerOut?.Invoke(server.Runtime, true);
    }

    /// <summary>Says what has become of a pool, once all its servers have been asked: half a first round is no panic.</summary>
    internal void AnnounceTier(ProbedPool pool)
    {
        PoolTier? before = pool.AnnouncedTier;
        if (pool.Tier == before || Array.Exists(pool.Servers, server => !server.Machine.IsSettled)) return;
        pool.AnnouncedTier = pool.Tier;
        if (DescribeTier(pool, before) is { } text)
            _announce(new HealthNotice(pool.Tier != PoolTier.Primary, $"pool {pool.Snapshot.Name} {text}"));
    }

    private static string? DescribeTier(ProbedPool pool, PoolTier? before)
    {
        string ended = before == PoolTier.Panic ? "has ended its panic: " : "";
        switch (pool.Tier)
        {
            case PoolTier.Panic:
                int healthy = pool.Servers.Count(server => server.Machine.Health == ServerState.Up);
                return $"panics: {healthy} of {pool.Servers.Length} servers healthy, below {pool.Snapshot.PanicThreshold} %; all are used";
            case PoolTier.Backup: return $"{ended}has no primary server left: backups are used";
            case PoolTier.None: return pool.Servers.Length == 0 ? null : $"{ended}has no server that takes work";
            default: return before is null ? null : before == PoolTier.Panic ? $"{ended}primary servers are used" : "uses its primary servers again";
        }
    }

    /// <summary>A server that was waited for has had its first result.</summary>
    internal void OnSettled(ProbedServer server)
    {
        server.IsWaitedFor = false;
        if (--_waitedFor > 0) return;
        _firstRound?.TrySetResult();
        _firstRound = null;
    }

    internal void Forget(ProbedServer server)
    {
        server.Remove();
        if (server.IsWaitedFor) OnSettled(server);
    }

    private void Run()
    {
        _pings.Attach(Loop);
        Loop.Run();
    }

    private void Apply(
        ImmutableArray<PoolRuntime> pools, Dictionary<(string Pool, string Server), LastKnown>? known, TaskCompletionSource round)
    {
        HashSet<string> names = [.. pools.Select(pool => pool.Snapshot.Name)];
        foreach (string gone in _pools.Keys.Where(name => !names.Contains(name)).ToList())
        {
            _pools[gone].Remove();
            _pools.Remove(gone);
        }

        _serverCount = pools.Sum(pool => pool.Servers.Length);
        foreach (PoolRuntime runtime in pools)
        {
            if (!_pools.TryGetValue(runtime.Snapshot.Name, out ProbedPool? pool)) _pools.Add(runtime.Snapshot.Name, pool = new ProbedPool(this));
            pool.Apply(runtime, known);
        }

        WaitForFirstRound(round);
        _keeper.Touch();
    }

    private void WaitForFirstRound(TaskCompletionSource round)
    {
        _firstRound?.TrySetResult();
        _waitedFor = 0;
        foreach (ProbedServer server in _pools.Values.SelectMany(pool => pool.Servers))
        {
            server.IsWaitedFor = !server.Machine.IsSettled;
            if (server.IsWaitedFor) _waitedFor++;
        }

        _firstRound = round;
        if (_waitedFor > 0) return;
        _firstRound = null;
        round.TrySetResult();
    }

    private string? Order(string poolName, string serverName, ServerOrder order, string reason)
    {
        if (!_pools.TryGetValue(poolName, out ProbedPool? pool))
            return $"there is no pool '{poolName}'; there are: {string.Join(", ", _pools.Keys)}";
        if (pool.Find(serverName) is not { } server)
            return $"pool '{poolName}' has no server '{serverName}'; it has: {string.Join(", ", pool.Servers.Select(known => known.Runtime.Name))}";
        server.Order(order, reason);
        return null;
    }

    /// <summary>What a check's probe would stumble over; the configuration finds these first, with their lines.</summary>
    private static IEnumerable<string> FindErrors(PoolSnapshot pool)
    {
        if (pool.Check is not { } check) yield break;
        string? error = null;
        try
        {
            if (check.Kind is CheckKind.Http or CheckKind.Https)
            {
                _ = new HttpExpectation(check);
                foreach (ServerSnapshot server in pool.Servers) _ = HttpRequestBytes.Build(check, server.Address);
            }

            if (check.Kind == CheckKind.Dns) _ = new DnsConversation(check.QueryName, check.QueryType, check.Answer, 0);
            if (check.Kind == CheckKind.Exec && check.Command.IsEmpty) error = "an exec check needs a command";
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            // NotSupportedException: an expression that cannot be matched in linear time.
            error = e.Message;
        }

        if (error is not null) yield return $"pools.{pool.Name}.check: {error}";
    }

    private Dictionary<(string, string), LastKnown> LoadState()
    {
        var known = new Dictionary<(string, string), LastKnown>();
        if (_store is null) return known;
        IReadOnlyList<KeptServer> servers = _store.Load(DateTimeOffset.UtcNow, out string note);
        foreach (KeptServer server in servers) known[(server.Pool, server.Server)] = server.Known;
        if (note.Length > 0) _announce(new HealthNotice(true, note));
        return known;
    }

    private static string Word(PoolTier tier) => tier switch
    {
        PoolTier.Primary => "primary",
        PoolTier.Backup => "backup",
        PoolTier.Panic => "panic",
        _ => "none",
    };

    private void Post(Action action) => Loop.Post(this, action);

    private async Task<T> AskAsync<T>(Func<T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        Post(() => answer.TrySetResult(question()));
        return await answer.Task.ConfigureAwait(false);
    }
}

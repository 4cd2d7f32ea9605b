using System.Collections.Concurrent;
using Mainstay.Core;
using Mainstay.Core.Net;
using Mainstay.Engine.Offload;
using Mainstay.Engine.Pools;
using Mainstay.Linux;

namespace Mainstay.Engine.Probing;

/// <summary>
/// Keeps the addresses of servers given by name: each name is resolved again when its time to live is over, on the offload pool. A name
/// that stops resolving keeps its last address: a broken resolver must not take working servers out.
/// </summary>
internal sealed class HostNames : IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    /// <summary>How long a new configuration waits for its names.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly OffloadPool _offload = new(threads: 2, capacity: 4096);
    private readonly NameResolver _resolver;
    private readonly Action<ServerRuntime> _moved;
    private readonly ConcurrentDictionary<string, string> _problems = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentDictionary<string, Instant> _due = new(StringComparer.OrdinalIgnoreCase);
    private readonly Timer _timer;
    private volatile IReadOnlyList<ServerRuntime> _servers = [];

    /// <param name="moved">Told of a server whose address has changed, on a thread of the offload pool.</param>
    public HostNames(Action<ServerRuntime> moved, NameResolver? resolver = null)
    {
        _moved = moved;
        _resolver = resolver ?? new NameResolver();
        _timer = new Timer(_ => Refresh(), null, s_tick, s_tick);
    }

    /// <summary>Why a name has no address yet.</summary>
    public string Problem(string name) =>
        _problems.TryGetValue(name, out string? problem) ? problem : $"host name {name} is not resolved yet";

    /// <summary>Follows these servers from now on.</summary>
    public void Follow(IEnumerable<ServerRuntime> servers)
    {
        _servers = [.. servers.Where(server => server.Endpoint.HostName is not null)];
        HashSet<string> names = [.. _servers.Select(NameOf)];
        foreach (string gone in _due.Keys.Where(name => !names.Contains(name))) _due.TryRemove(gone, out _);
    }

    /// <summary>Resolves what has no address yet; never fails, returns when all is answered or patience is over.</summary>
    public async Task ResolveNewAsync(IEnumerable<ServerRuntime> servers, CancellationToken cancel)
    {
        Task[] under = [.. servers.Where(server => server.Resolved is null).GroupBy(NameOf).Select(group => Start(group.Key, [.. group]))];
        try
        {
            await Task.WhenAll(under).WaitAsync(s_patience, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // Those that come later are taken then; until that the servers count as down with this reason.
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        _offload.Dispose();
    }

    private static string NameOf(ServerRuntime server) => server.Endpoint.HostName ?? "";

    private void Refresh()
    {
        Instant now = MonotonicClock.Now;
        foreach (IGrouping<string, ServerRuntime> group in _servers.GroupBy(NameOf))
        {
            if (_due.TryGetValue(group.Key, out Instant due) && due > now) continue;
            _ = Start(group.Key, [.. group]);
        }
    }

    private Task Start(string name, ServerRuntime[] servers)
    {
        // Not again while it is under way; the answer sets the real time.
        _due[name] = Instant.Never;
        var work = new Work(this, name, servers);
        if (!_offload.TryRun(work)) work.GiveUp();
        return work.Done;
    }

    private sealed class Work(HostNames names, string name, ServerRuntime[] servers) : IOffloadWork
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Done => _done.Task;

        public void Run()
        {
            Resolution resolution = names._resolver.Resolve(name);
            foreach (ServerRuntime server in servers) Choose(server, resolution.Addresses);
            if (resolution.Problem is { } problem) names._problems[name] = problem;
            else names._problems.TryRemove(name, out _);
            names._due[name] = MonotonicClock.Now + resolution.TimeToLive;
            _done.SetResult();
        }

        /// <summary>The pool is full: in the next round.</summary>
        public void GiveUp()
        {
            names._due[name] = MonotonicClock.Now;
            _done.SetResult();
        }

        /// <summary>The address in use as long as the name still has it, else the first.</summary>
        private void Choose(ServerRuntime server, NetAddress[] addresses)
        {
            if (addresses.Length == 0) return;
            if (server.Resolved is { } used && addresses.Contains(used.Address.Address)) return;
            if (server.Resolve(addresses[0])) names._moved(server);
        }
    }
}

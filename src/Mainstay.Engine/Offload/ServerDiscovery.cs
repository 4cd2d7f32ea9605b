using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Probing;
using Mainstay.Linux;

namespace Mainstay.Engine.Offload;

/// <summary>
/// Keeps what DNS says about servers: asks again when an answer's time to live is over, and says when one has changed. While there is no
/// answer the last one holds: a broken resolver must not take working servers out. All members may be called by any thread.
/// </summary>
public sealed class ServerDiscovery : IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);

    /// <summary>How long a new configuration waits for its names.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly Lock _gate = new();
    private readonly NameResolver _resolver;
    private readonly OffloadPool _offload = new(threads: 2, capacity: 4096);
    private readonly Dictionary<DiscoverySnapshot, Entry> _entries = [];
    private readonly Timer _timer;

    public ServerDiscovery(NameResolver? resolver = null)
    {
        _resolver = resolver ?? new NameResolver();
        _timer = new Timer(_ => Refresh(), null, s_tick, s_tick);
    }

    /// <summary>Servers came or went: what was expanded is out of date. Called by a thread of the offload pool; has to return at once.</summary>
    public Action? Changed { get; set; }

    /// <summary>What an operator should know: a name that does not resolve, or does again.</summary>
    public Action<string>? Announce { get; set; }

    /// <summary>Follows the templates of this configuration and those of the one in force; waits a while for what is not known yet.</summary>
    /// <param name="inForce">Null: there is none.</param>
    public async Task FollowAsync(Snapshot next, Snapshot? inForce, CancellationToken cancel)
    {
        HashSet<DiscoverySnapshot> wanted = [.. DiscoveredServers.TemplatesOf(next)];
        var under = new List<Task>();
        lock (_gate)
        {
            HashSet<DiscoverySnapshot> kept = inForce is null ? wanted : [.. wanted, .. DiscoveredServers.TemplatesOf(inForce)];
            foreach (DiscoverySnapshot gone in _entries.Keys.Where(template => !kept.Contains(template)).ToList()) _entries.Remove(gone);
            foreach (DiscoverySnapshot template in wanted.Where(template => !_entries.ContainsKey(template)))
            {
                var entry = new Entry(template);
                _entries.Add(template, entry);
                under.Add(Start(entry));
            }
        }

        try
        {
            await Task.WhenAll(under).WaitAsync(s_patience, cancel).ConfigureAwait(false);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // Those that come later change the servers then.
        }
    }

    /// <summary>The configuration with the servers that are known now.</summary>
    public Snapshot Expand(Snapshot snapshot)
    {
        lock (_gate)
            return DiscoveredServers.Expand(snapshot, template => _entries.TryGetValue(template, out Entry? entry) ? entry.Servers : []);
    }

    public void Dispose()
    {
        _timer.Dispose();
        _offload.Dispose();
    }

    private void Refresh()
    {
        Instant now = MonotonicClock.Now;
        lock (_gate)
        {
            foreach (Entry entry in _entries.Values)
                if (entry.Due <= now) _ = Start(entry);
        }
    }

    /// <summary>Under the gate.</summary>
    private Task Start(Entry entry)
    {
        // Not again while it is under way; the answer sets the real time.
        entry.Due = Instant.Never;
        var work = new Work(this, entry);
        if (_offload.TryRun(work)) return work.Done;
        entry.Due = MonotonicClock.Now;
        return Task.CompletedTask;
    }

    private void Take(Entry entry, DiscoveredServer[] servers, TimeSpan timeToLive, string? problem)
    {
        bool hasChanged, isNews;
        lock (_gate)
        {
            entry.Due = MonotonicClock.Now + timeToLive;
            hasChanged = problem is null && !servers.ToHashSet().SetEquals(entry.Servers);
            if (hasChanged) entry.Servers = servers;
            isNews = entry.Problem != problem;
            entry.Problem = problem;
        }

        if (isNews && problem is not null)
            Announce?.Invoke($"servers by {entry.Template.Name}: {problem}; {(entry.Servers.Length == 0 ? "there are none" : "the last answer stays in force")}");
        if (hasChanged) Changed?.Invoke();
    }

    private sealed class Entry(DiscoverySnapshot template)
    {
        public DiscoverySnapshot Template => template;
        public Instant Due { get; set; }
        public DiscoveredServer[] Servers { get; set; } = [];
        public string? Problem { get; set; }
    }

    private sealed class Work(ServerDiscovery discovery, Entry entry) : IOffloadWork
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Done => _done.Task;

        public void Run()
        {
            if (entry.Template.Kind == DiscoveryKind.Addresses) FindAddresses();
            else FindServices();
            _done.SetResult();
        }

        private void FindAddresses()
        {
            Resolution found = discovery._resolver.Resolve(entry.Template.Name);
            DiscoveredServer[] servers = [.. found.Addresses.Select(address => new DiscoveredServer(address, entry.Template.Port))];
            discovery.Take(entry, servers, found.TimeToLive, found.Problem);
        }

        private void FindServices()
        {
            ServiceResolution found = discovery._resolver.ResolveServices(entry.Template.Name);
            if (found.Problem is not null)
            {
                discovery.Take(entry, [], found.TimeToLive, found.Problem);
                return;
            }

            // "." as the only target: the service is decidedly not offered here (RFC 2782).
            ServiceRecord[] offered = [.. found.Services.Where(service => service.Target != "." && service.Port > 0)];
            int best = offered.Length == 0 ? 0 : offered.Min(service => service.Priority);
            var servers = new List<DiscoveredServer>();
            TimeSpan timeToLive = found.TimeToLive;
            string? problem = null;
            foreach (ServiceRecord service in offered)
            {
                Resolution target = discovery._resolver.Resolve(service.Target);
                problem ??= target.Problem;
                if (target.TimeToLive < timeToLive) timeToLive = target.TimeToLive;
                servers.AddRange(target.Addresses.Select(address => new DiscoveredServer(address, service.Port, service.Weight, service.Priority > best)));
            }

            // One target without an address is its own fault; none with one says nothing about the service.
            discovery.Take(entry, [.. servers], timeToLive, servers.Count > 0 ? null : problem);
        }
    }
}

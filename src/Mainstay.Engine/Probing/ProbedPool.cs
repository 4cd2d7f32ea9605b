using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Probing;
using Mainstay.Engine.Pools;
using Mainstay.Linux;

namespace Mainstay.Engine.Probing;

/// <summary>The servers of one pool, what their checks share, and the pool's tier.</summary>
internal sealed class ProbedPool(Prober prober)
{
    private TierMember[] _members = [];
    private HttpExpectation? _expectation;
    private PoolRuntime? _runtime;
    private OutlierWatch? _outliers;
    private bool _isApplying;

    public PoolSnapshot Snapshot => Runtime.Snapshot;
    public PoolRuntime Runtime => _runtime ?? throw new InvalidOperationException("a pool is applied before it is used");
    public ProbedServer[] Servers { get; private set; } = [];
    public PoolTier Tier { get; private set; }

    /// <summary>What operators were told last; null = nothing yet.</summary>
    public PoolTier? AnnouncedTier { get; set; }

    public ProbedServer? Find(string server) => Array.Find(Servers, candidate => candidate.Runtime.Name == server);

    /// <summary>
    /// Takes on the pool's new configuration. Servers of the same name and address go on undisturbed; one of the same name at another
    /// address is a new server that keeps the operator's order.
    /// </summary>
    /// <param name="known">From the state file; null after the first configuration.</param>
    public void Apply(PoolRuntime runtime, Dictionary<(string Pool, string Server), LastKnown>? known)
    {
        bool joins = known is null && _runtime is not null;
        Dictionary<ServerRuntime, ProbedServer> before = Servers.ToDictionary(server => server.Runtime);
        _runtime = runtime;
        _expectation = null;
        _isApplying = true;
        var servers = new ProbedServer[runtime.Servers.Length];
        for (int i = 0; i < servers.Length; i++)
        {
            int weight = runtime.Snapshot.Servers[i].Weight;
            if (before.Remove(runtime.Servers[i], out ProbedServer? kept))
            {
                kept.Reconfigure(weight);
                servers[i] = kept;
                continue;
            }

            servers[i] = new ProbedServer(prober, this, runtime.Servers[i], Entropy.UInt64());
            servers[i].Start(KnownOf(runtime.Servers[i], known), joins, weight);
        }

        foreach (ProbedServer gone in before.Values) prober.Forget(gone);
        Servers = servers;
        _members = new TierMember[servers.Length];
        WatchOutliers();
        _isApplying = false;
        Publish();
    }

    public void Remove()
    {
        _outliers?.Stop();
        _outliers = null;
        foreach (ProbedServer server in Servers) prober.Forget(server);
        Servers = [];
    }

    /// <summary>Works the tier out from the words and publishes it; planes rebuild what depends on them.</summary>
    public void Publish()
    {
        if (_isApplying) return;
        for (int i = 0; i < Servers.Length; i++)
            _members[i] = new TierMember(prober.Availability[Servers[i].Runtime.Slot], Snapshot.Servers[i].Backup);
        Tier = PoolTiers.Compute(_members, Snapshot.PanicThreshold);
        prober.Availability.Publish(Runtime.Slot, Tier);
        prober.AnnounceTier(this);
    }

    public Probe CreateProbe(ProbedServer server, CheckSnapshot check)
    {
        ProbeContext context = prober.Context;
        return check.Kind switch
        {
            CheckKind.Icmp => new IcmpProbe(context, server),
            CheckKind.Tls => new TlsProbe(context, server, null),
            CheckKind.Exec => new ExecProbe(context, server),
            CheckKind.Udp or CheckKind.Dns => new DatagramProbe(context, server, CreateConversation(server, check)),
            CheckKind.Https => new TlsProbe(context, server, CreateConversation(server, check)),
            _ => new StreamProbe(context, server, CreateConversation(server, check)),
        };
    }

    private void WatchOutliers()
    {
        if (Snapshot.Outliers is not { } policy)
        {
            _outliers?.Stop();
            _outliers = null;
        }
        else if (_outliers is not null)
        {
            _outliers.Reconfigure(policy);
        }
        else
        {
            _outliers = new OutlierWatch(prober, this, policy);
            _outliers.Start();
        }
    }

    private Conversation CreateConversation(ProbedServer server, CheckSnapshot check) => check.Kind switch
    {
        CheckKind.Http or CheckKind.Https => new HttpConversation(
            HttpRequestBytes.Build(check, server.Runtime.Endpoint), _expectation ??= new HttpExpectation(check)),
        CheckKind.Agent => new AgentConversation(check.Send.AsMemory()),
        CheckKind.Udp => new UdpConversation(check.Send.AsMemory(), check.Expect.AsMemory()),
        CheckKind.Dns => new DnsConversation(
            check.QueryName, check.QueryType, check.Answer, Entropy.UInt64()),
        _ => new TcpConversation(check.Send.AsMemory(), check.Expect.AsMemory()),
    };

    private LastKnown KnownOf(ServerRuntime runtime, Dictionary<(string Pool, string Server), LastKnown>? known)
    {
        if (known is not null && known.TryGetValue((runtime.Pool, runtime.Name), out LastKnown? kept)) return kept;
        return Find(runtime.Name) is { } predecessor
            ? LastKnown.Nothing with { Order = predecessor.Machine.Order, OrderReason = predecessor.Machine.OrderReason }
            : LastKnown.Nothing;
    }
}

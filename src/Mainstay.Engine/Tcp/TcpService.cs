using System.Collections.Immutable;
using System.Text;
using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Tcp;

/// <summary>One TCP or UDP service of one configuration, ready to use: shared by all shards, immutable.</summary>
internal sealed class TcpService
{
    /// <param name="number">Of the service's counters; kept over reloads, as its places are.</param>
    public TcpService(TcpSnapshot snapshot, int number, ConnectionBudget places, Func<string, PoolTarget> pools)
    {
        Snapshot = snapshot;
        Number = number;
        Places = places;
        NameText = Encoding.UTF8.GetBytes(snapshot.Name);
        Routes = new FlowRoutes(snapshot.Routes);
        Targets = [.. snapshot.Routes.Select(route => new FlowTarget(route, pools(route.Pool)))];
    }

    public TcpSnapshot Snapshot { get; }
    public int Number { get; }
    public byte[] NameText { get; }

    /// <summary>Connections of this service, over all shards.</summary>
    public ConnectionBudget Places { get; }

    public FlowRoutes Routes { get; }

    /// <summary>Where each route leads, by its index.</summary>
    public ImmutableArray<FlowTarget> Targets { get; }
}

/// <summary>Where a route leads, with everything made ready that can be.</summary>
internal sealed class FlowTarget
{
    private readonly Algorithm _algorithm;
    private readonly bool _withPort;

    public FlowTarget(TcpRouteSnapshot route, PoolTarget target)
    {
        NameText = Encoding.UTF8.GetBytes(route.Name);
        PoolText = Encoding.UTF8.GetBytes(route.Pool);
        (Pool, Balancers) = target;
        _algorithm = Pool.Snapshot.Balance.Algorithm;
        _withPort = Pool.Snapshot.Balance.WithPort;
    }

    public byte[] NameText { get; }
    public byte[] PoolText { get; }
    public PoolRuntime Pool { get; }
    public ImmutableArray<PoolBalancer> Balancers { get; }

    /// <summary>The algorithm looks at the address that the client connected to.</summary>
    public bool NeedsDestination => _algorithm is Algorithm.DestinationHash or Algorithm.Locality or Algorithm.LocalityReplicated;

    public bool MeasuresTime => _algorithm == Algorithm.LeastTime;

    /// <summary>
    /// What the pool's algorithm keys on. Hashes of what only HTTP knows (headers, cookies, paths) are of the client's address here.
    /// </summary>
    public PickKey Key(NetAddress source, int port, NetAddress destination, Instant now) => new()
    {
        Hash = _algorithm is Algorithm.SourceHash or Algorithm.Maglev or Algorithm.Hash
            ? _withPort ? StableHash.Of(source, port) : StableHash.Of(source)
            : 0,
        Destination = NeedsDestination ? StableHash.Of(destination) : 0,
        Now = now,
    };
}

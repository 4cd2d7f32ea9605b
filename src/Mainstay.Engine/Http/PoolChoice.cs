using System.Collections.Immutable;
using System.Text;
using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Tls;

namespace Mainstay.Engine.Http;

/// <summary>A pool as one route uses it.</summary>
internal sealed class PoolChoice
{
    private readonly PickHash? _hash;
    private readonly Algorithm _algorithm;
    private readonly bool _withPort;

    public PoolChoice(PoolTarget target, RouteTimeouts? timeouts)
    {
        (Pool, Balancers, Tls) = target;
        NameText = Encoding.UTF8.GetBytes(Pool.Snapshot.Name);
        BalanceSnapshot balance = Pool.Snapshot.Balance;
        _algorithm = balance.Algorithm;
        _withPort = balance.WithPort;
        _hash = balance.Algorithm == Algorithm.Hash ? new PickHash(balance) : null;
        DefaultHost = Encoding.ASCII.GetBytes(Pool.Servers.IsEmpty ? "" : HostOf(Pool.Servers[0].Endpoint));
        UpstreamSnapshot upstream = Pool.Snapshot.Upstream;
        Upstream = timeouts is null ? upstream : upstream with
        {
            Connect = timeouts.Connect ?? upstream.Connect,
            FirstByte = timeouts.FirstByte ?? upstream.FirstByte,
            Idle = timeouts.Idle ?? upstream.Idle,
            Total = timeouts.Total ?? upstream.Total,
        };
    }

    public PoolRuntime Pool { get; }

    /// <summary>By shard.</summary>
    public ImmutableArray<PoolBalancer> Balancers { get; }

    /// <summary>How the servers are spoken to; null = without TLS.</summary>
    public UpstreamTls? Tls { get; }

    public byte[] NameText { get; }

    /// <summary>The pool's, with the times that the route says otherwise.</summary>
    public UpstreamSnapshot Upstream { get; }

    /// <summary>Host of a request that came without one (HTTP/1.0).</summary>
    public byte[] DefaultHost { get; }

    /// <summary>What the pool's algorithm keys on, for this request.</summary>
    public PickKey Key(RequestHead request, ReadOnlySpan<byte> head, NetAddress source, int port, Instant now)
    {
        ulong hash = 0, destination = 0;
        switch (_algorithm)
        {
            case Algorithm.SourceHash or Algorithm.Maglev:
                hash = _withPort ? StableHash.Of(source, port) : StableHash.Of(source);
                break;
            case Algorithm.DestinationHash or Algorithm.Locality or Algorithm.LocalityReplicated:
                // What IPVS finds in the packet's destination address, a proxy finds in the host that the request is for.
                destination = StableHash.Of(request.Host.Of(head));
                break;
            case Algorithm.Hash:
                Span<byte> scratch = stackalloc byte[PickHash.ScratchLength];
                hash = StableHash.Of(_hash!.Input(request, head, source, scratch));
                break;
        }

        return new PickKey { Hash = hash, Destination = destination, Now = now };
    }

    private static string HostOf(Endpoint endpoint) => endpoint.IsUnix ? "localhost" : endpoint.ToString();
}

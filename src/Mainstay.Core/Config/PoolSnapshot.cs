using System.Collections.Immutable;
using Mainstay.Core.Health;
using Mainstay.Core.Net;
using Mainstay.Core.Proxy;

namespace Mainstay.Core.Config;

/// <summary>A group of servers that do the same, how they are checked and how work is spread over them.</summary>
public sealed record PoolSnapshot
{
    public required string Name { get; init; }
    public required BalanceSnapshot Balance { get; init; }

    /// <summary>Null: servers count as up.</summary>
    public required CheckSnapshot? Check { get; init; }

    public required ImmutableArray<ServerSnapshot> Servers { get; init; }

    /// <summary>Below this percentage of healthy servers all are used; 0 = never.</summary>
    public required int PanicThreshold { get; init; }

    /// <summary>How long a server that came up takes to reach its whole weight; zero = at once.</summary>
    public required TimeSpan SlowStart { get; init; }

    /// <summary>How long a drained server's existing work may go on.</summary>
    public required TimeSpan DrainTimeout { get; init; }

    public required FailedFlows OnFailure { get; init; }
    public required UpstreamSnapshot Upstream { get; init; }

    /// <summary>Null: what becomes of requests does not count, only checks do.</summary>
    public OutlierPolicy? Outliers { get; init; }

    /// <summary>Null: every request is balanced by itself.</summary>
    public PersistenceSnapshot? Persist { get; init; }

    /// <summary>Null: servers are spoken to without TLS.</summary>
    public UpstreamTlsSnapshot? Tls { get; init; }

    /// <summary>The PROXY header that every connection to a server begins with.</summary>
    public ProxyVersion SendProxy { get; init; }

    /// <summary>Addresses of this machine that connections to the servers leave from, in turn; empty: the kernel chooses.</summary>
    public ImmutableArray<NetAddress> Sources { get; init; } = [];
}

/// <summary>How servers are spoken to by TLS.</summary>
/// <param name="Verify">Chain and name have to be right.</param>
/// <param name="Authorities">Trusted, PEM; null = the machine's store.</param>
/// <param name="Sni">Asked for and expected; empty = the server's host name, or its address.</param>
/// <param name="Certificate">Shown to servers that ask, PEM; null = none.</param>
/// <param name="Key">PEM; null = in the certificate's file.</param>
public sealed record UpstreamTlsSnapshot(bool Verify, FileReference? Authorities, string Sni, FileReference? Certificate, FileReference? Key);

/// <summary>What happens to a failed server's existing connections and requests.</summary>
public enum FailedFlows
{
    /// <summary>They go on as long as they can; only new work goes elsewhere (weight 0).</summary>
    Keep,

    /// <summary>They are cut at once, so that clients reconnect.</summary>
    Drop,
}

/// <param name="Name">Unique in its pool, stable over reloads; by default the address as written.</param>
/// <param name="Upper">Overload thresholds as in <see cref="Balancing.ServerEntry"/>.</param>
/// <param name="Discovery">
/// Set: this stands for the servers that DNS names, which are like it. The planes see what it was expanded to (<see cref="DiscoveredServers"/>).
/// </param>
public sealed record ServerSnapshot(
    string Name, Endpoint Address, int Weight, bool Backup, int MaxConnections, int Upper, int Lower, DiscoverySnapshot? Discovery = null);

public enum DiscoveryKind
{
    /// <summary>One server for every A and AAAA record of a host name.</summary>
    Addresses,

    /// <summary>One for every address of every target of a service's SRV records, with their ports, weights and priorities.</summary>
    Services,
}

/// <param name="Name">What DNS is asked for.</param>
/// <param name="Port">Of the servers; 0 where the records say it.</param>
/// <param name="Max">Servers at most.</param>
public sealed record DiscoverySnapshot(DiscoveryKind Kind, string Name, int Port, int Max);

/// <summary>How the proxy talks to a pool's servers.</summary>
/// <param name="Connect">Until the connection stands.</param>
/// <param name="FirstByte">From the whole request sent to the first byte of the response.</param>
/// <param name="Idle">Between two reads or writes of a response body.</param>
/// <param name="Tunnel">Between two reads or writes, either way, after an upgrade (WebSocket).</param>
/// <param name="Total">The whole exchange; zero = no limit.</param>
/// <param name="KeepAlive">How long an idle connection is kept; zero = none is.</param>
/// <param name="MaxIdle">Idle connections kept for each server and shard.</param>
/// <param name="Retries">Further servers that are tried when HTTP allows.</param>
/// <param name="Protocol">What is spoken on new connections.</param>
public sealed record UpstreamSnapshot(
    TimeSpan Connect, TimeSpan FirstByte, TimeSpan Idle, TimeSpan Tunnel, TimeSpan Total, TimeSpan KeepAlive, int MaxIdle, int Retries,
    UpstreamProtocol Protocol = UpstreamProtocol.Http1);

/// <summary>What a pool's servers speak.</summary>
public enum UpstreamProtocol
{
    Http1,

    /// <summary>HTTP/2 and nothing else, by prior knowledge.</summary>
    Http2,
}

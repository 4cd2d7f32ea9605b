using System.Collections.Immutable;
using System.Text;
using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Coding;
using Mainstay.Core.Http2;
using Mainstay.Core.Net;
using Mainstay.Core.Rules;
using Mainstay.Engine.Http.Files;
using Mainstay.Engine.Http.Auth;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Tls;
using Mainstay.Linux.Compression;

namespace Mainstay.Engine.Http;

/// <summary>One HTTP service of one configuration, ready to use: shared by all shards, immutable.</summary>
internal sealed class HttpService
{
    /// <param name="number">Of the service's counters; kept over reloads.</param>
    public HttpService(
        HttpSnapshot snapshot, int number, int shards, RuleTables tables, Func<HttpSnapshot, ForwardedPolicy, ServiceGuard> guard,
        Func<string, Authenticator?> auth, Func<string, PoolTarget> pools, Func<string, TlsProfile> tls)
    {
        Snapshot = snapshot;
        Number = number;
        var rules = new ServiceRules(snapshot);
        Routes = [.. Enumerable.Range(0, shards).Select(_ => new RouteTable(snapshot, rules, tables))];
        NameText = Encoding.UTF8.GetBytes(snapshot.Name);
        TransportSecurity = TransportSecurityField.Line(snapshot.Hsts);
        Listeners = [.. snapshot.Listen.Select(listener => new HttpListener(listener, tls))];
        Forwarded = new ForwardedPolicy(snapshot.Forwarded);
        Guard = guard(snapshot, Forwarded);
        Auth = [.. snapshot.Routes.Select(route => auth(route.Auth))];
        Targets = [.. snapshot.Routes.Select((route, i) => new RouteTarget(route, snapshot.Compress, rules.Routes[i], pools))];

        // Cookies come in pieces, which are joined before they are counted as the service's limits count.
        Http2 = new Http2Settings(snapshot.Limits.Streams, MaxHead: snapshot.Limits.Head, MaxFields: 2 * snapshot.Limits.Fields + 16);
    }

    public HttpSnapshot Snapshot { get; }
    public ImmutableArray<HttpListener> Listeners { get; }

    /// <summary>The Strict-Transport-Security line for what goes out by TLS; null = none.</summary>
    public byte[]? TransportSecurity { get; }
    public int Number { get; }

    /// <summary>The name as the log writes it.</summary>
    public byte[] NameText { get; }

    /// <summary>By shard: a table has buffers that one thread uses.</summary>
    public ImmutableArray<RouteTable> Routes { get; }
    public ForwardedPolicy Forwarded { get; }
    public ServiceGuard Guard { get; }

    /// <summary>How each route's clients prove who they are, by its index; null: they need not.</summary>
    public ImmutableArray<Authenticator?> Auth { get; }

    /// <summary>What clients that speak HTTP/2 are offered.</summary>
    public Http2Settings Http2 { get; }

    /// <summary>What each route does, by its index.</summary>
    public ImmutableArray<RouteTarget> Targets { get; }
}

/// <summary>A pool and its balancers, one for each shard.</summary>
/// <param name="Tls">How its servers are spoken to; null = without TLS.</param>
internal sealed record PoolTarget(PoolRuntime Pool, ImmutableArray<PoolBalancer> Balancers, UpstreamTls? Tls);

/// <summary>What a route does, with everything made ready that can be.</summary>
internal sealed class RouteTarget
{
    /// <summary>What a request gets that no route matches.</summary>
    public static readonly RouteTarget NotFound = new("", ErrorResponses.For(404));

    /// <summary>What OPTIONS and TRACE get whose Max-Forwards ends here.</summary>
    public static readonly RouteTarget LastRecipient = new("", new FixedResponse(200, "", ""));

    private readonly PickHash? _hash;
    private readonly Algorithm _algorithm;
    private readonly bool _withPort;

    public RouteTarget(RouteSnapshot route, CompressSnapshot compress, RouteRules rules, Func<string, PoolTarget> pools)
    {
        Name = route.Name;
        NameText = Encoding.UTF8.GetBytes(route.Name);
        Compression = CompressionOf(route.Compress ?? compress);
        switch (route.Action)
        {
            case RouteAction.ToPool to:
                (Pool, Balancers, Tls) = pools(to.Pool);
                PoolText = Encoding.UTF8.GetBytes(to.Pool);
                BalanceSnapshot balance = Pool.Snapshot.Balance;
                _algorithm = balance.Algorithm;
                _withPort = balance.WithPort;
                _hash = balance.Algorithm == Algorithm.Hash ? new PickHash(balance) : null;
                DefaultHost = Encoding.ASCII.GetBytes(Pool.Servers.IsEmpty ? "" : HostOf(Pool.Servers[0].Endpoint));
                break;
            case RouteAction.Respond respond:
                Response = new FixedResponse(respond);
                break;
            case RouteAction.ServeFiles files:
                Files = new FileSite(files.Files, route.Match);
                break;
            case RouteAction.Redirect redirect:
                Redirect = new RedirectResponse(redirect, rules.Redirect!);
                break;
        }
    }

    private RouteTarget(RedirectResponse redirect) => (Name, Redirect) = ("", redirect);

    /// <summary>The same URL with https; 308 keeps method and body.</summary>
    /// <param name="port">Of the https URL.</param>
    public static RouteTarget ToHttps(int port) =>
        new(RedirectResponse.ToHttps(port));

    private RouteTarget(string name, FixedResponse response) => (Name, Response) = (name, response);

    public string Name { get; }

    /// <summary>The name as the log writes it.</summary>
    public byte[] NameText { get; } = [];

    public byte[] PoolText { get; } = [];

    /// <summary>Set for a route to a pool.</summary>
    public PoolRuntime? Pool { get; }
    public UpstreamTls? Tls { get; }
    public ImmutableArray<PoolBalancer> Balancers { get; }
    public FixedResponse? Response { get; }
    public RedirectResponse? Redirect { get; }
    public FileSite? Files { get; }

    /// <summary>Null: responses stay as they are.</summary>
    public CompressionPolicy? Compression { get; }

    /// <summary>Host of a request that came without one (HTTP/1.0).</summary>
    public byte[] DefaultHost { get; } = [];

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

    private static CompressionPolicy? CompressionOf(CompressSnapshot compress)
    {
        if (!GzipEncoder.IsAvailable) compress = compress with { Gzip = 0 };
        return compress.Enabled && compress.Gzip + compress.Brotli > 0 ? new CompressionPolicy(compress) : null;
    }

    private static string HostOf(Endpoint endpoint) => endpoint.IsUnix ? "localhost" : endpoint.ToString();
}

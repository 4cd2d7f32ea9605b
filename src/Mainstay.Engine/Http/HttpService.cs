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
        HttpSnapshot snapshot, string node, int number, int shards, RuleTables tables, Func<HttpSnapshot, ForwardedPolicy, ServiceGuard> guard,
        Func<string, Authenticator?> auth, ImmutableDictionary<string, PoolTarget> pools, Func<string, TlsProfile> tls)
    {
        Snapshot = snapshot;
        Number = number;
        NameText = Encoding.UTF8.GetBytes(snapshot.Name);
        TransportSecurity = TransportSecurityField.Line(snapshot.Hsts);
        Listeners = [.. snapshot.Listen.Select(listener => new HttpListener(listener, tls))];
        NodeText = Encoding.UTF8.GetBytes(node);
        var rules = new ServiceRules(snapshot, tables);
        Routes = [.. Enumerable.Range(0, shards).Select(_ => new RouteTable(snapshot, rules, tables))];
        Forwarded = new ForwardedPolicy(snapshot.Forwarded);
        Guard = guard(snapshot, Forwarded);
        Auth = [.. snapshot.Routes.Select(route => auth(route.Auth))];
        Targets = [.. snapshot.Routes.Select((route, i) => new RouteTarget(route, snapshot.Compress, rules.Routes[i], tables, pools))];
        NotFound = new RouteTarget(rules.NoRoute, rules.NoRoute.ErrorPages.For(404));
        LastRecipient = new RouteTarget(rules.NoRoute, new FixedResponse(200, "", ""));

        // What a route allows is looked at once it is chosen; until then any route's allowance will do.
        long[] bodies = [.. rules.Routes.Select(route => route.Limits.Body), snapshot.Limits.Body];
        ParseLimits = snapshot.Limits with { Body = bodies.Contains(0) ? 0 : bodies.Max() };

        // Cookies come in pieces, which are joined before they are counted as the service's limits count.
        Http2 = new Http2Settings(snapshot.Limits.Streams, MaxHead: snapshot.Limits.Head, MaxFields: 2 * snapshot.Limits.Fields + 16);
    }

    public HttpSnapshot Snapshot { get; }
    public ImmutableArray<HttpListener> Listeners { get; }

    /// <summary>The Strict-Transport-Security line for what goes out by TLS; null = none.</summary>
    public byte[]? TransportSecurity { get; }

    public byte[] NodeText { get; }

    /// <summary>For a request whose route is not known yet.</summary>
    public HttpLimits ParseLimits { get; }

    /// <summary>What a request gets that no route matches.</summary>
    public RouteTarget NotFound { get; }

    /// <summary>What OPTIONS and TRACE get whose Max-Forwards ends here.</summary>
    public RouteTarget LastRecipient { get; }
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

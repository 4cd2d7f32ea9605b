using System.Collections.Immutable;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config;

/// <summary>One HTTP service: where it listens and what it does with each request.</summary>
public sealed record HttpSnapshot
{
    public required string Name { get; init; }
    public required ImmutableArray<ListenerSnapshot> Listen { get; init; }

    /// <summary>First match wins; no match is answered 404.</summary>
    public required ImmutableArray<RouteSnapshot> Routes { get; init; }

    public required HttpLimits Limits { get; init; }
    public required HttpTimeouts Timeouts { get; init; }
    public required ForwardedSnapshot Forwarded { get; init; }

    /// <summary>Clients may speak HTTP/2: by ALPN over TLS, by prior knowledge without.</summary>
    public bool Http2 { get; init; } = true;
    public ProtectSnapshot Protect { get; init; } = ProtectSnapshot.None;

    /// <summary>Null: no Strict-Transport-Security.</summary>
    public HstsSnapshot? Hsts { get; init; }
    public CompressSnapshot Compress { get; init; } = CompressSnapshot.Off;

    // For all routes; what a route says of the same comes on top of it.
    public HeaderEditsSnapshot RequestHeaders { get; init; } = HeaderEditsSnapshot.None;
    public HeaderEditsSnapshot ResponseHeaders { get; init; } = HeaderEditsSnapshot.None;
    public ImmutableArray<ErrorPage> ErrorPages { get; init; } = [];
}

/// <summary>Strict-Transport-Security (RFC 6797) on what goes out by TLS.</summary>
public sealed record HstsSnapshot(TimeSpan MaxAge, bool IncludeSubdomains = false, bool Preload = false);

/// <summary>What one request may cost, in bytes and counts.</summary>
/// <param name="RequestLine">Longer: 414.</param>
/// <param name="Head">Request line and fields together; larger: 431.</param>
/// <param name="Fields">More header fields: 431.</param>
/// <param name="Body">Larger: 413; 0 = no limit.</param>
/// <param name="RequestsPerConnection">Then the connection is closed; 0 = no limit.</param>
/// <param name="Streams">Requests at once on one HTTP/2 connection; further ones are refused, to be sent again.</param>
public sealed record HttpLimits(
    int RequestLine = 8 * 1024, int Head = 32 * 1024, int Fields = 100, long Body = 0, int RequestsPerConnection = 0, int Streams = 128);

/// <param name="Head">From the first byte of a request (or from accept) to the end of its head: 408.</param>
/// <param name="Body">Between two reads of a request body: 408.</param>
/// <param name="KeepAlive">Idle between two requests.</param>
/// <param name="Write">Without progress while the client does not read.</param>
public sealed record HttpTimeouts(TimeSpan Head, TimeSpan Body, TimeSpan KeepAlive, TimeSpan Write);

/// <summary>What servers are told about the client.</summary>
/// <param name="Trusted">Peers whose own Forwarded / X-Forwarded-* are believed and extended; from others they are replaced.</param>
/// <param name="XForwarded">Add X-Forwarded-For, -Proto and -Host.</param>
/// <param name="Standard">Add Forwarded (RFC 7239).</param>
/// <param name="Via">Add Via, both ways.</param>
/// <param name="RequestIdHeader">Name of the request id header, taken over from trusted peers, else made; empty = none.</param>
public sealed record ForwardedSnapshot(
    ImmutableArray<AddressRange> Trusted, bool XForwarded = true, bool Standard = false, bool Via = true, string RequestIdHeader = "X-Request-Id");

/// <summary>One rule: what it matches and what is done then.</summary>
/// <param name="Name">For logs and metrics; by default the service's name and the rule's number from 1.</param>
public sealed record RouteSnapshot(string Name, RouteMatch Match, RouteAction Action)
{
    /// <summary>Beside those of the service.</summary>
    public ImmutableArray<RateLimitSnapshot> RateLimits { get; init; } = [];

    /// <summary>Null: the service's.</summary>
    public CompressSnapshot? Compress { get; init; }

    /// <summary>Name of an <see cref="AuthSnapshot"/>; empty = everyone.</summary>
    public string Auth { get; init; } = "";
    public RouteAccessSnapshot? Access { get; init; }
    public RewriteSnapshot? Rewrite { get; init; }
    public HeaderEditsSnapshot RequestHeaders { get; init; } = HeaderEditsSnapshot.None;
    public HeaderEditsSnapshot ResponseHeaders { get; init; } = HeaderEditsSnapshot.None;
    public RouteTimeouts? Timeouts { get; init; }
    public RouteLimits? Limits { get; init; }
    public ImmutableArray<ErrorPage> ErrorPages { get; init; } = [];
}

/// <summary>All conditions that are set have to hold; within one condition any of its patterns will do.</summary>
public sealed record RouteMatch
{
    public ImmutableArray<HostPattern> Host { get; init; } = [];
    public ImmutableArray<PathPattern> Path { get; init; } = [];
    public ImmutableArray<string> Method { get; init; } = [];

    /// <summary>Addresses and the names of address lists; any of them will do.</summary>
    public ImmutableArray<AddressRange> Source { get; init; } = [];
    public ImmutableArray<string> SourceList { get; init; } = [];
    public RequestScheme? Scheme { get; init; }

    /// <summary>Ports of listeners.</summary>
    public ImmutableArray<int> Port { get; init; } = [];

    /// <summary>Header conditions by name; user-agent is one of them. An empty pattern list asks only for presence.</summary>
    public ImmutableArray<NamedMatch> Header { get; init; } = [];
    public ImmutableArray<NamedMatch> Query { get; init; } = [];
    public ImmutableArray<NamedMatch> Cookie { get; init; } = [];

    /// <summary>Maps that have to have an answer, with the template of what they are asked.</summary>
    public ImmutableArray<NamedTemplate> Map { get; init; } = [];

    /// <summary>Further conditions, all of which have to hold.</summary>
    public ImmutableArray<RouteMatch> All { get; init; } = [];

    /// <summary>At least one has to hold, where there are any.</summary>
    public ImmutableArray<RouteMatch> Any { get; init; } = [];

    /// <summary>None may hold.</summary>
    public ImmutableArray<RouteMatch> Not { get; init; } = [];
}

public enum RequestScheme
{
    Http,
    Https,
}

/// <param name="Template">With variables in braces.</param>
public sealed record NamedTemplate(string Name, string Template);

public sealed record NamedMatch(string Name, ImmutableArray<ValuePattern> Values);

/// <summary>
/// <c>www.example.com</c>, <c>*.example.com</c> for any name below it, or <c>~regex</c>; compared without case and port.
/// </summary>
public sealed record HostPattern(string Suffix, bool Wildcard, bool IsRegex = false);

public enum PatternKind
{
    Exact,

    /// <summary>Prefix that ends at a segment border: /a matches /a and /a/b, not /ab.</summary>
    SegmentPrefix,
    Prefix,
    Regex,
    RegexIgnoreCase,
}

public sealed record PathPattern(PatternKind Kind, string Text);

public sealed record ValuePattern(PatternKind Kind, string Text);

/// <summary>What is done with a request that a route matched.</summary>
public abstract record RouteAction
{
    private RouteAction()
    {
    }

    public sealed record ToPool(string Pool) : RouteAction;

    /// <param name="By">Template of what decides, so that the same goes to the same pool; empty = evenly spread.</param>
    public sealed record Split(ImmutableArray<PoolWeight> Pools, string By) : RouteAction;

    /// <summary>The pool that a map names.</summary>
    /// <param name="Key">Template of what the map is asked.</param>
    /// <param name="Otherwise">The pool where the map has no answer, or names none that there is.</param>
    public sealed record ByMap(string Map, string Key, string Otherwise) : RouteAction;

    /// <param name="Status">200..599.</param>
    public sealed record Respond(int Status, string Body, string ContentType) : RouteAction;

    /// <param name="Location">A template.</param>
    public sealed record Redirect(int Status, string Location) : RouteAction;

    public sealed record ServeFiles(FilesSnapshot Files) : RouteAction;
}

/// <param name="Weight">Of all weights together, the share that goes to the pool.</param>
public sealed record PoolWeight(string Pool, int Weight);

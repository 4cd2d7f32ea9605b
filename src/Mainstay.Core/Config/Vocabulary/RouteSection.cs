using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config.Vocabulary;

internal static class MatchSection
{
    private const string UserAgentHeader = "User-Agent";

    private static OptionalValueType<ImmutableArray<T>> Any<T>(ConfigType<T> item) =>
        new(new ListType<T>(item) { Single = true, AtLeast = 1 });

    private static OptionalValueType<ImmutableArray<NamedMatch>> ByName(TextType name, bool ignoreCase) =>
        new(new MapType<NamedMatch, ImmutableArray<ValuePattern>>(
            name,
            new ListType<ValuePattern>(ValuePatternType.Instance) { Single = true },
            (text, values) => new NamedMatch(text, values),
            match => (match.Name, match.Values))
        { IgnoreCase = ignoreCase });

    private static ImmutableArray<T>? Set<T>(ImmutableArray<T> values) => values.IsEmpty ? null : values;

    private static readonly Key<RouteMatch, ImmutableArray<HostPattern>?> Host = new(
        "host", Any(HostPatternType.Instance), m => Set(m.Host))
    { Doc = "Host of the request, without case and port; \"*.example.com\" is any name below example.com." };

    private static readonly Key<RouteMatch, ImmutableArray<PathPattern>?> Path = new(
        "path", Any(PathPatternType.Instance), m => Set(m.Path))
    { Doc = "Path of the request: /a is /a and everything below it, =/a only /a, ^/a whatever begins so, ~ and ~* regular expressions." };

    private static readonly Key<RouteMatch, ImmutableArray<string>?> Method = new(
        "method", Any(MethodType.Instance), m => Set(m.Method))
    { Doc = "Request method." };

    private static readonly Key<RouteMatch, ImmutableArray<NamedMatch>?> Header = new(
        "header", ByName(TextType.Token, ignoreCase: true), m => Set(WithoutUserAgent(m.Header)))
    { Doc = "Headers and their values; [] asks only whether the header is there." };

    private static readonly Key<RouteMatch, ImmutableArray<NamedMatch>?> Query = new(
        "query", ByName(TextType.Line, ignoreCase: false), m => Set(m.Query))
    { Doc = "Query parameters and their values; [] asks only whether the parameter is there." };

    private static readonly Key<RouteMatch, ImmutableArray<NamedMatch>?> Cookie = new(
        "cookie", ByName(TextType.Token, ignoreCase: false), m => Set(m.Cookie))
    { Doc = "Cookies and their values; [] asks only whether the cookie is there." };

    private static readonly Key<RouteMatch, ImmutableArray<AddressRange>?> Source = new(
        "source", Any(RangeType.Instance), m => Set(m.Source))
    { Doc = "Address of the client." };

    private static readonly Key<RouteMatch, ImmutableArray<ValuePattern>?> UserAgent = new(
        "user-agent", Any(ValuePatternType.Instance), m => IsUserAgent(m.Header) ? m.Header[^1].Values : null)
    { Doc = "Value of the User-Agent header." };

    public static readonly Section<RouteMatch> Section = new(
        "http.NAME.routes.match", [Host, Path, Method, Header, Query, Cookie, Source, UserAgent], Build)
    {
        Doc = "All conditions that are given have to hold; of a list of values, any one. Values of header, query, cookie and user-agent are "
            + "exact; `^x` is a prefix, `~x` a regular expression, `~*x` the same ignoring case, `=x` exact whatever x begins with.",
        Verify = Verify,
    };

    private static bool IsUserAgent(ImmutableArray<NamedMatch> headers) =>
        !headers.IsEmpty && headers[^1] is { Name: UserAgentHeader, Values.IsEmpty: false };

    private static ImmutableArray<NamedMatch> WithoutUserAgent(ImmutableArray<NamedMatch> headers) =>
        IsUserAgent(headers) ? headers[..^1] : headers;

    private static RouteMatch Build(Values v)
    {
        ImmutableArray<NamedMatch> headers = v.Get(Header) ?? [];
        if (v.Get(UserAgent) is { } agents) headers = headers.Add(new NamedMatch(UserAgentHeader, agents));
        return new RouteMatch
        {
            Host = v.Get(Host) ?? [],
            Path = v.Get(Path) ?? [],
            Method = v.Get(Method) ?? [],
            Source = v.Get(Source) ?? [],
            Header = headers,
            Query = v.Get(Query) ?? [],
            Cookie = v.Get(Cookie) ?? [],
        };
    }

    private static void Verify(Values v)
    {
        if (!v.IsWritten(UserAgent) || !v.TryGet(Header, out ImmutableArray<NamedMatch>? headers) || headers is null) return;
        if (headers.Value.Any(h => h.Name.Equals(UserAgentHeader, StringComparison.OrdinalIgnoreCase)))
            v.Error(UserAgent, "header has User-Agent already (one of the two)");
    }
}

internal static class RouteSection
{
    /// <summary>A fixed response is made once and sent in one piece, from a buffer that the shard has for heads.</summary>
    private const int LargestBody = 64 * 1024;

    private static readonly Key<RouteAction.Respond, int> Status = new("status", new IntegerType(200, 599), r => r.Status)
    { Doc = "Status code.", Required = true };

    private static readonly Key<RouteAction.Respond, string> Body = new("body", new SourcedTextType(secret: false, FitsOneSend), r => r.Body)
    { Doc = "Body of the response.", Default = new ScalarNode("", quoted: true) };

    private static readonly Key<RouteAction.Respond, string> ContentType = new(
        "content-type", new TextType("media type", "a media type such as text/html; charset=utf-8", MediaTypeRule), r => r.ContentType)
    { Doc = "Media type of the body.", Default = Key.Plain("text/plain; charset=utf-8") };

    private static readonly Section<RouteAction.Respond> RespondSection = new(
        "http.NAME.routes.respond",
        [Status, Body, ContentType],
        v => new RouteAction.Respond(v.Get(Status), v.Get(Body), v.Get(ContentType)))
    {
        Doc = "A fixed response: its status, or a mapping.",
        Shorthand = Status,
        Verify = v =>
        {
            bool bodyless = v.TryGet(Status, out int status) && status is 204 or 205 or 304;
            if (bodyless && v.TryGet(Body, out string body) && body.Length > 0)
                v.Error(Body, $"a {status} response has no body (RFC 9110 section 15; leave the key out)");
        },
    };

    private static readonly Key<RouteAction.Redirect, string> Location = new(
        "to", new TextType("URL", "a path or URL, with {host}, {path}, {query} and {uri} (path and query) for the request's", LocationRule), r => r.Location)
    { Doc = "Where to: a URL or path. {host} (without its port), {path}, {query} and {uri} (path and query) are taken from the request.", Required = true };

    private static readonly Key<RouteAction.Redirect, int> RedirectStatus = new(
        "status", new IntegerType(300, 399), r => r.Status)
    { Doc = "301, 302, 303, 307 or 308. Browsers remember 301 and 308.", Default = Key.Plain("302") };

    private static readonly Section<RouteAction.Redirect> RedirectSection = new(
        "http.NAME.routes.redirect",
        [Location, RedirectStatus],
        v => new RouteAction.Redirect(v.Get(RedirectStatus), v.Get(Location)))
    {
        Doc = "A redirect: where to, or a mapping.",
        Shorthand = Location,
        Verify = v =>
        {
            if (v.TryGet(RedirectStatus, out int status) && status is not (301 or 302 or 303 or 307 or 308))
                v.Error(RedirectStatus, $"{status} does not redirect (301, 302, 303, 307 or 308)");
        },
    };

    private static readonly Key<RouteSnapshot, string?> Name = new(
        "name", new OptionalType<string>(TextType.Name), r => r.Name.Length == 0 ? null : r.Name)
    { Doc = "Name in logs and metrics.", Otherwise = "the service's name, a slash and the route's number from 1" };

    private static readonly Key<RouteSnapshot, RouteMatch> Match = new("match", MatchSection.Section, r => r.Match)
    { Doc = "Which requests.", Otherwise = "all", Default = Key.EmptyMapping };

    private static readonly Key<RouteSnapshot, string?> To = new(
        "to", new OptionalType<string>(PoolReferenceType.Instance), r => (r.Action as RouteAction.ToPool)?.Pool)
    { Doc = "Name of the pool that they go to." };

    private static readonly Key<RouteSnapshot, RouteAction.Respond?> Respond = new(
        "respond", new OptionalType<RouteAction.Respond>(RespondSection), r => r.Action as RouteAction.Respond)
    { Doc = "A fixed response." };

    private static readonly Key<RouteSnapshot, RouteAction.Redirect?> Redirect = new(
        "redirect", new OptionalType<RouteAction.Redirect>(RedirectSection), r => r.Action as RouteAction.Redirect)
    { Doc = "A redirect." };

    public static readonly Section<RouteSnapshot> Section = new("http.NAME.routes", [Name, Match, To, Respond, Redirect], Build)
    {
        Doc = "A list of rules; the first that matches decides. What no rule matches is answered 404.",
        OneOf = [To, Respond, Redirect],
        Later = ["files"],
    };

    private static RouteSnapshot Build(Values v)
    {
        RouteAction action = v.Get(To) is { } pool ? new RouteAction.ToPool(pool) : (RouteAction?)v.Get(Respond) ?? v.Get(Redirect)!;
        return new RouteSnapshot(v.Get(Name) ?? "", v.Get(Match), action);
    }

    private static string? MediaTypeRule(string text) =>
        text.Contains('/') && text.All(c => c is >= ' ' and <= '~') && text.Trim() == text ? null : "is not a media type";

    private static string? LocationRule(string text)
    {
        if (text.Length is 0 or > 4096 || !text.All(c => c is > ' ' and <= '~')) return "is not a URL of printable ASCII characters";
        for (int open = text.IndexOf('{'); open >= 0; open = text.IndexOf('{', open + 1))
        {
            int close = text.IndexOf('}', open);
            string name = close < 0 ? text[open..] : text[open..(close + 1)];
            if (name is not ("{host}" or "{path}" or "{query}" or "{uri}")) return $"contains {Compilation.Show(name)}, which is not known";
        }

        return text.StartsWith('/') || text.Contains("://") ? null : "is neither a path nor a URL";
    }

    private static string? FitsOneSend(string text) =>
        Encoding.UTF8.GetByteCount(text) > LargestBody ? "is longer than 64 KiB; larger bodies are for a server" : null;
}

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

    private static RecursiveType<RouteMatch> Inner() => new("match", () => Section!);

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

    private static readonly Key<RouteMatch, ImmutableArray<SourcePattern>?> Source = new(
        "source",
        Any(SourcePatternType.Instance),
        m => Set<SourcePattern>([.. m.Source.Select(r => new SourcePattern(r, "")), .. m.SourceList.Select(l => new SourcePattern(default, l))]))
    { Doc = "Address of the client." };

    private static readonly Key<RouteMatch, RequestScheme?> Scheme = new(
        "scheme",
        new OptionalValueType<RequestScheme>(new ChoiceType<RequestScheme>(("http", RequestScheme.Http), ("https", RequestScheme.Https))),
        m => m.Scheme)
    { Doc = "Whether the client came by TLS." };

    private static readonly Key<RouteMatch, ImmutableArray<int>?> Port = new("port", Any(IntegerType.Port), m => Set(m.Port))
    { Doc = "Port of the listener." };

    private static readonly Key<RouteMatch, ImmutableArray<RouteMatch>?> AllOf = new("all", Any(Inner()), m => Set(m.All))
    { Doc = "Further conditions; all have to hold." };

    private static readonly Key<RouteMatch, ImmutableArray<RouteMatch>?> AnyOf = new("any", Any(Inner()), m => Set(m.Any))
    { Doc = "Further conditions; at least one has to hold." };

    private static readonly Key<RouteMatch, ImmutableArray<RouteMatch>?> NoneOf = new("not", Any(Inner()), m => Set(m.Not))
    { Doc = "Further conditions; none may hold." };

    private static readonly Key<RouteMatch, ImmutableArray<ValuePattern>?> UserAgent = new(
        "user-agent", Any(ValuePatternType.Instance), m => IsUserAgent(m.Header) ? m.Header[^1].Values : null)
    { Doc = "Value of the User-Agent header." };

    public static readonly Section<RouteMatch> Section = new(
        "http.NAME.routes.match", [Host, Path, Method, Header, Query, Cookie, Source, UserAgent, Scheme, Port, AllOf, AnyOf, NoneOf], Build)
    {
        Doc = "All conditions that are given have to hold; of a list of values, any one; `all`, `any` and `not` hold such mappings again. Values of header, query, cookie and user-agent are "
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
            Source = [.. (v.Get(Source) ?? []).Where(s => s.List.Length == 0).Select(s => s.Range)],
            SourceList = [.. (v.Get(Source) ?? []).Where(s => s.List.Length > 0).Select(s => s.List)],
            Scheme = v.Get(Scheme),
            Port = v.Get(Port) ?? [],
            All = v.Get(AllOf) ?? [],
            Any = v.Get(AnyOf) ?? [],
            Not = v.Get(NoneOf) ?? [],
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

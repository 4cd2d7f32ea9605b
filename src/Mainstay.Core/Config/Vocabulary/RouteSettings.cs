using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>Who may use a route.</summary>
internal static class RouteAccessSection
{
    private static ListType<SourcePattern> Sources() => new(SourcePatternType.Instance) { Single = true };

    private static ImmutableArray<SourcePattern> Join(ImmutableArray<AddressRange> ranges, ImmutableArray<string> lists) =>
        [.. ranges.Select(range => new SourcePattern(range, "")), .. lists.Select(list => new SourcePattern(default, list))];

    private static readonly Key<RouteAccessSnapshot, ImmutableArray<SourcePattern>> Allow = new("allow", Sources(), a => Join(a.Allow, a.AllowLists))
    { Doc = "Only these, where any are given: addresses and ranges.", Default = Key.EmptyList, Otherwise = "everyone" };

    private static readonly Key<RouteAccessSnapshot, ImmutableArray<SourcePattern>> Deny = new("deny", Sources(), a => Join(a.Deny, a.DenyLists))
    { Doc = "Not these, even if they are allowed.", Default = Key.EmptyList, Otherwise = "nobody" };

    public static readonly Section<RouteAccessSnapshot> Section = new(
        "http.NAME.routes.access",
        [Allow, Deny],
        v => new RouteAccessSnapshot
        {
            Allow = [.. v.Get(Allow).Where(s => s.List.Length == 0).Select(s => s.Range)],
            AllowLists = [.. v.Get(Allow).Where(s => s.List.Length > 0).Select(s => s.List)],
            Deny = [.. v.Get(Deny).Where(s => s.List.Length == 0).Select(s => s.Range)],
            DenyLists = [.. v.Get(Deny).Where(s => s.List.Length > 0).Select(s => s.List)],
        })
    { Doc = "From which addresses the route may be used; others get 403." };
}

/// <summary>Times and limits of one route.</summary>
internal static class RouteSettings
{
    private static Key<RouteTimeouts, TimeSpan?> Time(string name, string doc, Func<RouteTimeouts, TimeSpan?> get) =>
        new(name, new OptionalValueType<TimeSpan>(name == "total" ? DurationType.OrZero : DurationType.Positive), get) { Doc = doc, Otherwise = "the pool's" };

    private static readonly Key<RouteTimeouts, TimeSpan?> Connect = Time("connect", "To reach a server.", t => t.Connect);
    private static readonly Key<RouteTimeouts, TimeSpan?> FirstByte = Time("first-byte", "From the sent request to the response's first byte.", t => t.FirstByte);
    private static readonly Key<RouteTimeouts, TimeSpan?> Idle = Time("idle", "Without a byte in the middle of a response.", t => t.Idle);
    private static readonly Key<RouteTimeouts, TimeSpan?> Total = Time("total", "The whole request; 0 is no limit.", t => t.Total);

    public static readonly Section<RouteTimeouts> Timeouts = new(
        "http.NAME.routes.timeouts",
        [Connect, FirstByte, Idle, Total],
        v => new RouteTimeouts(v.Get(Connect), v.Get(FirstByte), v.Get(Idle), v.Get(Total)))
    { Doc = "Times for this route, in place of those of its pool (`pools.NAME.timeouts`)." };

    private static readonly Key<RouteLimits, int?> Head = new("head", new OptionalValueType<int>(new SmallSizeType(256, 64 * 1024)), l => l.Head)
    { Doc = "Request line and headers together; then 431. Not more than the service's.", Otherwise = "the service's" };

    private static readonly Key<RouteLimits, long?> Body = new("body", new OptionalValueType<long>(new SizeType(0, 1L << 50)), l => l.Body)
    { Doc = "Size of a request body; then 413. 0 is no limit.", Otherwise = "the service's" };

    public static readonly Section<RouteLimits> Limits = new("http.NAME.routes.limits", [Head, Body], v => new RouteLimits(v.Get(Head), v.Get(Body)))
    { Doc = "Limits for this route, in place of those of its service." };
}

/// <summary>Error pages by status or class.</summary>
internal static class ErrorPagesType
{
    private const int LargestBody = 64 * 1024;

    private static readonly Key<ErrorPage, string> Body = new("body", new SourcedTextType(secret: false, FitsOneSend), p => p.Body)
    { Doc = "The page, or { file: PATH }.", Required = true };

    private static readonly Key<ErrorPage, string> ContentType = new(
        "content-type", new TextType("media type", "a media type such as text/html; charset=utf-8", TextType.MediaTypeRule), p => p.ContentType)
    { Doc = "Media type of the page.", Default = Key.Plain("text/html; charset=utf-8") };

    private static readonly Section<ErrorPage> Page = new("error-pages", [Body, ContentType], v => new ErrorPage(0, v.Get(Body), v.Get(ContentType)));

    public static MapType<ErrorPage, ErrorPage> Map() => new(
        new TextType("status", "a status such as 502, or 4xx or 5xx for all others of their class", StatusRule),
        Page,
        (status, page) => page with { Status = status.EndsWith('x') ? status[0] - '0' : int.Parse(status, CultureInfo.InvariantCulture) },
        page => (page.Status < 10 ? $"{page.Status}xx" : page.Status.ToString(CultureInfo.InvariantCulture), page));

    private static string? StatusRule(string text) =>
        text is "4xx" or "5xx" || (text.Length == 3 && text.All(char.IsAsciiDigit) && text[0] is '4' or '5') ? null : "is not the status of an error";

    private static string? FitsOneSend(string text) =>
        Encoding.UTF8.GetByteCount(text) > LargestBody ? "is longer than 64 KiB" : null;
}

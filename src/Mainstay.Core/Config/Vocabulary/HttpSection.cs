using System.Collections.Immutable;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>One HTTP service.</summary>
internal static class HttpSection
{
    private static readonly Key<ListenerSnapshot, Endpoint> ListenAddress = new("address", EndpointType.Listener, l => l.Address)
    { Doc = "Address and port, or unix:/path.", Required = true };

    private static readonly Key<ListenerSnapshot, string?> ListenTls = new(
        "tls", new OptionalType<string>(TlsReferenceType.Instance), l => l.Tls)
    { Doc = "Name of the TLS profile, below tls, with which clients are spoken to.", Otherwise = "plain HTTP" };

    private static readonly Key<ListenerSnapshot, int?> RedirectHttps = new(
        "redirect-https", new OptionalValueType<int>(HttpsPortType.Instance), l => l.RedirectHttps == 0 ? null : l.RedirectHttps)
    {
        Doc = "Every request is sent on to the same URL with https (308): true, or the port if it is not 443.",
        Otherwise = "requests are served",
    };

    private static readonly Key<ListenerSnapshot, ProxyProtocolSnapshot?> ListenProxy = new(
        "proxy-protocol", new OptionalType<ProxyProtocolSnapshot>(ProxyProtocolSection.Section), l => l.Proxy)
    { Doc = "From whom the client's address is taken over by the PROXY protocol.", Otherwise = "nobody" };

    private static readonly Section<ListenerSnapshot> ListenSection = new(
        "http.NAME.listen",
        [ListenAddress, ListenTls, RedirectHttps, ListenProxy],
        v => new ListenerSnapshot(v.Get(ListenAddress), v.Get(ListenTls), v.Get(RedirectHttps) ?? 0, v.Get(ListenProxy)))
    {
        Doc = "Where the service listens: an address, a mapping, or a list of these.",
        Shorthand = ListenAddress,
        Verify = v =>
        {
            if (v.IsWritten(ListenTls) && v.IsWritten(RedirectHttps))
                v.Error(RedirectHttps, "the listener speaks TLS already (a redirect goes on the plain one)");
        },
    };

    private static readonly Key<HstsSnapshot, TimeSpan> HstsMaxAge = new("max-age", DurationType.OrZero, h => h.MaxAge)
    { Doc = "How long browsers remember it; 0 makes them forget.", Required = true };

    private static readonly Key<HstsSnapshot, bool> HstsSubdomains = new("include-subdomains", BooleanType.Instance, h => h.IncludeSubdomains)
    { Doc = "For every name below it too.", Default = Key.Plain("false") };

    private static readonly Key<HstsSnapshot, bool> HstsPreload = new("preload", BooleanType.Instance, h => h.Preload)
    { Doc = "Agrees to be built into browsers, which is hard to take back.", Default = Key.Plain("false") };

    private static readonly Section<HstsSnapshot> HstsSection = new(
        "http.NAME.hsts",
        [HstsMaxAge, HstsSubdomains, HstsPreload],
        v => new HstsSnapshot(v.Get(HstsMaxAge), v.Get(HstsSubdomains), v.Get(HstsPreload)))
    {
        Doc = "Strict-Transport-Security (RFC 6797) on responses that go out by TLS; a server's own is replaced.",
        Shorthand = HstsMaxAge,
        Verify = v =>
        {
            bool read = v.TryGet(HstsMaxAge, out TimeSpan age) & v.TryGet(HstsSubdomains, out bool subdomains) & v.TryGet(HstsPreload, out bool preload);
            if (read && preload && (!subdomains || age < TimeSpan.FromDays(365)))
                v.Error(HstsPreload, "takes include-subdomains: true and a max-age of 365d (hstspreload.org)");
        },
    };

    /// <summary>A head has to fit twice, as received and as sent, into a buffer beside what came of the body.</summary>
    private const int LargestHead = 64 * 1024;

    private static readonly Key<HttpLimits, int> RequestLine = new("request-line", new SmallSizeType(128, LargestHead), l => l.RequestLine)
    { Doc = "Longest request line; then 414.", Default = Key.Plain("8KiB") };

    private static readonly Key<HttpLimits, int> Head = new("head", new SmallSizeType(256, LargestHead), l => l.Head)
    { Doc = "Request line and headers together; then 431.", Default = Key.Plain("32KiB") };

    private static readonly Key<HttpLimits, int> Fields = new("fields", new IntegerType(1, 10_000), l => l.Fields)
    { Doc = "Number of header fields; then 431.", Default = Key.Plain("100") };

    private static readonly Key<HttpLimits, long> Body = new("body", new SizeType(0, 1L << 50), l => l.Body)
    { Doc = "Size of a request body; then 413. 0 is no limit.", Default = Key.Plain("0") };

    private static readonly Key<HttpLimits, int> Requests = new(
        "requests-per-connection", new IntegerType(0, int.MaxValue), l => l.RequestsPerConnection)
    { Doc = "Then the connection is closed. 0 is no limit.", Default = Key.Plain("0") };

    private static readonly Key<HttpLimits, int> Streams = new("streams", new IntegerType(1, 10_000), l => l.Streams)
    { Doc = "Requests at once on one HTTP/2 connection; clients hold further ones back.", Default = Key.Plain("128") };

    private static readonly Section<HttpLimits> LimitsSection = new(
        "http.NAME.limits",
        [RequestLine, Head, Fields, Body, Requests, Streams],
        v => new HttpLimits(v.Get(RequestLine), v.Get(Head), v.Get(Fields), v.Get(Body), v.Get(Requests), v.Get(Streams)))
    {
        Doc = "What one client may ask for.",
        Verify = v =>
        {
            if (v.TryGet(RequestLine, out int line) && v.TryGet(Head, out int head) && line > head)
                v.Error(RequestLine, $"is larger than head, which contains it (at most {head} bytes)");
        },
    };

    private static readonly Key<HttpTimeouts, TimeSpan> HeadTimeout = new("head", DurationType.Positive, t => t.Head)
    { Doc = "From the first byte of a request, or from the connection, to the end of its headers; then 408.", Default = Key.Plain("10s") };

    private static readonly Key<HttpTimeouts, TimeSpan> BodyTimeout = new("body", DurationType.Positive, t => t.Body)
    { Doc = "Without a byte of the request body; then 408.", Default = Key.Plain("30s") };

    private static readonly Key<HttpTimeouts, TimeSpan> KeepAlive = new("keep-alive", DurationType.OrZero, t => t.KeepAlive)
    { Doc = "Idle between two requests; 0 closes after each response.", Default = Key.Plain("1m") };

    private static readonly Key<HttpTimeouts, TimeSpan> Write = new("write", DurationType.Positive, t => t.Write)
    { Doc = "Without progress while the client does not read.", Default = Key.Plain("30s") };

    private static readonly Section<HttpTimeouts> TimeoutsSection = new(
        "http.NAME.timeouts",
        [HeadTimeout, BodyTimeout, KeepAlive, Write],
        v => new HttpTimeouts(v.Get(HeadTimeout), v.Get(BodyTimeout), v.Get(KeepAlive), v.Get(Write)))
    { Doc = "How long clients may take." };

    private const string NoRequestId = "none";

    private static readonly Key<ForwardedSnapshot, ImmutableArray<AddressRange>> Trusted = new(
        "trusted", new ListType<AddressRange>(RangeType.Instance) { Single = true }, f => f.Trusted)
    { Doc = "Peers whose own forwarding headers are believed and added to; those of others are replaced.", Default = Key.EmptyList };

    private static readonly Key<ForwardedSnapshot, bool> XForwarded = new("x-forwarded", BooleanType.Instance, f => f.XForwarded)
    { Doc = "Send X-Forwarded-For, X-Forwarded-Proto and X-Forwarded-Host.", Default = Key.Plain("true") };

    private static readonly Key<ForwardedSnapshot, bool> Standard = new("standard", BooleanType.Instance, f => f.Standard)
    { Doc = "Send Forwarded (RFC 7239).", Default = Key.Plain("false") };

    private static readonly Key<ForwardedSnapshot, bool> Via = new("via", BooleanType.Instance, f => f.Via)
    { Doc = "Add Via, in both directions.", Default = Key.Plain("true") };

    private static readonly Key<ForwardedSnapshot, string> RequestId = new(
        "request-id", TextType.Token, f => f.RequestIdHeader.Length == 0 ? NoRequestId : f.RequestIdHeader)
    {
        Doc = "Header with the request's id, taken over from trusted peers and else made; none for no such header.",
        Default = Key.Plain("X-Request-Id"),
    };

    private static readonly Section<ForwardedSnapshot> ForwardedSection = new(
        "http.NAME.forwarded",
        [Trusted, XForwarded, Standard, Via, RequestId],
        v => new ForwardedSnapshot(
            v.Get(Trusted), v.Get(XForwarded), v.Get(Standard), v.Get(Via), v.Get(RequestId) == NoRequestId ? "" : v.Get(RequestId)))
    { Doc = "What servers are told about the client." };

    private static readonly Key<HttpSnapshot, ImmutableArray<ListenerSnapshot>> Listen = new(
        "listen", new ListType<ListenerSnapshot>(ListenSection) { Single = true, AtLeast = 1 }, h => h.Listen)
    { Doc = "Where the service listens.", Required = true };

    private static readonly Key<HttpSnapshot, ImmutableArray<RouteSnapshot>> Routes = new(
        "routes",
        new ListType<RouteSnapshot>(RouteSection.Section)
        {
            AtLeast = 1,
            Block = true,
            Unique = [("route name", r => r.Name.Length == 0 ? null : r.Name)],
        },
        WithoutDefaultNames)
    { Doc = "What is done with requests; the first rule that matches decides.", Required = true };

    private static readonly Key<HttpSnapshot, HttpLimits> Limits = new("limits", LimitsSection, h => h.Limits)
    { Doc = "What one client may ask for.", Default = Key.EmptyMapping };

    private static readonly Key<HttpSnapshot, HttpTimeouts> Timeouts = new("timeouts", TimeoutsSection, h => h.Timeouts)
    { Doc = "How long clients may take.", Default = Key.EmptyMapping };

    private static readonly Key<HttpSnapshot, ForwardedSnapshot> Forwarded = new("forwarded", ForwardedSection, h => h.Forwarded)
    { Doc = "What servers are told about the client.", Default = Key.EmptyMapping };

    private static readonly Key<HttpSnapshot, bool> Http2 = new("http2", BooleanType.Instance, h => h.Http2)
    { Doc = "Speak HTTP/2 with clients that do: by ALPN over TLS, by prior knowledge without.", Default = Key.Plain("true") };

    private static readonly Key<HttpSnapshot, ProtectSnapshot> Protect = new("protect", ProtectSection.Section, h => h.Protect)
    { Doc = "What keeps the service from being used up by a few clients.", Default = Key.EmptyMapping };

    private static readonly Key<HttpSnapshot, HstsSnapshot?> Hsts = new("hsts", new OptionalType<HstsSnapshot>(HstsSection), h => h.Hsts)
    { Doc = "Browsers are told to come by https only.", Otherwise = "they are not" };

    private static readonly Key<HttpSnapshot, CompressSnapshot> Compress = new("compress", CompressSection.Section, h => h.Compress)
    { Doc = "Compression of responses.", Default = Key.Plain("false") };

    private static readonly Key<HttpSnapshot, HeaderEditsSnapshot?> RequestHeaders = new(
        "request-headers", new OptionalType<HeaderEditsSnapshot>(new HeaderEditsSection("http.NAME.request-headers", isRequest: true, inRoute: false).Section), h => h.RequestHeaders.IsEmpty ? null : h.RequestHeaders)
    { Doc = "Changes to the headers that servers get, for all routes.", Otherwise = "none" };

    private static readonly Key<HttpSnapshot, HeaderEditsSnapshot?> ResponseHeaders = new(
        "response-headers", new OptionalType<HeaderEditsSnapshot>(new HeaderEditsSection("http.NAME.response-headers", isRequest: false, inRoute: false).Section), h => h.ResponseHeaders.IsEmpty ? null : h.ResponseHeaders)
    { Doc = "Changes to the headers that clients get, for all routes.", Otherwise = "none" };

    private static readonly Key<HttpSnapshot, ImmutableArray<ErrorPage>?> ErrorPages = new(
        "error-pages", new OptionalValueType<ImmutableArray<ErrorPage>>(ErrorPagesType.Map()), h => h.ErrorPages.IsEmpty ? null : h.ErrorPages)
    { Doc = "Pages for errors of our own, by status or 4xx, 5xx: { body: { file: ... }, content-type: ... }.", Otherwise = "a line of text" };

    public static readonly Section<HttpSnapshot> Section = new(
        "http.NAME",
        [Listen, Routes, Limits, Timeouts, Forwarded, RequestHeaders, ResponseHeaders, ErrorPages, Http2, Protect, Hsts, Compress],
        v => new HttpSnapshot
        {
            Name = "",
            Listen = v.Get(Listen),
            Routes = v.Get(Routes),
            Limits = v.Get(Limits),
            Timeouts = v.Get(Timeouts),
            Forwarded = v.Get(Forwarded),
            Http2 = v.Get(Http2),
            Protect = v.Get(Protect),
            Hsts = v.Get(Hsts),
            Compress = v.Get(Compress),
            RequestHeaders = v.Get(RequestHeaders) ?? HeaderEditsSnapshot.None,
            ResponseHeaders = v.Get(ResponseHeaders) ?? HeaderEditsSnapshot.None,
            ErrorPages = v.Get(ErrorPages) ?? [],
        })
    {
        Doc = "An HTTP service: where it listens and what it does with each request.",
        Block = true,
        Verify = Verify,
    };

    public static readonly MapType<HttpSnapshot, HttpSnapshot> Map = new(TextType.Name, Section, Named, h => (h.Name, h)) { Block = true };

    private static HttpSnapshot Named(string name, HttpSnapshot service) => service with
    {
        Name = name,
        Routes = [.. service.Routes.Select((r, i) => r.Name.Length > 0 ? r : r with { Name = DefaultName(name, i) })],
    };

    private static ImmutableArray<RouteSnapshot> WithoutDefaultNames(HttpSnapshot service) =>
        [.. service.Routes.Select((r, i) => r.Name == DefaultName(service.Name, i) ? r with { Name = "" } : r)];

    /// <summary>Cannot collide with a chosen name, which has no slash.</summary>
    private static string DefaultName(string service, int index) => $"{service}/{index + 1}";

    private static void Verify(Values v)
    {
        if (!v.TryGet(Routes, out ImmutableArray<RouteSnapshot> routes) || v.At(Routes) is not SequenceNode list) return;
        int all = routes.IndexOf(routes.FirstOrDefault(r => MatchesAll(r.Match))!);
        if (all >= 0 && all + 1 < routes.Length)
            v.Compilation.Warn(list.Items[all + 1], $"routes.{all + 2}: is never reached: route {all + 1} matches every request (put that one last)");
    }

    private static bool MatchesAll(RouteMatch match) => match.Host.IsEmpty && match.Path.IsEmpty && match.Method.IsEmpty
        && match.Source.IsEmpty && match.SourceList.IsEmpty && match.Header.IsEmpty && match.Query.IsEmpty && match.Cookie.IsEmpty
        && match.Scheme is null && match.Port.IsEmpty && match.Map.IsEmpty && match.Not.IsEmpty
        && match.All.All(MatchesAll) && (match.Any.IsEmpty || match.Any.Any(MatchesAll));
}

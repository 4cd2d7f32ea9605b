using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Rules;

namespace Mainstay.Core.Config.Vocabulary;

internal static class RouteSection
{
    /// <summary>A fixed response is made once and sent in one piece, from a buffer that the shard has for heads.</summary>
    private const int LargestBody = 64 * 1024;

    private static readonly Key<RouteAction.Respond, int> Status = new("status", new IntegerType(200, 599), r => r.Status)
    { Doc = "Status code.", Required = true };

    private static readonly Key<RouteAction.Respond, string> Body = new("body", new SourcedTextType(secret: false, FitsOneSend), r => r.Body)
    { Doc = "Body of the response.", Default = new ScalarNode("", quoted: true) };

    private static readonly Key<RouteAction.Respond, string> ContentType = new("content-type", TextType.MediaType, r => r.ContentType)
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
        "to", new TemplateType("URL", "a path or URL, where variables such as {host} stand in braces", LocationRule), r => r.Location)
    { Doc = "Where to: a URL or path with variables, such as https://{host}{uri}.", Required = true };

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

    private static readonly Key<RouteSnapshot, RouteAction?> To = new(
        "to", new OptionalType<RouteAction>(ToType.Instance), r => r.Action is RouteAction.ToPool or RouteAction.Split or RouteAction.ByMap ? r.Action : null)
    { Doc = "Name of the pool that they go to, or a mapping: several pools by weight." };

    private static readonly Key<RouteSnapshot, RouteAction.Respond?> Respond = new(
        "respond", new OptionalType<RouteAction.Respond>(RespondSection), r => r.Action as RouteAction.Respond)
    { Doc = "A fixed response." };

    private static readonly Key<RouteSnapshot, RouteAction.Redirect?> Redirect = new(
        "redirect", new OptionalType<RouteAction.Redirect>(RedirectSection), r => r.Action as RouteAction.Redirect)
    { Doc = "A redirect." };

    private static readonly Key<RouteSnapshot, FilesSnapshot?> Files = new(
        "files", new OptionalType<FilesSnapshot>(FilesSection.Section), r => (r.Action as RouteAction.ServeFiles)?.Files)
    { Doc = "Files from a directory." };

    private static readonly Key<RouteSnapshot, ImmutableArray<RateLimitSnapshot>?> RateLimits = new(
        "rate-limits",
        new OptionalValueType<ImmutableArray<RateLimitSnapshot>>(RateLimitSection.Map),
        r => r.RateLimits.IsEmpty ? null : r.RateLimits)
    { Doc = "Limits by name for this route, beside those of the service.", Otherwise = "none" };

    private static readonly Key<RouteSnapshot, CompressSnapshot?> Compress = new(
        "compress", new OptionalType<CompressSnapshot>(CompressSection.Section), r => r.Compress)
    { Doc = "Compression of responses.", Otherwise = "the service's" };

    private static readonly Key<RouteSnapshot, string?> Auth = new(
        "auth", new OptionalType<string>(AuthReferenceType.Instance), r => r.Auth.Length == 0 ? null : r.Auth)
    { Doc = "Who may ask: the name of an entry of auth.", Otherwise = "everyone" };

    private static readonly Key<RouteSnapshot, RouteAccessSnapshot?> Access = new(
        "access", new OptionalType<RouteAccessSnapshot>(RouteAccessSection.Section), r => r.Access)
    { Doc = "From which addresses." };

    private static readonly Key<RouteSnapshot, RewriteSnapshot?> Rewrite = new(
        "rewrite", new OptionalType<RewriteSnapshot>(RewriteSection.Section), r => r.Rewrite)
    { Doc = "Changes to the request's target.", OnlyWith = ["to"] };

    private static readonly Key<RouteSnapshot, HeaderEditsSnapshot?> RequestHeaders = new(
        "request-headers", new OptionalType<HeaderEditsSnapshot>(new HeaderEditsSection("http.NAME.routes.request-headers", isRequest: true, inRoute: true).Section), r => r.RequestHeaders.IsEmpty ? null : r.RequestHeaders)
    { Doc = "Changes to the headers that the server gets.", Otherwise = "none", OnlyWith = ["to"] };

    private static readonly Key<RouteSnapshot, HeaderEditsSnapshot?> ResponseHeaders = new(
        "response-headers", new OptionalType<HeaderEditsSnapshot>(new HeaderEditsSection("http.NAME.routes.response-headers", isRequest: false, inRoute: true).Section), r => r.ResponseHeaders.IsEmpty ? null : r.ResponseHeaders)
    { Doc = "Changes to the headers that the client gets.", Otherwise = "none" };

    private static readonly Key<RouteSnapshot, RouteTimeouts?> Timeouts = new(
        "timeouts", new OptionalType<RouteTimeouts>(RouteSettings.Timeouts), r => r.Timeouts)
    { Doc = "Times in place of the pool's.", OnlyWith = ["to"] };

    private static readonly Key<RouteSnapshot, RouteLimits?> Limits = new("limits", new OptionalType<RouteLimits>(RouteSettings.Limits), r => r.Limits)
    { Doc = "Limits in place of the service's." };

    private static readonly Key<RouteSnapshot, ImmutableArray<ErrorPage>?> ErrorPages = new(
        "error-pages", new OptionalValueType<ImmutableArray<ErrorPage>>(ErrorPagesType.Map()), r => r.ErrorPages.IsEmpty ? null : r.ErrorPages)
    { Doc = "Pages for errors of our own, by status or 4xx, 5xx: { body: { file: ... }, content-type: ... }.", Otherwise = "the service's" };

    public static readonly Section<RouteSnapshot> Section = new(
        "http.NAME.routes",
        [Name, Match, Access, To, Files, Respond, Redirect, Rewrite, RequestHeaders, ResponseHeaders, Timeouts, Limits, ErrorPages, RateLimits, Compress, Auth],
        Build)
    {
        Doc = "A list of rules; the first that matches decides. What no rule matches is answered 404.",
        OneOf = [To, Files, Respond, Redirect],
        Verify = v =>
        {
            TemplateScope.Resolve(v, v.TryGet(Match, out RouteMatch match) ? match : null);
            VerifyLimits(v);
        },
    };

    private static void VerifyLimits(Values v)
    {
        if (v.TryGet(RateLimits, out ImmutableArray<RateLimitSnapshot>? limits) && limits?.Any(limit => limit.Unit == LimitUnit.Connections) == true)
            v.Error(RateLimits, "connections are accepted before a route is chosen (below the service's protect)");
    }

    private static RouteSnapshot Build(Values v)
    {
        RouteAction action = v.Get(To) ?? (v.Get(Files) is { } files ? new RouteAction.ServeFiles(files) : (RouteAction?)v.Get(Respond) ?? v.Get(Redirect)!);
        return new RouteSnapshot(v.Get(Name) ?? "", v.Get(Match), action)
        {
            Access = v.Get(Access),
            Rewrite = v.Get(Rewrite),
            RequestHeaders = v.Get(RequestHeaders) ?? HeaderEditsSnapshot.None,
            ResponseHeaders = v.Get(ResponseHeaders) ?? HeaderEditsSnapshot.None,
            Timeouts = v.Get(Timeouts),
            Limits = v.Get(Limits),
            ErrorPages = v.Get(ErrorPages) ?? [],
            RateLimits = v.Get(RateLimits) ?? [],
            Compress = v.Get(Compress),
            Auth = v.Get(Auth) ?? "",
        };
    }

    private static string? LocationRule(string text)
    {
        if (text.Length is 0 or > 4096 || !text.All(c => c is > ' ' and <= '~')) return "is not a URL of printable ASCII characters";
        return text.StartsWith('/') || text.Contains("://") || text.StartsWith("{map.", StringComparison.Ordinal) ? null : "is neither a path nor a URL";
    }

    private static string? FitsOneSend(string text) =>
        Encoding.UTF8.GetByteCount(text) > LargestBody ? "is longer than 64 KiB; larger bodies are for a server" : null;
}

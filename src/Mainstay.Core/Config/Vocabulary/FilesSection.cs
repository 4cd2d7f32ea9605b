using System.Collections.Immutable;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>A directory whose files answer requests.</summary>
internal static class FilesSection
{
    private static readonly TextType Below = new("path", "a path below the root such as /index.html", BelowRule) { Pattern = "^/" };

    private static readonly TextType FileName = new("file name", "a file name such as index.html", FileNameRule) { Pattern = "^[^/]+$" };

    private static readonly TextType Prefix = new("path", "a path such as /static, or / for nothing", PrefixRule) { Pattern = "^/" };

    private static readonly TextType Extension = new(
        "extension", "a file name's extension such as html, without its dot; \"\" is for names without a known one", ExtensionRule);

    private static readonly ChoiceType<LinkPolicy> Policies = new(
        ("never", LinkPolicy.Never), ("inside", LinkPolicy.Inside), ("anywhere", LinkPolicy.Anywhere));

    private static readonly Key<FilesSnapshot, string> Root = new("root", TextType.Path, f => f.Root)
    { Doc = "Directory that the files are below.", Required = true };

    private static readonly Key<FilesSnapshot, ImmutableArray<string>> Index = new(
        "index", new ListType<string>(FileName) { Single = true }, f => f.Index)
    { Doc = "The file that answers for its directory; of several, the first that exists. [] for none.", Default = Key.Plain("index.html") };

    private static readonly Key<FilesSnapshot, string?> StripPrefix = new(
        "strip-prefix", new OptionalType<string>(Prefix), f => f.StripPrefix is "" ? "/" : f.StripPrefix)
    {
        Doc = "What is taken off the front of the request's path to make the file's; / is nothing.",
        Otherwise = "the path that the route matches on, where it matches on one path without =, ^ or ~; else nothing",
    };

    private static readonly Key<FilesSnapshot, string?> Try = new(
        "try", new OptionalType<string>(Below), f => f.Try.Length == 0 ? null : f.Try)
    { Doc = "File that answers, with 200, where there is none: /index.html for an application with routes of its own in the browser." };

    private static readonly Key<FilesSnapshot, string?> NotFound = new(
        "not-found", new OptionalType<string>(Below), f => f.NotFound.Length == 0 ? null : f.NotFound)
    { Doc = "File with the page of a 404.", Otherwise = "a line of text" };

    private static readonly Key<FilesSnapshot, bool> Precompressed = new("precompressed", BooleanType.Instance, f => f.Precompressed)
    {
        Doc = "Beside app.js, app.js.br, app.js.zst and app.js.gz are sent to whom accepts them. One that is older than its file is passed over.",
        Default = Key.Plain("true"),
    };

    private static readonly Key<FilesSnapshot, string?> CacheControl = new(
        "cache-control", new OptionalType<string>(new TextType("text", "directives such as public, max-age=3600", CacheControlRule)),
        f => f.CacheControl.Length == 0 ? null : f.CacheControl)
    { Doc = "Cache-Control of the answers.", Otherwise = "none is sent" };

    private static readonly Key<FilesSnapshot, ImmutableArray<MediaTypeRule>> MediaTypes = new(
        "media-types",
        new MapType<MediaTypeRule, string>(
            Extension, TextType.MediaType, (extension, type) => new MediaTypeRule(extension, type), r => (r.Extension, r.Type))
        { IgnoreCase = true },
        f => f.MediaTypes)
    { Doc = "Content types by extension, before the known ones.", Default = Key.EmptyMapping };

    private static readonly Key<FilesSnapshot, bool> Hidden = new("hidden", BooleanType.Instance, f => f.Hidden)
    { Doc = "Serve names that begin with a dot too. /.well-known is always served.", Default = Key.Plain("false") };

    private static readonly Key<FilesSnapshot, LinkPolicy> Links = new("symlinks", Policies, f => f.Links)
    {
        Doc = "Which symbolic links are followed: none, relative ones that lead to a place below the root, or any. The root itself may be one.",
        Default = Key.Plain("inside"),
    };

    private static readonly Key<FilesSnapshot, TimeSpan> Revalidate = new("revalidate", DurationType.OrZero, f => f.Revalidate)
    { Doc = "How long an opened file is served before it is looked at again.", Default = Key.Plain("1s") };

    public static readonly Section<FilesSnapshot> Section = new(
        "http.NAME.routes.files",
        [Root, Index, StripPrefix, Try, NotFound, Precompressed, CacheControl, MediaTypes, Hidden, Links, Revalidate],
        Build)
    {
        Doc = "Files from a directory: its path, or a mapping. Only GET and HEAD are answered.",
        Shorthand = Root,
    };

    private static FilesSnapshot Build(Values v) => new(v.Get(Root))
    {
        Index = v.Get(Index),
        StripPrefix = v.Get(StripPrefix)?.TrimEnd('/'),
        Try = v.Get(Try) ?? "",
        NotFound = v.Get(NotFound) ?? "",
        Precompressed = v.Get(Precompressed),
        CacheControl = v.Get(CacheControl) ?? "",
        MediaTypes = v.Get(MediaTypes),
        Hidden = v.Get(Hidden),
        Links = v.Get(Links),
        Revalidate = v.Get(Revalidate),
    };

    private static string? BelowRule(string text) =>
        text.StartsWith('/') && text.Length is > 1 and < 1024 && !text.Any(char.IsControl) && !text.EndsWith('/')
            && !text.Split('/').Skip(1).Any(segment => segment is "" or "." or "..")
            ? null
            : "is not the path of a file below the root";

    private static string? FileNameRule(string text) =>
        text.Length is > 0 and < 200 && text is not ("." or "..") && !text.Contains('/') && !text.Any(char.IsControl) ? null : "is not a file name";

    private static string? PrefixRule(string text) =>
        text.StartsWith('/') && text.Length < 1024 && text.All(c => c is > ' ' and <= '~' and not ('%' or '?')) && !text.Contains("//")
            ? null
            : "is not a path of printable ASCII characters without % and ?";

    private static string? ExtensionRule(string text) =>
        text.Length < 64 && !text.Contains('/') && !text.Contains('.') && !text.Any(char.IsControl) ? null : "is not an extension";

    private static string? CacheControlRule(string text) =>
        text.Length is > 0 and < 512 && text.Trim() == text && text.All(c => c is >= ' ' and <= '~') ? null : "is not a list of directives";
}

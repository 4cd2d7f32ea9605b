using System.Collections.Immutable;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>Which responses are compressed, and how.</summary>
internal static class CompressSection
{
    private static readonly TextType TypePattern = new("media type", "a media type such as text/html or text/*", TypeRule) { Pattern = "^[^/ ]+/[^/ ]+$" };

    private static readonly Key<CompressSnapshot, bool> Enabled = new("enabled", BooleanType.Instance, c => c.Enabled)
    { Doc = "Compress at all.", Default = Key.Plain("true") };

    private static readonly Key<CompressSnapshot, ImmutableArray<string>> Types = new(
        "types", new ListType<string>(TypePattern) { Single = true, AtLeast = 1 }, c => c.Types)
    {
        Doc = "Media types that are compressed. text/* leaves out text/event-stream, which has to be named to be compressed.",
        Default = new SequenceNode([.. CompressSnapshot.DefaultTypes.Select(type => (ConfigNode)new ScalarNode(type, quoted: true))]),
        Otherwise = "text, JSON, JavaScript, XML, SVG, WebAssembly and plain fonts",
    };

    private static readonly Key<CompressSnapshot, int> MinSize = new("min-size", new SmallSizeType(0, 1 << 30), c => c.MinSize)
    { Doc = "A body known to be smaller is sent as it is.", Default = Key.Plain("1KiB") };

    private static readonly Key<CompressSnapshot, int> Gzip = new("gzip", new IntegerType(0, 9), c => c.Gzip)
    { Doc = "Level of gzip; 0 is not at all.", Default = Key.Plain("4") };

    private static readonly Key<CompressSnapshot, int> Brotli = new("brotli", new IntegerType(0, 6), c => c.Brotli)
    { Doc = "Level of brotli; 0 is not at all. Higher ones are for files that are compressed ahead.", Default = Key.Plain("4") };

    private static readonly Key<CompressSnapshot, bool> CrossSite = new("cross-site", BooleanType.Instance, c => c.CrossSite)
    {
        Doc = "Compress also what a browser asks for with cookies on behalf of another site. The size of such an answer can tell that site "
            + "what is in it (BREACH); set it where answers hold no secrets.",
        Default = Key.Plain("false"),
    };

    public static readonly Section<CompressSnapshot> Section = new(
        "http.NAME.compress",
        [Enabled, Types, MinSize, Gzip, Brotli, CrossSite],
        v => new CompressSnapshot
        {
            Enabled = v.Get(Enabled),
            Types = v.Get(Types),
            MinSize = v.Get(MinSize),
            Gzip = v.Get(Gzip),
            Brotli = v.Get(Brotli),
            CrossSite = v.Get(CrossSite),
        })
    {
        Doc = "Compression of responses: true, false, or a mapping. A route's own replaces its service's as a whole.",
        Shorthand = Enabled,
    };

    private static string? TypeRule(string text)
    {
        string[] halves = text.Split('/');
        bool valid = halves.Length == 2 && TextType.IsToken(halves[0]) && !halves[0].Contains('*')
            && (halves[1] == "*" || (TextType.IsToken(halves[1]) && !halves[1].Contains('*')));
        return valid ? null : "is not a media type";
    }
}

using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;
using Mainstay.Core.Http;
using Mainstay.Core.Rules;
using Mainstay.Core.Rules.Captures;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>How a request's target is changed on its way to the server.</summary>
internal static class RewriteSection
{
    private static readonly TemplateType PathTemplate = new(
        "path with variables", "a path, and a query if wanted, where variables such as {path} stand in braces", PathRule);

    private static readonly TemplateType ParameterTemplate = new(
        "text with variables", "text of one line, where variables such as {client.address} stand in braces", TextType.LineRule);

    private static MapType<NamedTemplate, string> Parameters() => new(TextType.Line, ParameterTemplate, (n, t) => new NamedTemplate(n, t), t => (t.Name, t.Template));

    private static readonly Key<RewriteSnapshot, ImmutableArray<string>> Remove = new(
        "remove", new ListType<string>(TextType.Line) { Single = true }, r => r.QueryRemove)
    { Doc = "Names of parameters.", Default = Key.EmptyList };

    private static readonly Key<RewriteSnapshot, ImmutableArray<NamedTemplate>> Set = new("set", Parameters(), r => r.QuerySet)
    { Doc = "Parameters and values, in place of all of that name.", Default = Key.EmptyMapping };

    private static readonly Key<RewriteSnapshot, ImmutableArray<NamedTemplate>> Add = new("add", Parameters(), r => r.QueryAdd)
    { Doc = "Parameters and values, beside those of that name.", Default = Key.EmptyMapping };

    private static readonly Section<RewriteSnapshot> QuerySection = new(
        "http.NAME.routes.rewrite.query",
        [Set, Add, Remove],
        v => new RewriteSnapshot { QueryRemove = v.Get(Remove), QuerySet = v.Get(Set), QueryAdd = v.Get(Add) })
    { Doc = "Changes to single parameters of the query; the others stay as they are." };

    private static readonly Key<RewriteSnapshot, string?> StripPrefix = new(
        "strip-prefix", new OptionalType<string>(new TextType("path", "a path such as /api", PrefixRule)), r => OrNull(r.StripPrefix))
    { Doc = "Taken off the path where it begins with it; /api makes /a of /api/a.", Otherwise = "nothing" };

    private static readonly Key<RewriteSnapshot, string?> AddPrefix = new(
        "add-prefix", new OptionalType<string>(new TextType("path", "a path such as /v2", PrefixRule)), r => OrNull(r.AddPrefix))
    { Doc = "Put before the path, after everything else.", Otherwise = "nothing" };

    private static readonly Key<RewriteSnapshot, string?> Path = new("path", new OptionalType<string>(PathTemplate), r => OrNull(r.Path))
    { Doc = "The new path, and with ? the new query: /index.php?page={1}.", Otherwise = "as received" };

    private static readonly Key<RewriteSnapshot, ImmutableArray<NamedTemplate>> Replace = new("replace", new ReplaceType(PathTemplate), r => r.Replace)
    { Doc = "Regular expressions (~ or ~*) and new paths: the first that matches the path decides; {1} is its own first group.", Default = Key.EmptyMapping };

    private static readonly Key<RewriteSnapshot, RewriteSnapshot> Query = new("query", QuerySection, r => r)
    { Doc = "Changes to the query.", Default = Key.EmptyMapping };

    private static readonly Key<RewriteSnapshot, string?> Host = new(
        "host",
        new OptionalType<string>(new TemplateType("host with variables", "a host, with port if wanted, where variables such as {host} stand in braces", HostRule)),
        r => OrNull(r.Host))
    { Doc = "The Host that the server gets.", Otherwise = "as received" };

    public static readonly Section<RewriteSnapshot> Section = new(
        "http.NAME.routes.rewrite",
        [StripPrefix, AddPrefix, Path, Replace, Query, Host],
        v => v.Get(Query) with
        {
            StripPrefix = v.Get(StripPrefix) ?? "",
            AddPrefix = v.Get(AddPrefix) ?? "",
            Path = v.Get(Path) ?? "",
            Replace = v.Get(Replace),
            Host = v.Get(Host) ?? "",
        })
    {
        Doc = "How the request's target changes on its way to the server, in this order: strip-prefix, path or replace, add-prefix, query. "
            + "The conditions and all variables see the request as it was received.",
        Verify = v =>
        {
            if (v.IsWritten(Path) && v.IsWritten(Replace)) v.Error(Replace, "path is already there (one of the two)");
        },
    };

    private static string? OrNull(string text) => text.Length == 0 ? null : text;

    private static string? PrefixRule(string text)
    {
        if (text is ['/', _, ..] && text.All(c => c is > ' ' and <= '~' and not ('?' or '#' or '%' or '\\')))
        {
            byte[] path = Encoding.ASCII.GetBytes(text);
            bool normal = PathNormalizer.TryNormalize(path, new byte[path.Length], out ReadOnlySpan<byte> seen, out _) && seen.SequenceEqual(path);
            return normal ? null : "has empty or dot segments";
        }

        return "is not a path of at least one segment, written without %";
    }

    private static string? PathRule(string text)
    {
        if (text.Length is 0 or > 4096 || !text.All(c => c is > ' ' and <= '~')) return "is not a path of printable ASCII characters";
        return text[0] is '/' or '{' ? null : "does not begin with /";
    }

    private static string? HostRule(string text)
    {
        if (text.Contains('{')) return text.All(c => c is > ' ' and <= '~') ? null : "is not a host name";
        byte[] host = Encoding.UTF8.GetBytes(text);
        return Authority.TryParse(host, out _, out _) ? null : "is not a host name, with or without port";
    }
}

/// <summary>Regular expressions and the templates of what takes the place of what they match, in order.</summary>
internal sealed class ReplaceType(TemplateType template) : ConfigType<ImmutableArray<NamedTemplate>>
{
    public override string Label => $"mapping of ~regex to {template.Label}";
    public override string Expected => $"a mapping of ~regex to {template.Expected}";

    public override bool TryRead(ConfigNode node, Compilation compilation, out ImmutableArray<NamedTemplate> value)
    {
        value = [];
        if (node is not MappingNode mapping)
        {
            compilation.Error(node, $"{node.Form} where a mapping is due (\"~^/old/(.*)$\": \"/new/{{1}}\")");
            return false;
        }

        var read = ImmutableArray.CreateBuilder<NamedTemplate>();
        foreach (MappingEntry entry in mapping.Entries)
        {
            int openBefore = compilation.OpenNames.Count;
            string? problem = Check(entry.Key.Text, out CaptureProgram? program);
            if (problem is not null) compilation.Error(entry.Key, $"{Compilation.Show(entry.Key.Text)}: {problem}");
            if (!template.TryRead(entry.Value, compilation, out string text) || problem is not null) continue;
            ForgetOwn(compilation.OpenNames, openBefore, program);
            read.Add(new NamedTemplate(entry.Key.Text, text));
        }

        bool whole = read.Count == mapping.Entries.Length;
        if (whole) value = read.DrainToImmutable();
        return whole;
    }

    public override ConfigNode Write(ImmutableArray<NamedTemplate> value, WriteOptions options) => new MappingNode(
        [.. value.Select(replace => new MappingEntry(new ScalarNode(replace.Name, quoted: true), template.Write(replace.Template, options)))]);

    public override JsonObject Schema() => new()
    {
        ["type"] = "object",
        ["propertyNames"] = new JsonObject { ["pattern"] = "^~." },
        ["additionalProperties"] = template.Schema(),
    };

    private static string? Check(string written, out CaptureProgram? program)
    {
        program = null;
        if (!written.StartsWith('~')) return "a regular expression begins with ~, or with ~* to ignore case";
        string? problem = PatternText.Parse(written, PatternKind.Exact, out PatternKind kind, out string text);
        if (problem is not null) return problem;
        return CaptureProgram.TryCompile(text, kind == PatternKind.RegexIgnoreCase, out program, out problem) ? null
            : $"groups cannot be taken from the regular expression: {problem}";
    }

    /// <summary>The expression's own groups need no other explanation.</summary>
    private static void ForgetOwn(List<Mention> open, int from, CaptureProgram? program)
    {
        for (int i = open.Count - 1; i >= from && program is not null; i--)
        {
            CaptureReference reference = CaptureReference.Parse(open[i].Name);
            int number = reference.Number > 0 && reference.Field == CaptureField.Path ? reference.Number : program.NumberOf(reference.Group);
            if (number > 0 && number <= program.Groups) open.RemoveAt(i);
        }
    }
}

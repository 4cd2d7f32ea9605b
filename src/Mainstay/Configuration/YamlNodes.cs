using System.Collections.Immutable;
using Mainstay.Core.Config;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Mainstay.Configuration;

/// <summary>
/// Builds the node tree from the events of a YAML parser. Aliases share the node they name, so that a tree costs no more than its
/// text; what it would be when written out is counted and bounded.
/// </summary>
/// <param name="lines">Number of lines; the parser counts on behind the end of a file.</param>
internal sealed class YamlNodes(IParser parser, string file, int lines)
{
    /// <summary>The vocabulary is not a tenth as deep.</summary>
    private const int DeepestNesting = 64;

    /// <summary>Nodes, aliases written out: some thousand servers with all their settings.</summary>
    private const int MostNodes = 200_000;

    private const string Empty = "the file is empty (at least: an http service and a pool)";

    private readonly Dictionary<string, (ConfigNode Node, int Size)> _anchors = [];

    /// <summary>The only document of the stream.</summary>
    /// <exception cref="YamlException">The text is not the YAML that is accepted; the message says what and where.</exception>
    public ConfigNode ReadDocument()
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out StreamEnd? end)) throw Refused(end, Empty);
        var start = parser.Consume<DocumentStart>();
        ConfigNode root = Read(depth: 0, out _);
        if (root is ScalarNode { IsNull: true }) throw Refused(start, Empty);
        parser.Consume<DocumentEnd>();
        if (!parser.Accept<StreamEnd>(out _))
            throw Refused(parser.Current!, "a second document begins here (one document for each file; remove the line ---)");
        return root;
    }

    private ConfigNode Read(int depth, out int size)
    {
        if (parser.Accept<AnchorAlias>(out AnchorAlias? alias))
        {
            parser.MoveNext();
            if (!_anchors.TryGetValue(alias.Value.Value, out (ConfigNode Node, int Size) anchored)) throw Refused(alias, UnknownAlias(alias));
            size = anchored.Size;
            return anchored.Node;
        }

        if (depth > DeepestNesting) throw Refused(parser.Current!, $"nested more than {DeepestNesting} deep");
        NodeEvent start = parser.Current as NodeEvent ?? throw Refused(parser.Current!, "a value is missing here");
        CheckTag(start);
        ConfigNode node = start switch
        {
            Scalar => ReadScalar(out size),
            SequenceStart => ReadSequence(depth, out size),
            _ => ReadMapping(depth, out size),
        };
        if (!start.Anchor.IsEmpty) _anchors[start.Anchor.Value] = (node, size);
        return node;
    }

    private ScalarNode ReadScalar(out int size)
    {
        var scalar = parser.Consume<Scalar>();
        size = 1;
        bool text = scalar.Style is not (ScalarStyle.Plain or ScalarStyle.Any) || (!scalar.Tag.IsEmpty && scalar.Tag.Value.EndsWith(":str", StringComparison.Ordinal));
        return new ScalarNode(scalar.Value, text) { Position = PositionOf(scalar) };
    }

    private SequenceNode ReadSequence(int depth, out int size)
    {
        var start = parser.Consume<SequenceStart>();
        var items = ImmutableArray.CreateBuilder<ConfigNode>();
        size = 1;
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(Read(depth + 1, out int itemSize));
            size = Grown(size, itemSize, start);
        }

        return new SequenceNode(items.DrainToImmutable()) { Position = PositionOf(start) };
    }

    private MappingNode ReadMapping(int depth, out int size)
    {
        var start = parser.Consume<MappingStart>();
        var entries = ImmutableArray.CreateBuilder<MappingEntry>();
        var merged = new List<MappingNode>();
        size = 1;
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            ParsingEvent keyEvent = parser.Current!;
            if (Read(depth + 1, out _) is not ScalarNode key) throw Refused(keyEvent, "a key is a list or a mapping (a name; in quotes if it has to start with a bracket, brace or star)");
            ParsingEvent valueEvent = parser.Current!;
            ConfigNode value = Read(depth + 1, out int valueSize);
            size = Grown(size, valueSize + 1, start);
            if (key is { Text: "<<", Quoted: false }) merged.AddRange(MergeSources(value, valueEvent));
            else entries.Add(new MappingEntry(key, value));
        }

        AddMerged(entries, merged);
        return new MappingNode(entries.DrainToImmutable()) { Position = PositionOf(start) };
    }

    /// <summary>The merge key <c>&lt;&lt;</c>: what the mapping does not say itself comes from the sources, the first one first.</summary>
    private static void AddMerged(ImmutableArray<MappingEntry>.Builder entries, List<MappingNode> sources)
    {
        if (sources.Count == 0) return;
        HashSet<string> present = [.. entries.Select(e => e.Key.Text)];
        foreach (MappingEntry entry in sources.SelectMany(s => s.Entries))
        {
            if (present.Add(entry.Key.Text)) entries.Add(entry);
        }
    }

    private static IEnumerable<MappingNode> MergeSources(ConfigNode value, ParsingEvent at) => value switch
    {
        MappingNode mapping => [mapping],
        SequenceNode list when list.Items.All(i => i is MappingNode) => list.Items.Cast<MappingNode>(),
        _ => throw Refused(at, "<< takes a mapping or a list of mappings"),
    };

    private static int Grown(int size, int by, ParsingEvent at) =>
        size + by <= MostNodes ? size + by : throw Refused(at, $"more than {MostNodes} values, aliases written out");

    private static void CheckTag(NodeEvent node)
    {
        if (node.Tag.IsEmpty || node.Tag.IsNonSpecific || node.Tag.Value.StartsWith("tag:yaml.org,2002:", StringComparison.Ordinal)) return;
        throw Refused(node, "tags have no meaning here (remove the word that begins with !)");
    }

    private static string UnknownAlias(AnchorAlias alias) =>
        $"*{alias.Value.Value} refers to an anchor that is not defined before it (text that begins with a star goes in quotes: \"*{alias.Value.Value}\")";

    private SourcePosition PositionOf(ParsingEvent at) => new(file, (int)Math.Clamp(at.Start.Line, 1, lines), (int)Math.Max(1, at.Start.Column));

    private static RefusedYamlException Refused(ParsingEvent at, string message) => new(at.Start, at.End, message);
}

/// <summary>YAML that is well-formed but not accepted; the message is complete.</summary>
internal sealed class RefusedYamlException(in Mark start, in Mark end, string message) : YamlException(start, end, message);

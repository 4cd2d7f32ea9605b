using System.Collections.Immutable;
using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>A mapping with known keys, for everything that does not need to know what it is compiled to.</summary>
internal interface ISection
{
    /// <summary>Where it stands, for the reference: "pools.NAME.check".</summary>
    string Title { get; }

    /// <summary>Introduction of the section in the reference.</summary>
    string Doc { get; }

    ImmutableArray<Key> Keys { get; }

    /// <summary>Keys that a later version will know.</summary>
    ImmutableArray<string> Later { get; }

    /// <summary>Exactly one of these has to be there; empty = no such rule.</summary>
    ImmutableArray<Key> OneOf { get; }

    /// <summary>A single value stands for a mapping with only this key.</summary>
    Key? Shorthand { get; }

    /// <summary>The name of one of these keys, alone, stands for a mapping in which it is <c>true</c>.</summary>
    ImmutableArray<Key> ShorthandNames { get; }
}

/// <summary>A mapping with known keys that is compiled to a <typeparamref name="T"/>.</summary>
internal sealed class Section<T> : ConfigType<T>, ISection
{
    private readonly ImmutableArray<IWritable<T>> _keys;
    private readonly Func<Values, T> _build;

    /// <param name="title">Where it stands: "pools.NAME.check".</param>
    /// <param name="keys">In the order of the reference and of written files.</param>
    /// <param name="build">Called when every key was understood.</param>
    public Section(string title, ImmutableArray<IWritable<T>> keys, Func<Values, T> build)
    {
        Title = title;
        _keys = keys;
        _build = build;
        Keys = [.. keys.Select(k => k.Key)];
        for (int i = 0; i < Keys.Length; i++) Keys[i].Index = i;
    }

    public string Title { get; }
    public string Doc { get; init; } = "";
    public ImmutableArray<Key> Keys { get; }
    public ImmutableArray<string> Later { get; init; } = [];
    public ImmutableArray<Key> OneOf { get; init; } = [];
    public Key? Shorthand { get; init; }
    public ImmutableArray<Key> ShorthandNames { get; init; } = [];

    /// <summary>Written with one key a line.</summary>
    public bool Block { get; init; }

    /// <summary>Comments above the keys of a written file: their first sentence of documentation.</summary>
    public bool Commented { get; init; }

    /// <summary>What concerns several keys; sees also sections of which some keys were not understood.</summary>
    public Action<Values>? Verify { get; init; }

    public override ISection? AsSection => this;

    public override string Label =>
        Shorthand is not null ? $"{Shorthand.Name} or mapping"
        : ShorthandNames.IsEmpty ? "mapping" : $"{string.Join(", ", ShorthandNames.Select(k => k.Name))} or mapping";

    public override string Expected =>
        Shorthand is not null ? $"{Shorthand.ValueType.Expected} or a mapping"
        : ShorthandNames.IsEmpty ? $"a mapping with {string.Join(", ", Keys.Select(k => k.Name))}"
        : $"{string.Join(", ", ShorthandNames.Select(k => k.Name))} or a mapping";

    public override bool TryRead(ConfigNode node, Compilation compilation, out T value)
    {
        value = default!;
        int errorsBefore = compilation.ErrorCount;
        if (AsMapping(node, compilation) is not { } mapping) return false;
        var values = new Values(this, mapping, compilation, shortForm: mapping != node);
        values.Read();
        Verify?.Invoke(values);
        if (compilation.ErrorCount > errorsBefore) return false;
        value = _build(values);
        return compilation.ErrorCount == errorsBefore;
    }

    public override ConfigNode Write(T value, WriteOptions options)
    {
        var entries = ImmutableArray.CreateBuilder<MappingEntry>();
        foreach (IWritable<T> key in _keys)
        {
            if (key.Write(value, options) is not { } written) continue;
            entries.Add(new MappingEntry(new ScalarNode(key.Key.Name, quoted: true), written, Commented ? key.Key.Summary : null));
        }

        if (entries.Count == 1 && !options.Defaults && ShortForm(entries[0]) is { } shortForm) return shortForm;
        return new MappingNode(entries.ToImmutable()) { IsBlock = Block };
    }

    public override JsonObject Schema()
    {
        JsonObject mapping = SectionSchema.Of(this);
        if (Shorthand is not null) return new JsonObject { ["anyOf"] = new JsonArray(Shorthand.ValueType.Schema(), mapping) };
        if (ShorthandNames.IsEmpty) return mapping;
        var names = new JsonArray();
        foreach (Key key in ShorthandNames) names.Add((JsonNode)key.Name);
        return new JsonObject { ["anyOf"] = new JsonArray(new JsonObject { ["enum"] = names }, mapping) };
    }

    private MappingNode? AsMapping(ConfigNode node, Compilation compilation)
    {
        if (node is MappingNode mapping) return mapping;
        if (node is ScalarNode { IsNull: false } scalar)
        {
            if (Shorthand is not null) return OnlyKey(scalar, Shorthand.Name, scalar);
            if (ShorthandNames.Any(k => k.Name == scalar.Text)) return OnlyKey(scalar, scalar.Text, NodeAt(scalar, "true"));
            if (!ShorthandNames.IsEmpty)
            {
                string hint = OneOf.Any(k => k.Name == scalar.Text)
                    ? $"a mapping: {{ {scalar.Text}: ... }}, with {OneOf.First(k => k.Name == scalar.Text).ValueType.Expected}"
                    : Suggestion.Hint(scalar.Text, [.. OneOf.Select(k => k.Name)]);
                compilation.Error(node, $"{Compilation.Show(scalar.Text)} cannot stand alone here ({hint})");
                return null;
            }
        }

        compilation.Error(node, $"{node.Form} where a mapping is due (keys: {string.Join(", ", Keys.Select(k => k.Name))})");
        return null;
    }

    private static MappingNode OnlyKey(ScalarNode at, string key, ConfigNode value) =>
        new([new MappingEntry(NodeAt(at, key), value)]) { Position = at.Position };

    private static ScalarNode NodeAt(ScalarNode at, string text) => new(text) { Position = at.Position };

    private ConfigNode? ShortForm(MappingEntry only)
    {
        if (only.Key.Text == Shorthand?.Name && only.Value is ScalarNode) return only.Value;
        bool standsAlone = only.Value is ScalarNode { Text: "true" } && ShorthandNames.Any(k => k.Name == only.Key.Text);
        return standsAlone ? only.Key : null;
    }
}

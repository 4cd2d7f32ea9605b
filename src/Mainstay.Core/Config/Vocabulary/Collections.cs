using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>A list; where <see cref="Single"/> allows it, one item may stand without brackets.</summary>
internal sealed class ListType<T>(ConfigType<T> item) : ConfigType<ImmutableArray<T>>
{
    public bool Single { get; init; }

    public int AtLeast { get; init; }

    /// <summary>What may occur only once, with the word for it: ("name", s => s.Name). Null values are not compared.</summary>
    public ImmutableArray<(string Word, Func<T, string?> Of)> Unique { get; init; } = [];

    /// <summary>Written with one item a line.</summary>
    public bool Block { get; init; }

    public override string Label => Single ? $"{item.Label}, or list" : $"list: {item.Label}";
    public override string Expected => Single ? $"{item.Expected}, or a list of them" : $"a list ({item.Expected})";
    public override ISection? AsSection => item.AsSection;

    public override bool TryRead(ConfigNode node, Compilation compilation, out ImmutableArray<T> value)
    {
        value = [];
        ImmutableArray<ConfigNode> items;
        if (node is SequenceNode sequence) items = sequence.Items;
        else if (Single) items = [node];
        else
        {
            compilation.Error(node, $"{node.Form} where a list is due (write \"- \" before each item, or [ ] around them)");
            return false;
        }

        if (items.Length < AtLeast)
        {
            compilation.Error(node, $"the list is empty (at least {AtLeast}: {item.Expected})");
            return false;
        }

        return TryReadItems(items, numbered: node is SequenceNode, compilation, out value);
    }

    public override ConfigNode Write(ImmutableArray<T> value, WriteOptions options)
    {
        if (Single && value.Length == 1 && !options.Defaults && item.Write(value[0], options) is { } only and not SequenceNode) return only;
        return new SequenceNode([.. value.Select(v => item.Write(v, options))]) { IsBlock = Block };
    }

    public override JsonObject Schema()
    {
        var list = new JsonObject { ["type"] = "array", ["items"] = item.Schema() };
        if (AtLeast > 0) list["minItems"] = AtLeast;
        return Single ? new JsonObject { ["anyOf"] = new JsonArray(item.Schema(), list) } : list;
    }

    private bool TryReadItems(
        ImmutableArray<ConfigNode> items, bool numbered, Compilation compilation, out ImmutableArray<T> value)
    {
        var read = ImmutableArray.CreateBuilder<T>(items.Length);
        var seen = new Dictionary<(string, string), ConfigNode>();
        bool whole = true;
        for (int i = 0; i < items.Length; i++)
        {
            if (numbered) compilation.Enter($"{i + 1}");
            if (item.TryRead(items[i], compilation, out T one))
            {
                read.Add(one);
                whole &= IsUnique(one, items[i], seen, compilation);
            }
            else
            {
                whole = false;
            }

            if (numbered) compilation.Leave();
        }

        value = whole ? read.DrainToImmutable() : [];
        return whole;
    }

    private bool IsUnique(T one, ConfigNode at, Dictionary<(string, string), ConfigNode> seen, Compilation compilation)
    {
        foreach ((string word, Func<T, string?> of) in Unique)
        {
            if (of(one) is not { } text || seen.TryAdd((word, text), at)) continue;
            int line = seen[(word, text)].Position.Line;
            compilation.Error(at, $"duplicate {word} {Compilation.Show(text)} (first on line {line}; each may occur once)");
            return false;
        }

        return true;
    }
}

/// <summary>A mapping from names that the user chooses.</summary>
/// <typeparam name="TItem">What name and value together are compiled to.</typeparam>
/// <typeparam name="TValue">What the value is compiled to.</typeparam>
internal sealed class MapType<TItem, TValue>(
    ScalarType<string> name, ConfigType<TValue> value, Func<string, TValue, TItem> join, Func<TItem, (string Name, TValue Value)> split)
    : ConfigType<ImmutableArray<TItem>>
{
    /// <summary>Names that differ only by case are the same.</summary>
    public bool IgnoreCase { get; init; }

    /// <summary>Written with one entry a line.</summary>
    public bool Block { get; init; }

    /// <summary>Told about every valid name, also where its value is broken.</summary>
    public Action<Compilation, ScalarNode>? OnName { get; init; }

    public override string Label => $"mapping of {name.Label} to {value.Label}";
    public override string Expected => $"a mapping of {name.Label} to {value.Expected}";
    public override ISection? AsSection => value.AsSection;

    public override bool TryRead(ConfigNode node, Compilation compilation, out ImmutableArray<TItem> items)
    {
        items = [];
        if (node is not MappingNode mapping)
        {
            compilation.Error(node, $"{node.Form} where a mapping is due ({name.Label}: {value.Label})");
            return false;
        }

        var read = ImmutableArray.CreateBuilder<TItem>(mapping.Entries.Length);
        var seen = new Dictionary<string, ScalarNode>(IgnoreCase ? StringComparer.OrdinalIgnoreCase : StringComparer.Ordinal);
        foreach (MappingEntry entry in mapping.Entries)
        {
            if (!seen.TryAdd(entry.Key.Text, entry.Key))
            {
                int line = seen[entry.Key.Text].Position.Line;
                compilation.Error(entry.Key, $"duplicate {name.Label} {Compilation.Show(entry.Key.Text)} (first on line {line})");
                continue;
            }

            if (TryReadEntry(entry, compilation, out TItem item)) read.Add(item);
        }

        bool whole = read.Count == mapping.Entries.Length;
        if (whole) items = read.DrainToImmutable();
        return whole;
    }

    public override ConfigNode Write(ImmutableArray<TItem> items, WriteOptions options)
    {
        var entries = ImmutableArray.CreateBuilder<MappingEntry>(items.Length);
        foreach (TItem item in items)
        {
            (string itemName, TValue itemValue) = split(item);
            entries.Add(new MappingEntry(new ScalarNode(itemName, quoted: true), value.Write(itemValue, options)));
        }

        return new MappingNode(entries.DrainToImmutable()) { IsBlock = Block };
    }

    public override JsonObject Schema() => new()
    {
        ["type"] = "object",
        ["propertyNames"] = name.Schema(),
        ["additionalProperties"] = value.Schema(),
    };

    private bool TryReadEntry(MappingEntry entry, Compilation compilation, out TItem item)
    {
        item = default!;
        bool named = name.TryRead(entry.Key, compilation, out string text);
        if (named) OnName?.Invoke(compilation, entry.Key);
        compilation.Enter(named && Ascii.IsValid(text) ? text : Compilation.Show(entry.Key.Text));
        bool read = value.TryRead(entry.Value, compilation, out TValue typed);
        compilation.Leave();
        if (!named || !read) return false;
        item = join(text, typed);
        return true;
    }
}

using System.Collections.Immutable;

namespace Mainstay.Core.Config;

/// <summary>Where something was written; line and column count from 1.</summary>
public readonly record struct SourcePosition(string File, int Line, int Column);

/// <summary>
/// A configuration as written: scalars, sequences and mappings with their positions, before anything is known about their meaning.
/// A node may be reachable on several ways (YAML aliases) but never contains itself.
/// </summary>
public abstract class ConfigNode
{
    public SourcePosition Position { get; init; }

    /// <summary>For a writer: one entry a line instead of a short form on one line.</summary>
    internal bool IsBlock { get; init; }

    /// <summary>What it is, for messages: "a list", "a mapping", "a value".</summary>
    internal abstract string Form { get; }

    /// <summary>The same content in the same order, positions and styles aside.</summary>
    public static bool ContentEquals(ConfigNode left, ConfigNode right) => (left, right) switch
    {
        (ScalarNode a, ScalarNode b) => a.Text == b.Text,
        (SequenceNode a, SequenceNode b) => SequenceEquals(a, b),
        (MappingNode a, MappingNode b) => MappingEquals(a, b),
        _ => false,
    };

    private static bool SequenceEquals(SequenceNode a, SequenceNode b)
    {
        if (a.Items.Length != b.Items.Length) return false;
        for (int i = 0; i < a.Items.Length; i++)
        {
            if (!ContentEquals(a.Items[i], b.Items[i])) return false;
        }

        return true;
    }

    private static bool MappingEquals(MappingNode a, MappingNode b)
    {
        if (a.Entries.Length != b.Entries.Length) return false;
        for (int i = 0; i < a.Entries.Length; i++)
        {
            if (a.Entries[i].Key.Text != b.Entries[i].Key.Text || !ContentEquals(a.Entries[i].Value, b.Entries[i].Value)) return false;
        }

        return true;
    }
}

public sealed class ScalarNode(string text, bool quoted = false) : ConfigNode
{
    public string Text => text;

    /// <summary>Written in quotes or as a block scalar: text, whatever it looks like.</summary>
    public bool Quoted => quoted;

    /// <summary>Nothing was written, or YAML's null.</summary>
    public bool IsNull => !quoted && text is "" or "~" or "null" or "Null" or "NULL";

    /// <summary>Not to be shown: it may be a password or token.</summary>
    internal bool IsSecret { get; init; }

    internal override string Form => IsNull ? "nothing" : "a single value";
}

public sealed class SequenceNode(ImmutableArray<ConfigNode> items) : ConfigNode
{
    public ImmutableArray<ConfigNode> Items => items;

    internal override string Form => "a list";
}

public sealed class MappingNode(ImmutableArray<MappingEntry> entries) : ConfigNode
{
    /// <summary>In the order written; the compiler refuses duplicate keys.</summary>
    public ImmutableArray<MappingEntry> Entries => entries;

    internal override string Form => "a mapping";

    internal ConfigNode? Find(string key)
    {
        foreach (MappingEntry entry in entries)
        {
            if (entry.Key.Text == key) return entry.Value;
        }

        return null;
    }
}

/// <param name="Comment">For a writer: a line above the entry.</param>
public readonly record struct MappingEntry(ScalarNode Key, ConfigNode Value, string? Comment = null);

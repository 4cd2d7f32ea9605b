using System.Text;
using System.Text.RegularExpressions;

namespace Mainstay.Core.Config;

/// <summary>Writes a node tree as YAML that people like to edit: short mappings on one line, quotes only where they are needed.</summary>
internal sealed partial class YamlText
{
    /// <summary>Columns that a short form may reach.</summary>
    private const int Width = 110;

    private const int Step = 2;

    private readonly StringBuilder _text = new();

    public static string Of(MappingNode root)
    {
        if (root.Entries.IsEmpty) return "{}\n";
        var yaml = new YamlText();
        bool first = true;
        foreach (MappingEntry entry in root.Entries)
        {
            if (!first) yaml._text.Append('\n');
            first = false;
            yaml.WriteEntry(entry, indent: 0);
        }

        return yaml._text.ToString();
    }

    /// <summary>On one line; secrets are not shown when <paramref name="hideSecrets"/>.</summary>
    public static string OneLine(ConfigNode node, bool hideSecrets = false) => node switch
    {
        ScalarNode { IsSecret: true } when hideSecrets => "(hidden)",
        ScalarNode scalar => Scalar(scalar, inFlow: true),
        SequenceNode { Items.IsEmpty: true } => "[]",
        SequenceNode list => $"[{string.Join(", ", list.Items.Select(i => OneLine(i, hideSecrets)))}]",
        MappingNode { Entries.IsEmpty: true } => "{}",
        MappingNode map => $"{{ {string.Join(", ", map.Entries.Select(e => $"{Scalar(e.Key, true)}: {OneLine(e.Value, hideSecrets)}"))} }}",
        _ => "",
    };

    private void WriteEntry(MappingEntry entry, int indent)
    {
        if (entry.Comment is not null) _text.Append(' ', indent).Append("# ").Append(entry.Comment).Append('\n');
        _text.Append(' ', indent);
        WriteKeyAndValue(entry, indent);
    }

    private void WriteKeyAndValue(MappingEntry entry, int indent)
    {
        string key = Scalar(entry.Key, inFlow: false);
        _text.Append(key).Append(':');
        if (ShortForm(entry.Value, indent + key.Length + 2) is { } shortForm)
        {
            _text.Append(' ').Append(shortForm).Append('\n');
            return;
        }

        _text.Append('\n');
        WriteBlock(entry.Value, indent + Step);
    }

    private void WriteBlock(ConfigNode node, int indent)
    {
        if (node is MappingNode mapping)
        {
            foreach (MappingEntry entry in mapping.Entries) WriteEntry(entry, indent);
        }
        else if (node is SequenceNode sequence)
        {
            foreach (ConfigNode item in sequence.Items) WriteItem(item, indent);
        }
    }

    private void WriteItem(ConfigNode item, int indent)
    {
        _text.Append(' ', indent).Append("- ");
        if (ShortForm(item, indent + Step) is { } shortForm)
        {
            _text.Append(shortForm).Append('\n');
        }
        else if (item is MappingNode mapping)
        {
            WriteKeyAndValue(mapping.Entries[0], indent + Step);
            foreach (MappingEntry entry in mapping.Entries[1..]) WriteEntry(entry, indent + Step);
        }
        else
        {
            // A list in a list that does not fit on a line: not nice, but right.
            _text.Append(OneLine(item)).Append('\n');
        }
    }

    /// <summary>Null when the value goes below its key.</summary>
    private static string? ShortForm(ConfigNode node, int column)
    {
        if (node is ScalarNode scalar) return Scalar(scalar, inFlow: false);
        string line = OneLine(node);
        bool empty = line.Length == 2;
        return empty || (!WantsBlock(node) && column + line.Length <= Width) ? line : null;
    }

    private static bool WantsBlock(ConfigNode node) => node.IsBlock || node switch
    {
        SequenceNode list => list.Items.Any(WantsBlock),
        MappingNode map => map.Entries.Any(e => WantsBlock(e.Value)),
        _ => false,
    };

    private static string Scalar(ScalarNode scalar, bool inFlow)
    {
        if (!scalar.Quoted) return scalar.Text;
        bool plain = PlainText().IsMatch(scalar.Text) && !LooksTyped().IsMatch(scalar.Text) && !(inFlow && scalar.Text.Contains(':'));
        return plain ? scalar.Text : Quoted(scalar.Text);
    }

    private static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char c in text)
        {
            quoted.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\n' => "\\n",
                '\r' => "\\r",
                '\t' => "\\t",
                < ' ' or '\x7f' => $"\\x{(int)c:x2}",
                >= '\x80' and < '\xa0' or '\u2028' or '\u2029' or '\ufeff' or '\ufffe' or '\uffff' => $"\\u{(int)c:x4}",
                _ => c.ToString(),
            });
        }

        return quoted.Append('"').ToString();
    }

    /// <summary>Needs no quotes in YAML 1.1 and 1.2: a letter, digit or slash first, then nothing with a meaning.</summary>
    [GeneratedRegex(@"\A[A-Za-z0-9/][A-Za-z0-9_./*%+=()|$^~-]*(:[A-Za-z0-9_./*%+=()|$^~-]+)*\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainText();

    /// <summary>Would be read as null, boolean, number (sexagesimal ones of YAML 1.1 too) or date.</summary>
    [GeneratedRegex(
        @"\A(null|true|false|yes|no|on|off|y|n|[-+]?[0-9][0-9_]*(\.[0-9_]*)?(e[-+]?[0-9]+)?|0[xob][0-9a-f_]+|[0-9_]+(:[0-9_.]+)+|[0-9]{4}-[0-9]{1,2}-[0-9].*)\z",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase)]
    private static partial Regex LooksTyped();
}

using System.Text;
using Mainstay.Core.Config.Vocabulary;

namespace Mainstay.Core.Config;

/// <summary>The configuration's vocabulary as Markdown: a table for each section.</summary>
public static class ConfigReference
{
    public static string Write()
    {
        var page = new StringBuilder();
        WriteSection(RootSection.Section, page, []);
        return page.ToString();
    }

    private static void WriteSection(ISection section, StringBuilder page, HashSet<string> written)
    {
        if (!written.Add(section.Title)) return;
        page.Append($"### {(section.Title.Contains(' ') ? section.Title : $"`{section.Title}`")}\n\n");
        if (section.Doc.Length > 0) page.Append($"{section.Doc}\n\n");
        if (!section.OneOf.IsEmpty)
            page.Append($"Exactly one of {string.Join(", ", section.OneOf.Select(k => $"`{k.Name}`"))}.\n\n");
        page.Append("| key | value | default | meaning |\n|---|---|---|---|\n");
        foreach (Key key in section.Keys)
        {
            string meaning = key.OnlyWith.Length == 0 ? key.Doc : $"{key.Doc} With {string.Join(", ", key.OnlyWith.Select(k => $"`{k}`"))}.";
            page.Append($"| `{key.Name}` | {Cell(key.ValueType.Label)} | {Cell(DefaultOf(key))} | {Cell(meaning)} |\n");
        }

        page.Append('\n');
        foreach (Key key in section.Keys)
        {
            if (key.ValueType.AsSection is { } inner) WriteSection(inner, page, written);
        }
    }

    private static string DefaultOf(Key key)
    {
        if (key.Required) return "required";
        if (key.Otherwise is not null) return key.Otherwise;
        return key.Default switch
        {
            ScalarNode { Text: "" } => "empty",
            ScalarNode scalar => $"`{scalar.Text}`",
            SequenceNode => "none",
            MappingNode => "as below",
            _ => "",
        };
    }

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}

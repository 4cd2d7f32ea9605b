using System.Text;
using Mainstay.Core.Config.Vocabulary;

namespace Mainstay.Core.Rules;

/// <param name="IsVariable">Else text that stands for itself.</param>
internal readonly record struct TemplatePart(bool IsVariable, string Text);

/// <summary>
/// Text with variables in braces: <c>https://{host}{uri}</c>. Two braces stand for one. The one syntax of all templates.
/// </summary>
internal static class TemplateText
{
    public static IReadOnlyList<TemplatePart> Split(string template)
    {
        var parts = new List<TemplatePart>();
        var literal = new StringBuilder();
        for (int at = 0; at < template.Length; at++)
        {
            char c = template[at];
            bool isDoubled = c is '{' or '}' && at + 1 < template.Length && template[at + 1] == c;
            int close = c == '{' && !isDoubled ? template.IndexOf('}', at) : -1;
            if (close < 0)
            {
                literal.Append(c);
                if (isDoubled) at++;
                continue;
            }

            if (literal.Length > 0) parts.Add(new TemplatePart(false, literal.ToString()));
            literal.Clear();
            parts.Add(new TemplatePart(true, template[(at + 1)..close]));
            at = close;
        }

        if (literal.Length > 0) parts.Add(new TemplatePart(false, literal.ToString()));
        return parts;
    }

    public static string Join(IEnumerable<TemplatePart> parts) =>
        string.Concat(parts.Select(part => part.IsVariable ? $"{{{part.Text}}}" : Escape(part.Text)));

    public static string Escape(string text) => text.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal);

    /// <summary>Null, or what is wrong with a template, captures and maps aside: they depend on the route's conditions.</summary>
    /// <param name="open">Names that only a route's conditions can explain.</param>
    public static string? Check(string template, bool inResponse, out IReadOnlyList<string> open)
    {
        var unknown = new List<string>();
        open = unknown;
        foreach (TemplatePart part in Split(template))
        {
            if (!part.IsVariable)
            {
                if (part.Text.Any(char.IsControl)) return "contains control characters";
                continue;
            }

            if (IsUnfinished(part.Text)) return $"contains {Compilation.Show($"{{{part.Text}}}")}, which is not a variable (two braces stand for one)";
            VariableInfo? known = Variables.Find(part.Text, out _);
            if (known is null || known.Kind == VariableKind.Map || CaptureReference.IsExplicit(part.Text)) unknown.Add(part.Text);
            else if (known.Phase == VariablePhase.Response && !inResponse) return $"contains {{{part.Text}}}, which is not known before the response is there";
        }

        return null;
    }

    /// <summary>For the end of a message about an unknown name.</summary>
    public static string Hint(string name, IEnumerable<string> captures)
    {
        // What stands before the user's own part is what may be a slip.
        int dot = name.IndexOf('.');
        string[] known = [.. captures, .. Variables.All.Select(variable => variable.Name.TrimEnd('.'))];
        string? nearest = Suggestion.Nearest(name, known);
        if (nearest is null && dot > 0 && Suggestion.Nearest(name[..dot], known) is { } front) nearest = front + name[dot..];
        return nearest is null ? "docs/rules.md lists the variables; two braces stand for one" : $"did you mean {{{nearest}}}?";
    }

    private static bool IsUnfinished(string name) => name.Length == 0 || name.Any(c => c is '{' or ' ' or '"' || char.IsControl(c));
}

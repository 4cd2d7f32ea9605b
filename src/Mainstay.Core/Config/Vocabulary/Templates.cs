using System.Text.Json.Nodes;
using Mainstay.Core.Rules;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>Text with variables in braces. Environment variables are put in here: what runs does not depend on them any more.</summary>
/// <param name="label">For the reference.</param>
/// <param name="expected">For messages.</param>
/// <param name="rule">Null when the text as written is right, else what is wrong with it.</param>
internal sealed class TemplateType(string label, string expected, Func<string, string?> rule) : ScalarType<string>
{
    /// <summary>It is written when the response is there.</summary>
    public bool InResponse { get; init; }

    /// <summary>Not part of a route: there are no conditions whose captures it could use.</summary>
    public bool IsShared { get; init; }

    public override string Label => label;
    public override string Expected => expected;

    public override ConfigNode Write(string value, WriteOptions options) => new ScalarNode(value, quoted: true);

    public override JsonObject Schema() => new() { ["type"] = new JsonArray("string", "number", "boolean") };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out string value)
    {
        value = scalar.Text;
        string? problem = rule(value) ?? TemplateText.Check(value, InResponse, out _);
        if (problem is not null) return $"{Compilation.Show(value)} {problem} ({expected})";
        problem = TryResolveEnvironment(value, compilation, out value);
        if (problem is not null) return problem;
        TemplateText.Check(value, InResponse, out IReadOnlyList<string> open);
        foreach (string name in open)
        {
            if (IsShared) return $"{Compilation.Show(scalar.Text)} contains {{{name}}}, which is not known here ({TemplateText.Hint(name, [])})";
            compilation.OpenNames.Add(compilation.Mention(scalar, name));
        }

        return null;
    }

    private static string? TryResolveEnvironment(string template, Compilation compilation, out string resolved)
    {
        resolved = template;
        if (!template.Contains($"{{{Variables.Environment}", StringComparison.Ordinal)) return null;
        List<TemplatePart> parts = [.. TemplateText.Split(template)];
        for (int i = 0; i < parts.Count; i++)
        {
            if (!parts[i].IsVariable || !parts[i].Text.StartsWith(Variables.Environment, StringComparison.Ordinal)) continue;
            string name = parts[i].Text[Variables.Environment.Length..];
            if (!compilation.Environment.Secrets(SecretSource.Environment, name, out string value)) return $"{{{parts[i].Text}}}: {value}";
            if (value.Any(char.IsControl)) return $"{{{parts[i].Text}}}: the environment variable {name} contains control characters";
            parts[i] = new TemplatePart(false, value);
        }

        resolved = TemplateText.Join(parts);
        return null;
    }
}

/// <summary>Explains the open names of a route's templates by its conditions.</summary>
internal static class TemplateScope
{
    /// <param name="match">Null: the conditions have errors of their own, and nothing can be said.</param>
    public static void Resolve(Values route, RouteMatch? match)
    {
        Compilation compilation = route.Compilation;
        List<Mention> open = [.. compilation.OpenNames];
        compilation.OpenNames.Clear();
        if (match is null) return;
        foreach (Mention name in open)
        {
            if (Explain(name.Name, match) is { } problem) compilation.Error(name, problem);
        }
    }

    private static string? Explain(string name, RouteMatch match)
    {
        if (name.StartsWith(Variables.Map, StringComparison.Ordinal))
        {
            string map = name[Variables.Map.Length..];
            return AsksMap(match, map) ? null : $"{{{name}}} needs the route to ask that map (match: {{ map: {{ {map}: \"{{path}}\" }} }})";
        }

        CaptureReference reference = CaptureReference.Parse(name);
        if (CaptureSlots.Knows(match, reference)) return null;
        if (reference.Number == 0) return $"contains {{{name}}}, which is not known ({TemplateText.Hint(name, CaptureSlots.NamesIn(match))})";
        string field = reference.Field.ToString().ToLowerInvariant();
        return $"contains {{{name}}}, but no regular expression for the {field} in match has a group {reference.Number} (put it in parentheses)";
    }

    private static bool AsksMap(RouteMatch match, string map) =>
        match.Map.Any(asked => asked.Name == map) || match.All.Concat(match.Any).Any(inner => AsksMap(inner, map));
}

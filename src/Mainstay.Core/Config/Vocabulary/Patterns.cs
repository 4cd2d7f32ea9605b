using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Mainstay.Core.Http;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>Regular expressions run in linear time or not at all.</summary>
internal static class LinearRegex
{
    /// <summary>Longest expression, in characters.</summary>
    private const int Longest = 4096;

    /// <summary>Null when the expression can be used, else what is wrong with it.</summary>
    public static string? Check(string expression, bool ignoreCase)
    {
        if (expression.Length == 0) return "the regular expression is empty";
        if (expression.Length > Longest) return $"the regular expression is longer than {Longest} characters";
        try
        {
            _ = new Regex(expression, Options(ignoreCase));
            return null;
        }
        catch (NotSupportedException)
        {
            return $"the regular expression cannot be run in linear time: {Reason(expression)}";
        }
        catch (ArgumentException problem)
        {
            return $"the regular expression is not valid: {Compilation.Show(problem.Message)}";
        }
    }

    /// <summary>What it uses that needs backtracking, with what to write instead.</summary>
    private static string Reason(string expression)
    {
        (string Sign, string Remedy)[] known =
        [
            ("(?=", "lookahead; match what follows, and put `(...)` around what is meant"),
            ("(?!", "negative lookahead; say it by `not` in the route's conditions"),
            ("(?<=", "lookbehind; match what precedes, and put `(...)` around what is meant"),
            ("(?<!", "negative lookbehind; say it by `not` in the route's conditions"),
            ("(?>", "an atomic group; (?:...) does the same here, because nothing is tried twice"),
            ("(?(", "a condition; write both ways with |"),
            ("\\k", "a backreference; two conditions can compare two values with fixed ones only"),
            ("\\G", "\\G; ^ is the start"),
        ];
        foreach ((string sign, string remedy) in known)
            if (expression.Contains(sign, StringComparison.Ordinal)) return $"it has {remedy}";
        bool refersBack = Regex.IsMatch(expression, @"\\[1-9]", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        return refersBack ? "it has a backreference, such as \\1; leave it out" : "counts are too large; write smaller ones or *";
    }

    private static RegexOptions Options(bool ignoreCase) =>
        RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | (ignoreCase ? RegexOptions.IgnoreCase : RegexOptions.None);
}

/// <summary>How a match value is written: plain, <c>=x</c>, <c>^x</c>, <c>~x</c>, <c>~*x</c>.</summary>
internal static class PatternText
{
    public static string? Parse(string written, PatternKind plain, out PatternKind kind, out string text)
    {
        (kind, text) = written switch
        {
            ['~', '*', ..] => (PatternKind.RegexIgnoreCase, written[2..]),
            ['~', ..] => (PatternKind.Regex, written[1..]),
            ['^', ..] => (PatternKind.Prefix, written[1..]),
            ['=', ..] => (PatternKind.Exact, written[1..]),
            _ => (plain, written),
        };
        if (kind == PatternKind.Prefix && text.Length == 0) return "^ alone begins everything (leave the condition out)";
        if (kind is PatternKind.Regex or PatternKind.RegexIgnoreCase) return LinearRegex.Check(text, kind == PatternKind.RegexIgnoreCase);
        return text.Any(c => char.IsControl(c)) ? "it contains control characters" : null;
    }

    public static string Write(PatternKind kind, string text, PatternKind plain)
    {
        string sign = kind switch
        {
            PatternKind.RegexIgnoreCase => "~*",
            PatternKind.Regex => "~",
            PatternKind.Prefix => "^",
            PatternKind.Exact => "=",
            _ => "",
        };
        bool needsSign = kind != plain || (text.Length > 0 && "~^=".Contains(text[0]));
        return needsSign ? sign + text : text;
    }

    public static JsonObject Schema() => new() { ["type"] = new JsonArray("string", "number", "boolean") };
}

/// <summary>Host names in a match: exact, or <c>*.</c> and a domain.</summary>
internal sealed class HostPatternType : ScalarType<HostPattern>
{
    public static readonly HostPatternType Instance = new();

    public override string Label => "host";
    public override string Expected => "a host name without port such as www.example.com or \"*.example.com\", or ~regex";

    public override ConfigNode Write(HostPattern value, WriteOptions options) =>
        new ScalarNode(value.IsRegex ? $"~{value.Suffix}" : value.Wildcard ? $"*.{value.Suffix}" : value.Suffix, quoted: true);

    public override JsonObject Schema() => new() { ["type"] = "string", ["minLength"] = 1 };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out HostPattern value)
    {
        if (scalar.Text.StartsWith('~')) return ParseExpression(scalar, out value);
        string text = scalar.Text.ToLowerInvariant();
        bool wildcard = text.StartsWith("*.", StringComparison.Ordinal);
        string name = wildcard ? text[2..] : text.StartsWith('=') ? text[1..] : text;
        value = new HostPattern(name, wildcard);
        if (text == "*") return "\"*\" is every host (leave the condition out)";
        if (text.StartsWith('^')) return $"{Compilation.Show(scalar.Text)}: hosts match exactly, by \"*.\" or by ~regex ({Expected})";
        if (text.Any(c => c > '~')) return $"{Compilation.Show(scalar.Text)} is not ASCII (write international names in their xn-- form)";
        bool literal = !wildcard && name is ['[', .., ']'] && Net.NetAddress.TryParse(name.AsSpan(1, name.Length - 2), out _);
        return literal || EndpointType.IsHostName(name) ? null : NotExpected(scalar);
    }

    /// <summary>Case never counts for hosts, so that `~` and `~*` mean the same.</summary>
    private static string? ParseExpression(ScalarNode scalar, out HostPattern value)
    {
        string? problem = PatternText.Parse(scalar.Text, PatternKind.Exact, out _, out string text);
        value = new HostPattern(text, Wildcard: false, IsRegex: true);
        return problem is null ? null : $"{Compilation.Show(scalar.Text)}: {problem}";
    }
}

internal sealed class PathPatternType : ScalarType<PathPattern>
{
    public static readonly PathPatternType Instance = new();

    public override string Label => "path pattern";
    public override string Expected => "a path such as /images/, =/exact, ^/prefix or ~regex";

    public override ConfigNode Write(PathPattern value, WriteOptions options) =>
        new ScalarNode(PatternText.Write(value.Kind, value.Text, PatternKind.SegmentPrefix), quoted: true);

    public override JsonObject Schema() => new() { ["type"] = "string", ["pattern"] = "^(/|[=^]/|~.)" };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out PathPattern value)
    {
        string? problem = PatternText.Parse(scalar.Text, PatternKind.SegmentPrefix, out PatternKind kind, out string text);
        value = new PathPattern(kind, text);
        if (problem is not null) return $"{Compilation.Show(scalar.Text)}: {problem} ({Expected})";
        if (kind is PatternKind.Regex or PatternKind.RegexIgnoreCase) return null;
        if (!text.StartsWith('/')) return $"{Compilation.Show(scalar.Text)} does not start with / ({Expected})";
        if (text.AsSpan().ContainsAny("?#")) return $"{Compilation.Show(scalar.Text)} contains a query (match it by the key query)";
        return kind == PatternKind.Prefix ? null : NeverMatches(scalar, text);
    }

    /// <summary>Rules see the normalised path of a request: one that is written otherwise would match nothing.</summary>
    private static string? NeverMatches(ScalarNode scalar, string text)
    {
        byte[] path = Encoding.UTF8.GetBytes(text);
        bool valid = PathNormalizer.TryNormalize(path, new byte[path.Length], out ReadOnlySpan<byte> normal, out _);
        if (valid && normal.SequenceEqual(path)) return null;
        string right = valid ? $"{Compilation.Show(Encoding.UTF8.GetString(normal))} matches them" : "without .. above the root and broken % escapes";
        return $"{Compilation.Show(scalar.Text)} would match nothing: paths are compared decoded and without empty or dot segments ({right})";
    }
}

internal sealed class ValuePatternType : ScalarType<ValuePattern>
{
    public static readonly ValuePatternType Instance = new();

    public override string Label => "pattern";
    public override string Expected => "a value, =exact, ^prefix, ~regex or ~*regex";

    public override ConfigNode Write(ValuePattern value, WriteOptions options) =>
        new ScalarNode(PatternText.Write(value.Kind, value.Text, PatternKind.Exact), quoted: true);

    public override JsonObject Schema() => PatternText.Schema();

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out ValuePattern value)
    {
        string? problem = PatternText.Parse(scalar.Text, PatternKind.Exact, out PatternKind kind, out string text);
        value = new ValuePattern(kind, text);
        return problem is null ? null : $"{Compilation.Show(scalar.Text)}: {problem} ({Expected})";
    }
}

/// <summary>Request methods: case counts (RFC 9110 section 9.1).</summary>
internal sealed class MethodType : ScalarType<string>
{
    private static readonly string[] Known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"];

    public static readonly MethodType Instance = new();

    public override string Label => "method";
    public override string Expected => "a request method such as GET";

    public override ConfigNode Write(string value, WriteOptions options) => new ScalarNode(value, quoted: true);

    public override JsonObject Schema() => new() { ["type"] = "string", ["pattern"] = "^[A-Z0-9!#$%&'*+.^_`|~-]+$" };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out string value)
    {
        value = scalar.Text;
        if (!TextType.IsToken(value)) return NotExpected(scalar);
        if (!value.Any(char.IsAsciiLetterLower)) return null;
        return $"{Compilation.Show(value)} has lower case letters ({Suggestion.Hint(value, Known)})";
    }
}

/// <summary>A status code or a range of them: <c>200</c>, <c>200-399</c>.</summary>
internal sealed class StatusRangeType : ScalarType<(int From, int To)>
{
    public static readonly StatusRangeType Instance = new();

    public override string Label => "status or range";
    public override string Expected => "a status from 100 to 599 or a range such as 200-399";

    public override ConfigNode Write((int From, int To) value, WriteOptions options) =>
        value.From == value.To ? new ScalarNode($"{value.From}") : new ScalarNode($"{value.From}-{value.To}");

    public override JsonObject Schema() => new()
    {
        ["anyOf"] = new JsonArray(
            new JsonObject { ["type"] = "integer", ["minimum"] = 100, ["maximum"] = 599 },
            new JsonObject { ["type"] = "string", ["pattern"] = "^[1-5][0-9]{2}(-[1-5][0-9]{2})?$" }),
    };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out (int From, int To) value)
    {
        value = default;
        string text = scalar.Text;
        bool range = text.Length == 7 && text[3] == '-';
        if ((text.Length != 3 && !range) || !TryStatus(text.AsSpan(0, 3), out value.From)) return NotExpected(scalar);
        value.To = value.From;
        if (range && !TryStatus(text.AsSpan(4), out value.To)) return NotExpected(scalar);
        return value.To >= value.From ? null : $"{Compilation.Show(text)} ends before it starts ({Expected})";
    }

    private static bool TryStatus(ReadOnlySpan<char> text, out int status) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out status)
        && status is >= 100 and <= 599;
}

/// <summary>An address range, or the name of an address list.</summary>
internal readonly record struct SourcePattern(Net.AddressRange Range, string List);

/// <summary><c>10.0.0.0/8</c> or <c>@office</c>.</summary>
internal sealed class SourcePatternType : ScalarType<SourcePattern>
{
    public static readonly SourcePatternType Instance = new();

    public override string Label => "address or range";
    public override string Expected => "an address or range such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";

    public override ConfigNode Write(SourcePattern value, WriteOptions options) =>
        new ScalarNode(value.List.Length > 0 ? $"@{value.List}" : value.Range.ToString(), quoted: true);

    public override JsonObject Schema() => new() { ["type"] = "string", ["minLength"] = 1 };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out SourcePattern value)
    {
        bool valid = Net.AddressRange.TryParse(scalar.Text, out Net.AddressRange range);
        value = new SourcePattern(range, "");
        if (valid) return null;
        return RangeType.HasHostBits(scalar.Text)
            ? $"{Compilation.Show(scalar.Text)} has bits set behind its prefix (the range's first address)"
            : NotExpected(scalar);
    }
}

/// <summary>The name of a pool that has to exist.</summary>
internal sealed class PoolReferenceType : ScalarType<string>
{
    public static readonly PoolReferenceType Instance = new();

    public override string Label => "pool";
    public override string Expected => "the name of a pool";

    public override ConfigNode Write(string value, WriteOptions options) => new ScalarNode(value, quoted: true);

    public override JsonObject Schema() => TextType.Name.Schema();

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out string value)
    {
        value = scalar.Text;
        compilation.PoolUses.Add(compilation.Mention(scalar, value));
        return null;
    }
}

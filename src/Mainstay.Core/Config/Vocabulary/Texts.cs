using System.Collections.Immutable;
using System.Text;
using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>Text under a rule.</summary>
/// <param name="label">For the reference.</param>
/// <param name="expected">For messages.</param>
/// <param name="rule">Null when the text is right, else what is wrong with it.</param>
internal sealed class TextType(string label, string expected, Func<string, string?> rule) : ScalarType<string>
{
    /// <summary>ECMA 262 regular expression of (at least) what is allowed, for the schema.</summary>
    public string? Pattern { get; init; }

    public override string Label => label;
    public override string Expected => expected;

    public override ConfigNode Write(string value, WriteOptions options) => new ScalarNode(value, quoted: true);

    public override JsonObject Schema()
    {
        // What looks like a number or a boolean is text here; a schema sees what the YAML parser made of it.
        var schema = new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") };
        if (Pattern is not null) schema["pattern"] = Pattern;
        return schema;
    }

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out string value)
    {
        value = scalar.Text;
        return rule(value) is { } problem ? $"{Compilation.Show(value)} {problem} ({expected})" : null;
    }

    /// <summary>What pools, services and routes are called: fit for a URL, a metric label and a command line.</summary>
    public static readonly TextType Name = new(
        "name", "a name of letters, digits, '.', '_' and '-', at most 64, starting with a letter or digit", NameRule)
    { Pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$" };

    /// <summary>Servers may also be called like their addresses.</summary>
    public static readonly TextType ServerName = new(
        "name", "a name of letters, digits, '.', '_', '-', ':', '/', '@', '[' and ']', at most 128", ServerNameRule)
    { Pattern = "^[A-Za-z0-9._:/@\\[\\]-]{1,128}$" };

    public static readonly TextType Path = new("path", "an absolute path such as /var/lib/mainstay", PathRule) { Pattern = "^/" };

    public static readonly TextType Line = new("text", "text of one line without control characters", LineRule);

    public static readonly TextType Token = new("name", "a header name: letters, digits and !#$%&'*+-.^_`|~", TokenRule)
    { Pattern = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$" };

    public static readonly TextType MediaType = new("media type", "a media type such as text/html; charset=utf-8", MediaTypeRule);

    public static string? NameRule(string text)
    {
        bool valid = text.Length is > 0 and <= 64 && char.IsAsciiLetterOrDigit(text[0])
            && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
        return valid ? null : "is not a valid name";
    }

    public static string? TokenRule(string text) => IsToken(text) ? null : "is not a valid name";

    /// <summary>RFC 9110 section 5.6.2.</summary>
    public static bool IsToken(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c));

    public static string? LineRule(string text) => text.Any(char.IsControl) ? "contains control characters" : null;

    public static string? MediaTypeRule(string text) =>
        text.Contains('/') && text.All(c => c is >= ' ' and <= '~') && text.Trim() == text ? null : "is not a media type";

    private static string? ServerNameRule(string text)
    {
        bool valid = text.Length is > 0 and <= 128 && text.All(c => char.IsAsciiLetterOrDigit(c) || "._-:/@[]".Contains(c));
        return valid ? null : "is not a valid name";
    }

    private static string? PathRule(string text) =>
        text.Length < 4096 && text.StartsWith('/') && !text.Any(char.IsControl) ? null : "is not an absolute path";
}

/// <summary>Text that is written here, in a file or in an environment variable.</summary>
internal sealed class SourcedTextType : ConfigType<string>
{
    /// <summary>Longest text taken over, in UTF-16 units.</summary>
    private const int Longest = 1024 * 1024;

    private sealed record Reference(SecretSource Source, string Name);

    private static readonly Key<Reference, string?> File = new(
        "file", new OptionalType<string>(TextType.Line), r => r.Source == SecretSource.File ? r.Name : null)
    { Doc = "Path of a file; one line break at its end is dropped." };

    private static readonly Key<Reference, string?> Env = new(
        "env", new OptionalType<string>(TextType.Line), r => r.Source == SecretSource.Environment ? r.Name : null)
    { Doc = "Name of an environment variable." };

    private static readonly Section<Reference> Mapping = new(
        "text from elsewhere",
        [File, Env],
        v => v.Get(File) is { } file ? new Reference(SecretSource.File, file) : new Reference(SecretSource.Environment, v.Get(Env)!))
    { OneOf = [File, Env] };

    private readonly bool _secret;
    private readonly Func<string, string?> _rule;

    /// <param name="secret">May be a password or token: not to be shown in a diff.</param>
    /// <param name="rule">Null when the text is right, else what is wrong with it. The text itself is not repeated.</param>
    public SourcedTextType(bool secret, Func<string, string?> rule) => (_secret, _rule) = (secret, rule);

    public override string Label => "text, `{ file: PATH }` or `{ env: NAME }`";
    public override string Expected => "text, { file: PATH } or { env: NAME }";

    public override bool TryRead(ConfigNode node, Compilation compilation, out string value)
    {
        value = "";
        if (node is MappingNode)
        {
            if (!Mapping.TryRead(node, compilation, out Reference reference)) return false;
            if (!compilation.Environment.Secrets(reference.Source, reference.Name, out value))
            {
                compilation.Error(node, value);
                return false;
            }
        }
        else if (node is ScalarNode { IsNull: false } scalar)
        {
            value = scalar.Text;
        }
        else
        {
            compilation.Error(node, $"{node.Form} where {Expected} is due");
            return false;
        }

        string? problem = value.Length > Longest ? "the text is longer than 1 MiB" : _rule(value);
        if (problem is not null) compilation.Error(node, problem);
        return problem is null;
    }

    public override ConfigNode Write(string value, WriteOptions options) => new ScalarNode(value, quoted: true) { IsSecret = _secret };

    public override JsonObject Schema() => new()
    {
        ["anyOf"] = new JsonArray(new JsonObject { ["type"] = new JsonArray("string", "number", "boolean") }, Mapping.Schema()),
    };
}

/// <summary>Bytes as text (UTF-8), or as <c>hex:</c> and pairs of hexadecimal digits.</summary>
internal sealed class BytesType : ConfigType<ImmutableArray<byte>>
{
    private const string HexPrefix = "hex:";

    /// <summary>What fits into one datagram.</summary>
    private const int Longest = 64 * 1024;

    private static readonly SourcedTextType Text = new(secret: true, Rule);

    public static readonly BytesType Instance = new();

    public override string Label => "text (also `hex:0d0a`), `{ file: PATH }` or `{ env: NAME }`";
    public override string Expected => "text, hex: and hexadecimal digits, { file: PATH } or { env: NAME }";

    public override bool TryRead(ConfigNode node, Compilation compilation, out ImmutableArray<byte> value)
    {
        bool read = Text.TryRead(node, compilation, out string text);
        value = read ? [.. Decode(text)] : [];
        return read;
    }

    public override ConfigNode Write(ImmutableArray<byte> value, WriteOptions options)
    {
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(value.AsSpan());
        }
        catch (DecoderFallbackException)
        {
            text = HexPrefix;
        }

        if (text.StartsWith(HexPrefix, StringComparison.Ordinal)) text = HexPrefix + Convert.ToHexStringLower(value.AsSpan());
        return Text.Write(text, options);
    }

    public override JsonObject Schema() => Text.Schema();

    private static byte[] Decode(string text) => text.StartsWith(HexPrefix, StringComparison.Ordinal)
        ? Convert.FromHexString(text.AsSpan(HexPrefix.Length))
        : Encoding.UTF8.GetBytes(text);

    private static string? Rule(string text)
    {
        if (text.Length == 0) return "the text is empty (leave the key out)";
        if (text.Length > Longest) return "the text is longer than 64 KiB";
        if (!text.StartsWith(HexPrefix, StringComparison.Ordinal)) return null;
        ReadOnlySpan<char> digits = text.AsSpan(HexPrefix.Length);
        bool valid = digits.Length > 0 && digits.Length % 2 == 0 && !digits.ContainsAnyExcept("0123456789abcdefABCDEF");
        return valid ? null : "hex: is followed by something else than pairs of hexadecimal digits (such as hex:0d0a)";
    }
}

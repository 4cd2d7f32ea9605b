using System.Collections.ObjectModel;
using System.Globalization;
using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary><c>true</c> or <c>false</c>.</summary>
internal sealed class BooleanType : ScalarType<bool>
{
    public static readonly BooleanType Instance = new();

    public override string Label => "true or false";
    public override string Expected => "true or false";

    public override ConfigNode Write(bool value, WriteOptions options) => new ScalarNode(value ? "true" : "false");

    public override JsonObject Schema() => new() { ["type"] = "boolean" };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out bool value)
    {
        value = scalar.Text == "true";
        return !scalar.Quoted && scalar.Text is "true" or "false" ? null : $"{Compilation.Show(scalar.Text)} is not true or false (without quotes)";
    }
}

/// <summary>Something that is said by its key alone: <c>icmp: true</c>.</summary>
internal sealed class PresenceType : ConfigType<bool>
{
    public static readonly PresenceType Instance = new();

    public override string Label => "true";
    public override string Expected => "true";

    public override bool TryRead(ConfigNode node, Compilation compilation, out bool value)
    {
        value = node is ScalarNode { Quoted: false } scalar && (scalar.IsNull || scalar.Text == "true");
        if (!value) compilation.Error(node, "takes no value (true, or nothing)");
        return value;
    }

    public override ConfigNode Write(bool value, WriteOptions options) => new ScalarNode("true");

    public override JsonObject Schema() => new() { ["enum"] = new JsonArray(true, null) };
}

/// <summary>A whole number within bounds.</summary>
internal sealed class IntegerType(int min, int max) : ScalarType<int>
{
    public static readonly IntegerType Port = new(1, 65535);

    public override string Label => max == int.MaxValue ? $"number from {min}" : $"number {min} to {max}";
    public override string Expected => max == int.MaxValue ? $"a whole number from {min} on" : $"a whole number from {min} to {max}";

    public override ConfigNode Write(int value, WriteOptions options) => new ScalarNode(value.ToString(CultureInfo.InvariantCulture));

    public override JsonObject Schema()
    {
        var schema = new JsonObject { ["type"] = "integer", ["minimum"] = min };
        if (max != int.MaxValue) schema["maximum"] = max;
        return schema;
    }

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out int value)
    {
        bool number = int.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
        if (scalar.Quoted && number) return $"{Compilation.Show(scalar.Text)} is text ({Expected}, without quotes)";
        return number && value >= min && value <= max ? null : NotExpected(scalar);
    }
}

/// <summary>A number with decimals, within bounds.</summary>
internal sealed class DecimalType(double min, double max) : ScalarType<double>
{
    public override string Label => $"number {Text(min)} to {Text(max)}";
    public override string Expected => $"a number from {Text(min)} to {Text(max)}";

    public override ConfigNode Write(double value, WriteOptions options) => new ScalarNode(Text(value));

    public override JsonObject Schema() => new() { ["type"] = "number", ["minimum"] = min, ["maximum"] = max };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out double value)
    {
        const NumberStyles Style = NumberStyles.AllowDecimalPoint;
        bool number = double.TryParse(scalar.Text, Style, CultureInfo.InvariantCulture, out value);
        return number && !scalar.Quoted && value >= min && value <= max ? null : NotExpected(scalar);
    }

    private static string Text(double value) => value.ToString("0.################", CultureInfo.InvariantCulture);
}

/// <summary><c>50%</c>: whole percents from 0 to 100.</summary>
internal sealed class PercentType : ScalarType<int>
{
    public static readonly PercentType Instance = new();

    public override string Label => "percentage";
    public override string Expected => "a percentage from 0% to 100%";

    public override ConfigNode Write(int value, WriteOptions options) => new ScalarNode($"{value}%");

    public override JsonObject Schema() => new() { ["type"] = "string", ["pattern"] = "^(100|[0-9]{1,2})%$" };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out int value)
    {
        value = 0;
        string text = scalar.Text;
        bool number = text.Length is > 1 and <= 4 && text[^1] == '%'
            && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out value);
        return number && value <= 100 ? null : NotExpected(scalar);
    }
}

/// <summary>One of a few words.</summary>
internal sealed class ChoiceType<T>(params (string Word, T Value)[] choices) : ScalarType<T>
    where T : struct, Enum
{
    public override string Label => string.Join(" | ", choices.Select(c => c.Word));
    public override string Expected => $"one of {string.Join(", ", choices.Select(c => c.Word))}";

    /// <summary>Words of other programs for the same, to suggest ours.</summary>
    public IReadOnlyDictionary<string, string> Elsewhere { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    public string WordOf(T value) => choices.First(c => EqualityComparer<T>.Default.Equals(c.Value, value)).Word;

    public override ConfigNode Write(T value, WriteOptions options) => new ScalarNode(WordOf(value));

    public override JsonObject Schema()
    {
        var words = new JsonArray();
        foreach ((string word, _) in choices) words.Add((JsonNode)word);
        return new JsonObject { ["enum"] = words };
    }

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out T value)
    {
        value = default;
        foreach ((string word, T meaning) in choices)
        {
            if (word != scalar.Text) continue;
            value = meaning;
            return null;
        }

        string hint = Elsewhere.TryGetValue(scalar.Text, out string? ours)
            ? $"did you mean {Compilation.Show(ours)}?"
            : Suggestion.Hint(scalar.Text, [.. choices.Select(c => c.Word)]);
        return $"{Compilation.Show(scalar.Text)} is not known here ({hint})";
    }
}

/// <summary>A kind of check that needs no more than its name, but may go to another port than the server's: <c>true</c>, or the port.</summary>
internal sealed class CheckPortType : ConfigType<int>
{
    public static readonly CheckPortType Instance = new();

    public override string Label => "true, or port";
    public override string Expected => "true, or another port than the server's";

    public override bool TryRead(ConfigNode node, Compilation compilation, out int value)
    {
        value = 0;
        bool bare = node is ScalarNode { Quoted: false } scalar && (scalar.IsNull || scalar.Text == "true");
        return bare || IntegerType.Port.TryRead(node, compilation, out value);
    }

    public override ConfigNode Write(int value, WriteOptions options) =>
        value == 0 ? new ScalarNode("true") : IntegerType.Port.Write(value, options);

    public override JsonObject Schema() => new() { ["anyOf"] = new JsonArray(PresenceType.Instance.Schema(), IntegerType.Port.Schema()) };
}

using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Mainstay.Core.Config;

namespace Mainstay.System.Tests.Configuration;

/// <summary>JSON Schema (draft 2020-12), as far as the configuration's schema uses it; a keyword it does not know is a failure.</summary>
internal static partial class SchemaValidator
{
    private static readonly string[] Annotations = ["$schema", "$defs", "title", "description", "default"];

    /// <summary>A YAML document as an editor's YAML 1.2 parser (core schema) presents it to a schema.</summary>
    public static JsonNode? ToJson(ConfigNode node) => node switch
    {
        MappingNode mapping => new JsonObject(mapping.Entries.Select(e => KeyValuePair.Create(e.Key.Text, ToJson(e.Value)))),
        SequenceNode sequence => new JsonArray([.. sequence.Items.Select(ToJson)]),
        ScalarNode { IsNull: true } => null,
        ScalarNode { Quoted: false, Text: "true" or "false" } scalar => scalar.Text == "true",
        ScalarNode { Quoted: false } scalar when Integer().IsMatch(scalar.Text) => long.Parse(scalar.Text, CultureInfo.InvariantCulture),
        ScalarNode { Quoted: false } scalar when Number().IsMatch(scalar.Text) => double.Parse(scalar.Text, CultureInfo.InvariantCulture),
        ScalarNode scalar => scalar.Text,
        _ => throw new InvalidOperationException(),
    };

    /// <summary>Every violation with its place; empty when the instance is valid.</summary>
    public static IReadOnlyList<string> Validate(JsonObject schema, JsonNode? instance, string place = "$")
    {
        var problems = new List<string>();
        foreach ((string keyword, JsonNode? rule) in schema)
        {
            if (!Annotations.Contains(keyword)) problems.AddRange(Check(keyword, rule!, schema, instance, place));
        }

        return problems;
    }

    private static IEnumerable<string> Check(string keyword, JsonNode rule, JsonObject schema, JsonNode? instance, string place)
    {
        JsonObject? properties = instance as JsonObject;
        switch (keyword)
        {
            case "$ref": return Validate(Root(schema)["$defs"]![rule.GetValue<string>()["#/$defs/".Length..]]!.AsObject(), instance, place);
            case "type": return Expect(Types(rule).Contains(TypeOf(instance)) || (TypeOf(instance) == "integer" && Types(rule).Contains("number")), keyword);
            case "enum": return Expect(rule.AsArray().Any(v => JsonNode.DeepEquals(v, instance)), keyword);
            case "const": return Expect(JsonNode.DeepEquals(rule, instance), keyword);
            case "pattern": return Expect(TypeOf(instance) != "string" || Regex.IsMatch(instance!.GetValue<string>(), rule.GetValue<string>(), RegexOptions.ECMAScript), keyword);
            case "minLength": return Expect(TypeOf(instance) != "string" || instance!.GetValue<string>().Length >= (int)rule, keyword);
            case "minimum": return Expect(NumberOf(instance) is not { } low || low >= NumberOf(rule), keyword);
            case "maximum": return Expect(NumberOf(instance) is not { } high || high <= NumberOf(rule), keyword);
            case "minItems": return Expect(instance is not JsonArray list || list.Count >= (int)rule, keyword);
            case "items": return instance is JsonArray items ? items.SelectMany((item, i) => Validate(rule.AsObject(), item, $"{place}[{i}]")) : [];
            case "required": return rule.AsArray().Where(name => properties?.ContainsKey((string)name!) == false).Select(name => $"{place}: {name} is missing");
            case "properties":
                return (properties ?? []).Where(p => rule.AsObject().ContainsKey(p.Key)).SelectMany(p => Validate(rule[p.Key]!.AsObject(), p.Value, $"{place}.{p.Key}"));
            case "propertyNames": return (properties ?? []).SelectMany(p => Validate(rule.AsObject(), p.Key, $"{place}.{p.Key} (name)"));
            case "additionalProperties": return Additional(rule, schema, properties, place);
            case "dependentSchemas":
                return rule.AsObject().Where(r => properties?.ContainsKey(r.Key) == true).SelectMany(r => Validate(r.Value!.AsObject(), instance, place));
            case "anyOf": return Expect(Matching(rule, instance, place) > 0, keyword);
            case "oneOf": return Expect(Matching(rule, instance, place) == 1, keyword);
            default: throw new NotSupportedException($"the schema uses {keyword}, which this validator does not know");
        }

        IEnumerable<string> Expect(bool holds, string what) => holds ? [] : [$"{place}: {instance?.ToJsonString() ?? "null"} violates {what} {rule.ToJsonString()}"];
    }

    private static IEnumerable<string> Additional(JsonNode rule, JsonObject schema, JsonObject? properties, string place)
    {
        JsonObject known = schema["properties"]?.AsObject() ?? [];
        IEnumerable<KeyValuePair<string, JsonNode?>> others = (properties ?? []).Where(p => !known.ContainsKey(p.Key));
        return rule is JsonObject allowed
            ? others.SelectMany(p => Validate(allowed, p.Value, $"{place}.{p.Key}"))
            : others.Select(p => $"{place}: {p.Key} is not known");
    }

    private static JsonObject Root(JsonObject schema) => (JsonObject)schema.Root;

    private static int Matching(JsonNode schemas, JsonNode? instance, string place) =>
        schemas.AsArray().Count(s => Validate(s!.AsObject(), instance, place).Count == 0);

    private static string[] Types(JsonNode rule) => rule is JsonArray list ? [.. list.Select(t => (string)t!)] : [(string)rule!];

    private static double? NumberOf(JsonNode? node) =>
        TypeOf(node) is "integer" or "number" ? double.Parse(node!.ToJsonString(), CultureInfo.InvariantCulture) : null;

    private static string TypeOf(JsonNode? node) => node?.GetValueKind() switch
    {
        null or JsonValueKind.Null => "null",
        JsonValueKind.Object => "object",
        JsonValueKind.Array => "array",
        JsonValueKind.True or JsonValueKind.False => "boolean",
        JsonValueKind.String => "string",
        _ => node.ToJsonString().AsSpan().ContainsAny('.', 'e', 'E') ? "number" : "integer",
    };

    [GeneratedRegex(@"\A[-+]?[0-9]{1,18}\z")]
    private static partial Regex Integer();

    [GeneratedRegex(@"\A[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\z")]
    private static partial Regex Number();
}

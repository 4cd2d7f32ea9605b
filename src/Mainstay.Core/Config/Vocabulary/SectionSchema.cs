using System.Text.Json.Nodes;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>The JSON Schema of a section, from its keys.</summary>
internal static class SectionSchema
{
    public static JsonObject Of(ISection section)
    {
        var properties = new JsonObject();
        var required = new JsonArray();
        var company = new JsonObject();
        foreach (Key key in section.Keys)
        {
            JsonObject schema = key.ValueType.Schema();
            schema["description"] = key.Otherwise is null ? key.Doc : $"{key.Doc} Default: {key.Otherwise}.";
            if (key.Default is { } value) schema["default"] = ValueOf(value);
            properties[key.Name] = schema;
            if (key.Required) required.Add((JsonNode)key.Name);
            if (key.OnlyWith.Length > 0) company[key.Name] = AnyRequired(key.OnlyWith);
        }

        var result = new JsonObject { ["type"] = "object", ["properties"] = properties, ["additionalProperties"] = false };
        if (section.Doc.Length > 0) result["description"] = section.Doc;
        if (required.Count > 0) result["required"] = required;
        if (company.Count > 0) result["dependentSchemas"] = company;
        if (!section.OneOf.IsEmpty) result["oneOf"] = Alternatives(section.OneOf.Select(k => k.Name));
        return result;
    }

    private static JsonObject AnyRequired(IEnumerable<string> names) => new() { ["anyOf"] = Alternatives(names) };

    private static JsonArray Alternatives(IEnumerable<string> names)
    {
        var alternatives = new JsonArray();
        foreach (string name in names) alternatives.Add((JsonNode)new JsonObject { ["required"] = new JsonArray((JsonNode)name) });
        return alternatives;
    }

    /// <summary>As a YAML parser presents it to the schema.</summary>
    private static JsonNode? ValueOf(ConfigNode node) => node switch
    {
        ScalarNode { Quoted: false, Text: "true" } => true,
        ScalarNode { Quoted: false, Text: "false" } => false,
        ScalarNode { Quoted: false } s when long.TryParse(s.Text, out long number) => number,
        ScalarNode { Quoted: false } s when double.TryParse(s.Text, System.Globalization.CultureInfo.InvariantCulture, out double number) => number,
        ScalarNode s => s.Text,
        SequenceNode s => new JsonArray([.. s.Items.Select(ValueOf)]),
        MappingNode m => new JsonObject(m.Entries.Select(e => KeyValuePair.Create(e.Key.Text, ValueOf(e.Value)))),
        _ => null,
    };
}

using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Mainstay.Core.Config.Vocabulary;

namespace Mainstay.Core.Config;

/// <summary>The configuration's vocabulary as JSON Schema (draft 2020-12), for editors.</summary>
public static class ConfigSchema
{
    public static string Write()
    {
        JsonObject vocabulary = RootSection.Section.Schema();
        var schema = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "Mainstay configuration",
        };
        foreach ((string name, JsonNode? part) in vocabulary) schema[name] = part?.DeepClone();
        schema["$defs"] = new JsonObject { ["match"] = MatchSection.Section.Schema() };
        var buffer = new ArrayBufferWriter<byte>();
        var options = new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
        using (var writer = new Utf8JsonWriter(buffer, options)) schema.WriteTo(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan) + "\n";
    }
}

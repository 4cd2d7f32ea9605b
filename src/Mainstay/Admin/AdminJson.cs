using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mainstay.Engine.Control;

namespace Mainstay.Admin;

/// <summary>The API's bodies, for the worker and for the command line.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(StatusReport))]
[JsonSerializable(typeof(ServerStatus))]
[JsonSerializable(typeof(ReloadOutcome))]
[JsonSerializable(typeof(Refusal))]
[JsonSerializable(typeof(BansReport))]
[JsonSerializable(typeof(BanOrder))]
[JsonSerializable(typeof(BansRemoved))]
internal sealed partial class AdminJson : JsonSerializerContext
{
    /// <summary>For writing: read by programs and people, never by a browser as a page, so that quotes and letters stay what they are.</summary>
    public static AdminJson Plain { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}

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
internal sealed partial class AdminJson : JsonSerializerContext;

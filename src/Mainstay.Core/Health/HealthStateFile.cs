using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Mainstay.Core.Balancing;

namespace Mainstay.Core.Health;

/// <summary>What the state file keeps of one server.</summary>
public sealed record KeptServer(string Pool, string Server, LastKnown Known);

/// <summary>
/// The file that lets drain, maintenance and last known health survive a restart and a crash: JSON, versioned, without a secret in it.
/// Bytes in, bytes out; who reads and writes files is the shell. Orders never grow old; health does (see <see cref="MaxAge"/>).
/// </summary>
public static class HealthStateFile
{
    public const int Version = 1;

    /// <summary>A file larger than this is not ours: some 40,000 servers fit.</summary>
    public const int MaxBytes = 16 * 1024 * 1024;

    /// <summary>
    /// Health older than this is forgotten: after two minutes a first check says more than memory. Running, the shell writes the
    /// file anew every <see cref="RefreshInterval"/>, so that its age is the time Mainstay was away.
    /// </summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromMinutes(2);

    public static readonly TimeSpan RefreshInterval = TimeSpan.FromSeconds(20);

    /// <summary>Clocks are stepped a little at boot; a file from further ahead than this tells nothing about its age.</summary>
    private static readonly TimeSpan ToleratedFuture = TimeSpan.FromSeconds(10);

    public static byte[] Write(IEnumerable<KeptServer> servers, DateTimeOffset now)
    {
        var document = new StateDocument
        {
            Version = Version,
            Written = now.ToString("O", CultureInfo.InvariantCulture),
            Servers = [.. servers.Select(ToDocument)],
        };
        return JsonSerializer.SerializeToUtf8Bytes(document, StateContext.Default.StateDocument);
    }

    /// <summary>False with the reason when nothing of the file can be used; <paramref name="note"/> may also say what was left out.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, DateTimeOffset now, out IReadOnlyList<KeptServer> servers, out string note)
    {
        servers = [];
        if (!TryParse(bytes, out StateDocument? document, out note)) return false;
        if (document.Version != Version)
        {
            note = $"version {document.Version} is not understood (this program writes version {Version})";
            return false;
        }

        if (!DateTimeOffset.TryParseExact(
                document.Written, "O", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out DateTimeOffset written))
        {
            note = "the time of writing is unreadable";
            return false;
        }

        bool isFromTheFuture = written - now > ToleratedFuture;
        bool isFresh = now - written <= MaxAge && !isFromTheFuture;
        var result = new List<KeptServer>(document.Servers.Length);
        foreach (ServerDocument entry in document.Servers)
        {
            if (!TryConvert(entry, isFresh, out KeptServer? server))
            {
                note = $"entry {result.Count + 1} is not a server's state";
                return false;
            }

            result.Add(server);
        }

        servers = result;
        note = isFromTheFuture ? $"its health is not used, orders are: written at {written.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}, which is yet to come" : "";
        return true;
    }

    private static bool TryParse(
        ReadOnlySpan<byte> bytes, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out StateDocument? document, out string reason)
    {
        document = null;
        reason = $"larger than {MaxBytes} bytes";
        if (bytes.Length > MaxBytes) return false;
        try
        {
            document = JsonSerializer.Deserialize(bytes, StateContext.Default.StateDocument);
        }
        catch (JsonException error)
        {
            reason = $"not readable as JSON near line {error.LineNumber + 1}";
            return false;
        }

        reason = document is null ? "empty" : "";
        if (document is not null && document.Servers is null) reason = "no list of servers";
        return reason.Length == 0;
    }

    private static ServerDocument ToDocument(KeptServer server) => new()
    {
        Pool = server.Pool,
        Server = server.Server,
        Health = server.Known.Health switch { ServerState.Up => "up", ServerState.Down => "down", _ => "unknown" },
        HealthReason = server.Known.HealthReason,
        Order = server.Known.Order switch { ServerOrder.Drain => "drain", ServerOrder.Maintenance => "maintenance", _ => "none" },
        OrderReason = server.Known.OrderReason,
    };

    private static bool TryConvert(
        ServerDocument entry, bool isFresh, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out KeptServer? server)
    {
        server = null;
        if (entry is null or { Pool: null } or { Server: null }) return false;
        ServerState? health = entry.Health switch
        {
            "up" => ServerState.Up,
            "down" => ServerState.Down,
            "unknown" => ServerState.Unknown,
            _ => null,
        };
        ServerOrder? order = entry.Order switch
        {
            "none" => ServerOrder.None,
            "drain" => ServerOrder.Drain,
            "maintenance" => ServerOrder.Maintenance,
            _ => null,
        };
        if (health is null || order is null) return false;
        LastKnown known = isFresh
            ? new LastKnown(health.Value, entry.HealthReason ?? "", order.Value, entry.OrderReason ?? "")
            : new LastKnown(ServerState.Unknown, "", order.Value, entry.OrderReason ?? "");
        server = new KeptServer(entry.Pool, entry.Server, known);
        return true;
    }
}

internal sealed class StateDocument
{
    public int Version { get; set; }
    public string Written { get; set; } = "";
    public ServerDocument[] Servers { get; set; } = [];
}

internal sealed class ServerDocument
{
    public string? Pool { get; set; }
    public string? Server { get; set; }
    public string? Health { get; set; }
    public string? HealthReason { get; set; }
    public string? Order { get; set; }
    public string? OrderReason { get; set; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true)]
[JsonSerializable(typeof(StateDocument))]
internal sealed partial class StateContext : JsonSerializerContext;

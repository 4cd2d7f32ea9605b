namespace Mainstay.Core.Config;

/// <summary>What a reload makes of a change, in an operator's words.</summary>
internal static class ReloadEffect
{
    public const string Route = "new requests follow it; requests and tunnels that run keep the route they began with";

    public static readonly (string Added, string Removed) Pool =
        ("its servers get work once their checks pass", "gets no new work; what runs on it goes on to its end");

    public static readonly (string Added, string Removed) Server =
        ("gets work once its checks pass", "gets no new work; what it is doing goes on within the drain timeout");

    public static readonly (string Added, string Removed) Service =
        ("its listeners are opened before anything else changes", "its listeners close; requests that run are answered");

    public static readonly (string Added, string Removed) TlsProfile =
        ("its certificates are read before anything else changes", "connections that it secured go on");

    public static readonly (string Added, string Removed) Listener =
        ("is opened before anything else changes", "closes once what it had accepted is taken over; requests that run are answered");

    /// <summary>Read once, when the processes start.</summary>
    private static readonly string[] AtStart =
        ["process.shards", "process.user", "process.state-directory", "process.max-connections", "admin.socket", "admin.listen"];

    public static string OfSetting(string place)
    {
        if (AtStart.Contains(place)) return "takes effect at the next start";
        if (place.StartsWith("tls.", StringComparison.Ordinal)) return "for new connections; those that are open go on as they are";
        if (!place.StartsWith("pools.", StringComparison.Ordinal)) return "for new requests; connections are kept";
        if (place.Contains(".servers.") && place.EndsWith(".address", StringComparison.Ordinal))
            return "the same server at another place: its health is kept until the next check, connections to the old place end as they can";
        return place.Contains(".check.") || place.EndsWith(".check", StringComparison.Ordinal)
            ? "from the next check on; health is kept until then"
            : "for new requests; health, connections and counters are kept";
    }
}

using Mainstay.Core.Net;

namespace Mainstay.Admin;

/// <summary>
/// A page from anywhere can make its reader's browser send requests to 127.0.0.1. Two things give them away: a name of the attacker's in
/// Host (DNS rebinding) and an Origin other than the address asked (cross-site requests).
/// </summary>
internal static class BrowserGuard
{
    /// <param name="host">Host header: name or address, port optional.</param>
    /// <param name="origin">Origin header; empty when there is none.</param>
    public static bool Allows(string host, string origin)
    {
        if (!IsLocalName(host)) return false;
        return origin.Length == 0 || origin == $"http://{host}" || origin == $"https://{host}";
    }

    private static bool IsLocalName(string host)
    {
        ReadOnlySpan<char> name = host;
        if (name.StartsWith("["))
        {
            int end = name.IndexOf(']');
            return end > 0 && NetAddress.TryParse(name[1..end], out _);
        }

        int colon = name.IndexOf(':');
        if (colon >= 0) name = name[..colon];
        return name.Equals("localhost", StringComparison.OrdinalIgnoreCase) || NetAddress.TryParse(name, out _);
    }
}

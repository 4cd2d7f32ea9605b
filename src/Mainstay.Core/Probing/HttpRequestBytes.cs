using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Net;

namespace Mainstay.Core.Probing;

/// <summary>The request of an HTTP check, built once a server.</summary>
public static class HttpRequestBytes
{
    /// <exception cref="ArgumentException">A value would break out of its line; the configuration refuses such values.</exception>
    public static byte[] Build(CheckSnapshot check, Endpoint server)
    {
        var request = new StringBuilder();
        request.Append(Safe(check.Method)).Append(' ').Append(Safe(check.Path)).Append(" HTTP/1.1\r\n");
        if (!HasHeader(check, "Host")) Append(request, "Host", check.Host ?? HostOf(server));
        if (!HasHeader(check, "User-Agent")) Append(request, "User-Agent", "mainstay-check");
        if (!HasHeader(check, "Connection")) Append(request, "Connection", "close");
        foreach ((string name, string value) in check.Headers) Append(request, name, value);
        return Encoding.UTF8.GetBytes(request.Append("\r\n").ToString());
    }

    private static string HostOf(Endpoint server)
    {
        if (server.IsUnix) return "localhost";
        string host = server.HostName ?? (server.Address.IsV6 ? $"[{server.Address}]" : server.Address.ToString());
        return server.Port == 80 ? host : $"{host}:{server.Port}";
    }

    private static bool HasHeader(CheckSnapshot check, string name) =>
        check.Headers.Any(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static void Append(StringBuilder request, string name, string value) =>
        request.Append(Safe(name)).Append(": ").Append(Safe(value)).Append("\r\n");

    private static string Safe(string text) => text.AsSpan().IndexOfAny('\r', '\n', '\0') < 0
        ? text
        : throw new ArgumentException($"a line end or NUL in a check's request: {WireText.Quote(Encoding.UTF8.GetBytes(text))}");
}

using System.Buffers.Text;
using Mainstay.Core.Net;

namespace Mainstay.Core.Http;

/// <summary>host [":" port] of a Host field or a request target (RFC 9110 section 7.2, RFC 3986 section 3.2).</summary>
internal static class Authority
{
    private const int MaxNameLength = 255;

    /// <summary>
    /// Splits and checks an authority. User information, empty hosts, hosts of other characters than names and IP literals have,
    /// and ports outside 0..65535 are refused.
    /// </summary>
    /// <param name="hostLength">Of the host without port; an IPv6 address with its brackets.</param>
    /// <param name="port">-1 when there is none.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out int hostLength, out int port)
    {
        port = -1;
        hostLength = text.Length > 0 && text[0] == '[' ? BracketedLength(text) : NameLength(text);
        if (hostLength <= 0) return false;
        if (hostLength == text.Length) return true;
        return text[hostLength] == ':' && TryParsePort(text[(hostLength + 1)..], out port);
    }

    private static int NameLength(ReadOnlySpan<byte> text)
    {
        int length = text.IndexOfAnyExcept(HttpBytes.RegisteredName);
        if (length < 0) length = text.Length;
        return length > MaxNameLength ? -1 : length;
    }

    private static int BracketedLength(ReadOnlySpan<byte> text)
    {
        int close = text.IndexOf((byte)']');
        if (close < 0 || !NetAddress.TryParse(text[1..close], out _) || text[1..close].IndexOf((byte)':') < 0) return -1;
        return close + 1;
    }

    /// <summary>An empty port is allowed (RFC 3986 section 3.2.3) and means the scheme's own.</summary>
    private static bool TryParsePort(ReadOnlySpan<byte> digits, out int port)
    {
        port = -1;
        if (digits.IsEmpty) return true;
        if (digits.Length > 5 || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        return Utf8Parser.TryParse(digits, out port, out _) && port <= ushort.MaxValue;
    }
}

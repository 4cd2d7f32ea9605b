using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary><c>10.0.0.1:80</c>, <c>[2001:db8::1]:80</c>, <c>name:80</c>, <c>unix:/path</c>.</summary>
internal sealed class EndpointType : ScalarType<Endpoint>
{
    private const string UnixPrefix = "unix:";

    /// <summary>sun_path holds 108 bytes with the closing NUL (unix(7)).</summary>
    private const int LongestUnixPath = 107;

    public static readonly EndpointType Server = new(listener: false);

    /// <summary>No names, and no two of the same: every one read is noted for that comparison.</summary>
    public static readonly EndpointType Listener = new(listener: true);

    private readonly bool _listener;

    private EndpointType(bool listener) => _listener = listener;

    public override string Label => "address";

    public override string Expected => _listener
        ? "an address with port such as 0.0.0.0:80, \"[::]:80\" or unix:/path"
        : "an address with port such as 10.0.0.1:80, \"[2001:db8::1]:80\", name:80 or unix:/path";

    public override ConfigNode Write(Endpoint value, WriteOptions options) => new ScalarNode(value.ToString(), quoted: true);

    public override JsonObject Schema() => new() { ["type"] = "string", ["pattern"] = "^(unix:[/@].+|.+:[0-9]{1,5})$" };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out Endpoint value)
    {
        value = null!;
        string? problem = Parse(scalar.Text, out Endpoint? endpoint);
        if (problem is null && _listener && endpoint!.HostName is not null) problem = "names a host, which cannot be listened on";
        if (problem is not null) return $"{Compilation.Show(scalar.Text)} {problem} ({Expected})";
        value = endpoint!;
        if (_listener) compilation.Listeners.Add((value, compilation.Mention(scalar, value.ToString())));
        return null;
    }

    /// <summary>Null when it was understood, else what is wrong with it.</summary>
    public static string? Parse(string text, out Endpoint? endpoint)
    {
        endpoint = null;
        if (text.StartsWith(UnixPrefix, StringComparison.Ordinal)) return ParseUnix(text[UnixPrefix.Length..], out endpoint);
        int colon = text.LastIndexOf(':');
        bool bareV6 = NetAddress.TryParse(text, out NetAddress whole) && text.Contains(':');
        if (bareV6) return $"has no port (\"[{whole}]:80\"; IPv6 addresses go in brackets)";
        if (colon < 0 || text.EndsWith(']')) return "has no port";
        ReadOnlySpan<char> digits = text.AsSpan(colon + 1);
        bool valid = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is >= 1 and <= 65535;
        if (!valid || digits.Length > 5) return "has no valid port (1 to 65535)";
        return ParseHost(text[..colon], port, out endpoint);
    }

    private static string? ParseUnix(string path, out Endpoint? endpoint)
    {
        endpoint = null;
        if (path.Length < 2 || path[0] is not ('/' or '@') || path.Any(char.IsControl)) return "has no absolute path behind unix:";
        if (Encoding.UTF8.GetByteCount(path) > LongestUnixPath) return $"is longer than a unix socket's path can be ({LongestUnixPath} bytes)";
        endpoint = Endpoint.Unix(path);
        return null;
    }

    private static string? ParseHost(string host, int port, out Endpoint? endpoint)
    {
        endpoint = null;
        if (host is "" or "*") return $"has no address (0.0.0.0:{port} for all of IPv4, \"[::]:{port}\" for all of IPv6)";
        if (host[0] == '[')
        {
            bool closed = host[^1] == ']' && host.Contains(':');
            if (!closed || !NetAddress.TryParse(host.AsSpan(1, host.Length - 2), out NetAddress v6)) return "is not a valid IPv6 address";
            endpoint = Endpoint.Ip(v6, port);
            return null;
        }

        if (host.Contains(':')) return "needs brackets around the IPv6 address";
        if (NetAddress.TryParse(host, out NetAddress v4))
        {
            endpoint = Endpoint.Ip(v4, port);
            return null;
        }

        // A name's last label is never a number (RFC 3696 section 2): such text is a mistyped address.
        string last = host[(host.LastIndexOf('.') + 1)..];
        if (last.All(char.IsAsciiDigit)) return "is not a valid IPv4 address";
        if (!IsHostName(host)) return "is not a valid address or host name";
        endpoint = Endpoint.Name(host.ToLowerInvariant(), port);
        return null;
    }

    /// <summary>RFC 1123 section 2.1, and the underscore that container networks use.</summary>
    public static bool IsHostName(string host) => host.Length <= 253
        && host.Split('.').All(label => label.Length is > 0 and <= 63
            && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_') && label[0] != '-' && label[^1] != '-');
}

/// <summary><c>10.0.0.0/8</c>, <c>2001:db8::/32</c>, or one address.</summary>
internal sealed class RangeType : ScalarType<AddressRange>
{
    public static readonly RangeType Instance = new();

    public override string Label => "range";
    public override string Expected => "an address or range such as 192.0.2.1, 10.0.0.0/8 or 2001:db8::/32";

    public override ConfigNode Write(AddressRange value, WriteOptions options) => new ScalarNode(value.ToString(), quoted: true);

    public override JsonObject Schema() => new() { ["type"] = "string", ["pattern"] = "^[0-9a-fA-F.:]+(/[0-9]{1,3})?$" };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out AddressRange value) =>
        AddressRange.TryParse(scalar.Text, out value) ? null
            : HasHostBits(scalar.Text) ? $"{Compilation.Show(scalar.Text)} has bits set behind its prefix (the range's first address)"
            : NotExpected(scalar);

    /// <summary>10.0.0.1/8, where 10.0.0.0/8 or 10.0.0.1 was meant.</summary>
    public static bool HasHostBits(string text)
    {
        int slash = text.IndexOf('/');
        return slash > 0 && NetAddress.TryParse(text.AsSpan(0, slash), out NetAddress address)
            && int.TryParse(text.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int length) && length <= address.Bits;
    }
}

/// <summary>One address without a port: <c>192.0.2.1</c>, <c>2001:db8::1</c>.</summary>
internal sealed class AddressType : ScalarType<NetAddress>
{
    public static readonly AddressType Instance = new();

    public override string Label => "address without port";
    public override string Expected => "an address such as 192.0.2.1 or 2001:db8::1";

    public override ConfigNode Write(NetAddress value, WriteOptions options) => new ScalarNode(value.ToString(), quoted: true);

    public override JsonObject Schema() => new() { ["type"] = "string", ["pattern"] = "^[0-9a-fA-F.:]+$" };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out NetAddress value) =>
        NetAddress.TryParse(scalar.Text, out value) && value.Value != 0 ? null : NotExpected(scalar);
}

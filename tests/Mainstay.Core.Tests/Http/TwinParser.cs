using System.Globalization;
using System.Net;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;
using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

/// <summary>What both parsers say about a request, for comparison. Null: refused.</summary>
internal sealed record TwinRequest(
    string Method, string Target, string Path, string Query, string Host, int Port, int Minor, string Fields, BodyFraming Body, bool KeepAlive,
    bool Upgrade, bool Continue);

/// <summary>
/// A request parser that is slow and short: regular expressions over the whole head, one rule after the other. It knows nothing
/// of masks, offsets and reuse, which is where the real one could go wrong.
/// </summary>
internal static partial class TwinParser
{
    private const string Token = @"[!#$%&'*+\-.^_`|~0-9A-Za-z]+";
    private const string TargetBytes = @"[!$-;=?-\[\]-~\\]+";

    public static TwinRequest? Parse(string head, HttpLimits limits)
    {
        if (head.StartsWith("\r\n", StringComparison.Ordinal)) head = head[2..];
        if (!head.EndsWith("\r\n\r\n", StringComparison.Ordinal) || Forbidden().IsMatch(head)) return null;
        string[] lines = head[..^4].Split("\r\n");
        if (lines.Any(line => line.Contains('\r') || line.Contains('\n')) || lines.Length - 1 > limits.Fields) return null;
        Match line = RequestLine().Match(lines[0]);
        if (!line.Success || lines[0].Length > limits.RequestLine) return null;
        Match[] fields = [.. lines.Skip(1).Select(text => Field().Match(text))];
        if (fields.Any(field => !field.Success)) return null;
        return Judge(line, [.. fields.Select(field => (field.Groups[1].Value, field.Groups[2].Value.Trim(' ', '\t')))]);
    }

    private static TwinRequest? Judge(Match line, (string Name, string Value)[] fields)
    {
        string method = line.Groups[1].Value, target = line.Groups[2].Value;
        int minor = line.Groups[3].Value[0] - '0';
        string[] All(string name) => [.. fields.Where(f => Same(f.Name, name)).Select(f => f.Value)];
        string[] Members(string name) =>
            [.. All(name).SelectMany(v => v.Split(',')).Select(m => m.Trim(' ', '\t')).Where(m => m.Length > 0)];
        if (All("host").Length > 1 || (minor == 1 && All("host").Length == 0)) return null;
        if (All("host").Any(host => SplitAuthority(host) is null)) return null;
        if (SplitTarget(method, target) is not var (path, query, authority)) return null;
        (string Host, int Port)? host = SplitAuthority(authority ?? All("host").FirstOrDefault() ?? "");
        if (host is null && (authority is not null || All("host").Length > 0)) return null;
        if (method == "CONNECT" && host?.Port < 0) return null;
        string[] options = Members("connection");
        if (options.Length > 32 || options.Any(option => !Regex.IsMatch(option, $"^{Token}$"))) return null;
        bool Option(string name) => options.Any(option => Same(option, name));
        if (minor == 1 && All("expect").Any(value => !Same(value, "100-continue"))) return null;
        if (Framing(All("content-length"), All("transfer-encoding"), minor) is not { } body) return null;
        bool upgrade = minor == 1 && Option("upgrade") && All("upgrade").Length > 0 && !body.HasBody && !Members("upgrade").Any(m => Same(m, "h2c"));
        return new TwinRequest(
            method, target, path, query, host?.Host ?? "", host?.Port ?? -1, minor,
            string.Join('\n', fields.Select(f => f.Name + ":" + f.Value)), body,
            !Option("close") && (minor == 1 || Option("keep-alive")), upgrade, minor == 1 && All("expect").Length > 0);
    }

    private static (string Path, string Query, string? Authority)? SplitTarget(string method, string target)
    {
        if (method == "CONNECT") return ("", "", target);
        if (target == "*") return method == "OPTIONS" ? ("*", "", null) : null;
        Match match = TargetParts().Match(target);
        if (!match.Success) return null;
        string? authority = match.Groups["authority"].Success ? match.Groups["authority"].Value : null;
        return (match.Groups["path"].Value, match.Groups["query"].Value, authority);
    }

    private static (string Host, int Port)? SplitAuthority(string text)
    {
        Match match = AuthorityParts().Match(text);
        if (!match.Success || match.Groups[1].Length > 255) return null;
        string host = match.Groups[1].Value, port = match.Groups[2].Value;
        if (host[0] == '[' && (host.Contains('%') || !IPAddress.TryParse(host[1..^1], out _))) return null;
        if (port.Length > 5 || (port.Length > 0 && int.Parse(port, CultureInfo.InvariantCulture) > 65535)) return null;
        return (host, port.Length == 0 ? -1 : int.Parse(port, CultureInfo.InvariantCulture));
    }

    private static BodyFraming? Framing(string[] lengths, string[] codings, int minor)
    {
        if (lengths.Length + codings.Length > 1) return null;
        if (codings.Length == 1) return minor == 1 && Same(codings[0], "chunked") ? BodyFraming.Chunked : null;
        if (lengths.Length == 0) return BodyFraming.None;
        if (!Regex.IsMatch(lengths[0], "^[0-9]+$") || BigInteger.Parse(lengths[0], CultureInfo.InvariantCulture) > long.MaxValue) return null;
        return BodyFraming.OfLength(long.Parse(lengths[0], CultureInfo.InvariantCulture));
    }

    private static bool Same(string left, string right) => string.Equals(left, right, StringComparison.OrdinalIgnoreCase);

    [GeneratedRegex(@"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")]
    private static partial Regex Forbidden();

    [GeneratedRegex(@"\A(" + Token + ")(?<=\\A.{1,32}) (" + TargetBytes + @") HTTP/1\.([01])\z")]
    private static partial Regex RequestLine();

    [GeneratedRegex(@"\A(" + Token + @"):([^\r\n]*)\z")]
    private static partial Regex Field();

    [GeneratedRegex(@"\A(?:[hH][tT][tT][pP][sS]?://(?<authority>[^/?]*)(?=[/?]|\z)|(?=/))(?<path>[^?\\]*)(?:\?(?<query>.*))?\z")]
    private static partial Regex TargetParts();

    [GeneratedRegex(@"\A([-._~0-9A-Za-z]+|\[[^\]]*:[^\]]*\])(?::([0-9]*))?\z")]
    private static partial Regex AuthorityParts();

    /// <summary>The real parser's result in the same form, fed in two reads.</summary>
    public static TwinRequest? Real(byte[] bytes, int cut, RequestHead request, HttpLimits limits)
    {
        if (HeadFeeder.Feed(bytes, cut, request, limits) != RejectReason.None) return null;
        string Text(ByteRange range) => Encoding.Latin1.GetString(range.Of(bytes));
        var fields = new List<string>();
        foreach (HeaderField field in request.Fields) fields.Add(Text(field.NameRange) + ":" + Text(field.ValueRange));
        return new TwinRequest(
            Text(request.MethodRange), Text(request.Target), Text(request.Path), Text(request.Query), Text(request.Host), request.Port,
            request.MinorVersion, string.Join('\n', fields), request.Body, request.KeepAlive, request.IsUpgrade, request.ExpectsContinue);
    }
}

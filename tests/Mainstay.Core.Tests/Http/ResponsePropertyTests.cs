using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

/// <summary>
/// Damaged responses: the framing against a short twin, every cut, and what the client gets of those that are accepted.
/// </summary>
public partial class ResponsePropertyTests
{
    private static readonly HttpLimits s_limits = new(Head: 400, Fields: 8);

    private static readonly string[] s_lines =
        ["HTTP/1.1 200 OK", "HTTP/1.1 200", "HTTP/1.0 404 Not Found", "HTTP/1.1 204 No Content", "HTTP/1.1 304 \u00e9", "HTTP/1.1 103 Early",
         "HTTP/1.1 101 Switching", "HTTP/1.1 999 x", "HTTP/2.0 200 OK", "HTTP/1.1200 OK"];

    private static readonly string[] s_fields =
        ["Content-Length: 5", "Content-Length: 0", "Transfer-Encoding: chunked", "Connection: close", "Connection: keep-alive, x-a", "X-A: 1",
         "Date: Tue, 02 Jan 2024 00:00:00 GMT", "Upgrade: websocket", "Content-Length: 5, 5", "Transfer-Encoding: gzip", "A : b", " folded", "X: \0"];

    [Fact]
    public void TryParse_DamagedResponses_FramingAgreesWithTheTwin()
    {
        var random = new Random(2);
        var response = new ResponseHead();
        int accepted = 0, count = ParserPropertyTests.Count(20_000);
        for (int i = 0; i < count; i++)
        {
            byte[] bytes = Make(random);
            RequestMethod method = random.Next(3) == 0 ? RequestMethod.Head : RequestMethod.Get;
            bool upgrade = random.Next(2) == 0;
            RejectReason reason = Feed(bytes, random.Next(bytes.Length + 1), response, method, upgrade);
            BodyFraming? twin = Twin(Encoding.Latin1.GetString(bytes), method, upgrade);
            BodyFraming? real = reason == RejectReason.None ? response.Body : null;
            Assert.True(twin == real, $"twin: {twin}, real: {real} {reason}\n{Encoding.Latin1.GetString(bytes)}");
            if (real is not null) accepted++;
        }

        Assert.InRange(accepted, count / 10, count * 9 / 10);
    }

    [Fact]
    public void TryParse_CutAnywhere_GivesTheSameReason()
    {
        var random = new Random(3);
        var response = new ResponseHead();
        for (int i = 0; i < ParserPropertyTests.Count(500); i++)
        {
            byte[] bytes = Make(random);
            RejectReason whole = Feed(bytes, bytes.Length, response, RequestMethod.Get, false);
            for (int cut = 0; cut < bytes.Length; cut++)
                Assert.Equal((cut, whole), (cut, Feed(bytes, cut, response, RequestMethod.Get, false)));
        }
    }

    [Fact]
    public void Write_AnyAcceptedResponse_ClientFindsTheSameEnd()
    {
        var random = new Random(4);
        var response = new ResponseHead();
        var again = new ResponseHead();
        byte[] output = new byte[2048];
        for (int i = 0; i < ParserPropertyTests.Count(20_000); i++)
        {
            byte[] bytes = Make(random);
            if (Feed(bytes, bytes.Length, response, RequestMethod.Get, true) != RejectReason.None) continue;
            bool http10 = random.Next(2) == 0;
            bool keep = ResponseHeadWriter.AllowsKeepAlive(response, http10);
            int length = ResponseHeadWriter.Write(output, response, bytes, new ResponseContext
            {
                ClientIsHttp10 = http10,
                KeepAlive = keep,
                Via = true,
                Date = "Tue, 02 Jan 2024 00:00:00 GMT"u8,
            });
            Assert.True(again.TryParse(output.AsSpan(0, length), RequestMethod.Get, true, new HttpLimits(), out RejectReason reason), reason.ToString());
            bool decoded = ResponseHeadWriter.MustDecode(response, http10);
            Assert.Equal(decoded ? BodyFraming.UntilClose : response.Body, again.Body);
            Assert.Equal(response.Status, again.Status);
            if (!response.IsInterim) Assert.Equal(keep && !response.IsUpgrade, again.KeepAlive);
        }
    }

    private static byte[] Make(Random random)
    {
        bool sound = random.Next(2) == 0;
        var text = new StringBuilder(s_lines[random.Next(sound ? 6 : s_lines.Length)]).Append("\r\n");
        for (int count = random.Next(4); count > 0; count--) text.Append(s_fields[random.Next(sound ? 8 : s_fields.Length)]).Append("\r\n");
        byte[] bytes = Encoding.Latin1.GetBytes(text.Append("\r\n").ToString());
        if (!sound && random.Next(3) == 0) bytes[random.Next(bytes.Length - 4)] = "\r\n \t:;0H\0"u8[random.Next(9)];
        return bytes;
    }

    private static RejectReason Feed(byte[] bytes, int cut, ResponseHead response, RequestMethod method, bool upgrade)
    {
        var scanner = new HeadScanner();
        bool found = scanner.TryFindResponseEnd(bytes.AsSpan(0, cut), s_limits, out int length, out RejectReason reason);
        if (!found && reason == RejectReason.None) found = scanner.TryFindResponseEnd(bytes, s_limits, out length, out reason);
        if (reason != RejectReason.None) return reason;
        Assert.True(found, "the head never ended");
        response.TryParse(bytes.AsSpan(0, length), method, upgrade, s_limits, out reason);
        return reason;
    }

    private static BodyFraming? Twin(string text, RequestMethod method, bool upgrade)
    {
        Match head = Head().Match(text);
        if (!head.Success) return null;
        int status = int.Parse(head.Groups["status"].Value, CultureInfo.InvariantCulture);
        string[] Values(string name) => [.. head.Groups["name"].Captures.Zip(head.Groups["value"].Captures)
            .Where(pair => pair.First.Value.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(pair => pair.Second.Value.Trim(' ', '\t'))];
        string[] lengths = Values("content-length"), codings = Values("transfer-encoding");
        if (status is < 100 or > 599 || (status == 101 && !upgrade) || lengths.Length + codings.Length > 1) return null;
        if (Values("connection").SelectMany(v => v.Split(',')).Any(option => !Regex.IsMatch(option.Trim(' ', '\t'), @"^[!#$%&'*+\-.^_`|~0-9A-Za-z]*$"))) return null;
        if (lengths.Any(length => !Regex.IsMatch(length, "^[0-9]+$"))) return null;
        if (codings.Any(coding => !coding.Equals("chunked", StringComparison.OrdinalIgnoreCase))) return null;
        if (codings.Length > 0 && head.Groups["minor"].Value == "0") return null;
        long announced = lengths.Length == 0 ? -1 : long.Parse(lengths[0], CultureInfo.InvariantCulture);
        if (status is < 200 or 204) return codings.Length > 0 || announced > 0 ? null : BodyFraming.None;
        if (method == RequestMethod.Head || status == 304) return BodyFraming.None;
        if (codings.Length > 0) return BodyFraming.Chunked;
        return announced < 0 ? BodyFraming.UntilClose : BodyFraming.OfLength(announced);
    }

    [GeneratedRegex(@"\AHTTP/1\.(?<minor>[01]) (?<status>[0-9]{3})(?: [\t\x20-\x7e\x80-\xff]*)?\r\n"
        + @"(?:(?<name>[!#$%&'*+\-.^_`|~0-9A-Za-z]+):(?<value>[\t\x20-\x7e\x80-\xff]*)\r\n)*\r\n")]
    private static partial Regex Head();
}

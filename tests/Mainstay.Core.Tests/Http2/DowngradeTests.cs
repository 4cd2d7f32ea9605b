using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http2;
using Mainstay.Core.Tests.Http;

namespace Mainstay.Core.Tests.Http2;

/// <summary>
/// RFC 9113 section 10.3: nothing that comes by HTTP/2 can become another message in HTTP/1.1. Each attack is refused for its own
/// reason; and whatever is accepted is exactly one request of exactly the fields that were sent.
/// </summary>
public class DowngradeTests
{
    private static readonly HttpLimits s_limits = new();

    [Theory]
    [InlineData("x", "a\r\nTransfer-Encoding: chunked", Http2Reason.InvalidFieldValue)]
    [InlineData("x", "a\nTransfer-Encoding: chunked", Http2Reason.InvalidFieldValue)]
    [InlineData("x", "a\r\n\r\nGET /admin HTTP/1.1\r\nHost: x\r\n\r\n", Http2Reason.InvalidFieldValue)]
    [InlineData("x", "a\0b", Http2Reason.InvalidFieldValue)]
    [InlineData("x: y\r\ntransfer-encoding", "chunked", Http2Reason.InvalidFieldName)]
    [InlineData("transfer-encoding: chunked\r\nx", "y", Http2Reason.InvalidFieldName)]
    [InlineData("transfer-encoding ", "chunked", Http2Reason.InvalidFieldName)]
    [InlineData("transfer-encoding:", "chunked", Http2Reason.InvalidFieldName)]
    [InlineData("transfer\u00adencoding", "chunked", Http2Reason.InvalidFieldName)]
    [InlineData(" transfer-encoding", "chunked", Http2Reason.InvalidFieldName)]
    [InlineData("transfer-encoding", "chunked", Http2Reason.ConnectionSpecificField)]
    [InlineData("Transfer-Encoding", "chunked", Http2Reason.UpperCaseFieldName)]
    [InlineData("content-length", "0\r\n", Http2Reason.InvalidFieldValue)]
    [InlineData("content-length", "5", Http2Reason.ContentLengthMismatch)]
    [InlineData("content-length", "0, 5", Http2Reason.InvalidContentLength)]
    [InlineData("connection", "content-length", Http2Reason.ConnectionSpecificField)]
    [InlineData("host", "evil.example", Http2Reason.HostMismatch)]
    [InlineData("upgrade", "websocket", Http2Reason.ConnectionSpecificField)]
    [InlineData(":x", "y", Http2Reason.UnknownPseudoField)]
    [InlineData(":", "y", Http2Reason.UnknownPseudoField)]
    public void Section10_3_SmuggledField_IsMalformed(string name, string value, Http2Reason reason)
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, [.. Wire.Get, (name, value)]));
        Expect.StreamError(server, 1, reason, ErrorCode.ProtocolError);
    }

    [Theory]
    [InlineData(":method", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nx: y")]
    [InlineData(":method", "GET /admin HTTP/1.1 ")]
    [InlineData(":path", "/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nx: y")]
    [InlineData(":path", "/\tHTTP/1.1")]
    [InlineData(":path", "http://evil/")]
    [InlineData(":authority", "h\r\nx: y")]
    [InlineData(":authority", "h x")]
    [InlineData(":scheme", "http://evil/?")]
    [InlineData(":scheme", "http\r\nx: y")]
    public void Section10_3_SmuggledRequestLine_IsMalformed(string name, string value)
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, [.. Wire.Get.Select(f => f.Item1 == name ? (name, value) : f)]));
        Assert.Equal(Http2EventKind.Rejected, server.Only.Kind);
        Assert.Equal(ErrorScope.Stream, server.Only.Reason.Scope());
    }

    [Fact]
    public void Section10_3_SmuggledTrailer_IsMalformed()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Headers(1, true, ("x", "y\r\n\r\nGET /admin HTTP/1.1")));
        Expect.StreamError(server, 1, Http2Reason.InvalidFieldValue, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section10_3_SmuggledResponse_IsMalformed()
    {
        Machine client = Machine.Client();
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.Headers(1, true, [.. Wire.Ok, ("x", "y\r\nset-cookie: a=b")]));
        Expect.StreamError(client, 1, Http2Reason.InvalidFieldValue, ErrorCode.ProtocolError);
    }

    /// <summary>The other way round: text of HTTP/1.1 that no head writer makes does not get into a block.</summary>
    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX: y\nZ: 1\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nX: y\0\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /admin HTTP/1.1\r\n\r\n")]
    [InlineData("GET http://evil/ HTTP/1.1\r\nHost: h\r\n\r\n")]
    [InlineData("GET  HTTP/1.1\r\n\r\n")]
    [InlineData("GET\r\n\r\n")]
    public void Section10_3_BrokenHeadTowardsAServer_IsNotSent(string head)
    {
        Machine client = Machine.Client();
        client.Open(head, expected: HeadWrite.NotPossible);
        Assert.Empty(client.Sent);
        Assert.Equal(0, client.Connection.OpenStreams);
    }

    [Fact]
    public void Section10_3_AnyFields_AreRefusedOrAreExactlyOneRequestOfThem()
    {
        Random random = ParserPropertyTests.Seeded(31);
        var head = new RequestHead();
        int accepted = 0, count = ParserPropertyTests.Count(30_000);
        Machine server = Machine.Server();
        for (int i = 0; i < count; i++)
        {
            if (i % 50 == 0) server = Machine.Server();
            (string, string)[] fields = RandomFields(random);
            bool ends = random.Next(2) == 0;
            int id = i % 50 * 2 + 1;
            server.Forget().Feed(Wire.Headers(id, ends, fields));
            Seen seen = server.Only;
            if (seen.Kind != Http2EventKind.Head) continue;
            accepted++;
            AssertOneRequest(head, fields, seen.Text, ends);
        }

        Assert.InRange(accepted, count / 20, count * 9 / 10);
    }

    /// <summary>Through the proxy: what is accepted goes to a server by HTTP/2 with the same fields.</summary>
    [Fact]
    public void Section10_3_AnyFields_GoThroughHttp1AndBackUnchanged()
    {
        Random random = ParserPropertyTests.Seeded(32);
        for (int i = 0; i < ParserPropertyTests.Count(5_000); i++)
        {
            (string, string)[] fields = RandomFields(random);
            Machine server = Machine.Server().Feed(Wire.Headers(1, true, fields));
            if (server.Only.Kind != Http2EventKind.Head || !server.Only.Text.Contains("\r\nhost: ")) continue;
            Machine client = Machine.Client();
            client.Open(server.Only.Text);
            var tool = new HpackTool();
            Assert.Equal(Http2Reason.None, tool.Decode(client.Sent[0].Payload));
            IEnumerable<string> expected = fields.Where(f => f.Item1 is not (":authority" or "host" or "cookie" or ":scheme" or "te")).Select(f => $"{f.Item1}: {f.Item2}");
            IEnumerable<string> got = tool.Lines.Where(l => !l.StartsWith(":authority", StringComparison.Ordinal) && !l.StartsWith("cookie", StringComparison.Ordinal)
                && !l.StartsWith(":scheme", StringComparison.Ordinal) && !l.StartsWith("te:", StringComparison.Ordinal));
            Assert.Equal(expected.Order(), got.Order());
        }
    }

    private static void AssertOneRequest(RequestHead head, (string Name, string Value)[] fields, string text, bool ends)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        var scanner = new HeadScanner();
        Assert.True(scanner.TryFindEnd(bytes, s_limits, out int length, out RejectReason reason), reason.ToString());
        Assert.Equal(bytes.Length, length);
        if (!head.TryParse(bytes, s_limits, out reason))
        {
            // What HTTP/2 leaves to the common rules: refused with a status.
            Assert.Contains(reason, new[] { RejectReason.InvalidHost, RejectReason.MissingHost, RejectReason.InvalidTarget, RejectReason.UnknownExpectation });
            return;
        }

        Assert.Equal(fields.First(f => f.Name == ":path").Value, text.Substring(head.Target.Start, head.Target.Length));
        Assert.Equal(fields.First(f => f.Name == ":method").Value, text.Substring(head.MethodRange.Start, head.MethodRange.Length));
        string declared = fields.FirstOrDefault(f => f.Name == "content-length").Value ?? "";
        BodyFraming expected = declared.Length > 0 ? BodyFraming.OfLength(long.Parse(declared)) : ends ? BodyFraming.None : BodyFraming.Chunked;
        Assert.Equal(expected, head.Body);
        int regular = fields.Count(f => f.Name[0] != ':' && f.Name is not ("cookie" or "host" or "te"));
        int own = (fields.Any(f => f is { Name: "cookie", Value.Length: > 0 }) ? 1 : 0) + (fields.Any(f => f.Name is "host" or ":authority") ? 1 : 0)
            + (fields.Any(f => f.Name == "te") ? 2 : 0) + (expected == BodyFraming.Chunked ? 1 : 0);
        Assert.Equal(regular + own, head.Fields.Length);
    }

    private static (string, string)[] RandomFields(Random random)
    {
        var fields = new List<(string, string)>
        {
            (":method", Pick(random, "GET", "GET", "POST", "PUT", "G T", "GET\r", "get")),
            (":scheme", Pick(random, "https", "https", "http", "http:")),
            (":path", Pick(random, "/", "/a?b=c", "/a/%62", "*", "/\u00e9", "/a b", "/a\r\nx: y", "//x")),
        };
        if (random.Next(5) > 0) fields.Add((":authority", Pick(random, "h.example", "h.example:8443", "[::1]:80", "a b", "h\nx", "")));
        string[] names = ["x-a", "x-b", "cookie", "te", "host", "content-length", "accept", "transfer-encoding", "X-C", "x d", "x:e", "", ":path"];
        for (int i = random.Next(5); i > 0; i--)
        {
            string name = names[random.Next(random.Next(4) > 0 ? 7 : names.Length)];
            string value = name switch
            {
                "te" => Pick(random, "trailers", "gzip"),
                "host" => Pick(random, "h.example", "evil"),
                "content-length" => Pick(random, "0", "5", "x"),
                _ => Pick(random, "", "v", "a, b", "x; y", "q\u00e9", "a\r\nb: c", "\n", "a:b", "  ", "-"),
            };
            fields.Insert(random.Next(8) == 0 ? random.Next(fields.Count) : fields.Count, (name, value));
        }

        return [.. fields];
    }

    private static string Pick(Random random, params string[] values) => values[Math.Min(random.Next(values.Length), random.Next(values.Length))];
}

using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

public class RequestHeadTests
{
    private static readonly HttpLimits s_limits = new();

    private readonly RequestHead _head = new();

    [Fact]
    public void TryParse_PlainGet_GivesEveryPart()
    {
        byte[] bytes = Parse("GET /a/b?c=d HTTP/1.1\r\nHost: example.com:8080\r\nUser-Agent:  x y \t\r\nA:\r\n\r\n");
        Assert.Equal(RequestMethod.Get, _head.Method);
        Assert.Equal("/a/b", Text(bytes, _head.Path));
        Assert.Equal("c=d", Text(bytes, _head.Query));
        Assert.Equal("/a/b?c=d", Text(bytes, _head.Target));
        Assert.Equal("example.com:8080", Text(bytes, _head.Authority));
        Assert.Equal("example.com", Text(bytes, _head.Host));
        Assert.Equal(8080, _head.Port);
        Assert.Equal(3, _head.Fields.Length);
        Assert.True(_head.TryGet(FieldName.UserAgent, out HeaderField agent));
        Assert.Equal("x y", Text(bytes, agent.ValueRange));
        Assert.Equal("", Text(bytes, _head.Fields[2].ValueRange));
        Assert.True(_head.KeepAlive);
        Assert.Equal(BodyFraming.None, _head.Body);
    }

    [Theory]
    [InlineData("GET http://a.example/p?q HTTP/1.1\r\nHost: other\r\n\r\n", TargetForm.Absolute, "a.example", "/p", "q")]
    [InlineData("GET HTTPS://a.example:1/ HTTP/1.1\r\nHost: other\r\n\r\n", TargetForm.Absolute, "a.example", "/", "")]
    [InlineData("GET http://a.example?q HTTP/1.1\r\nHost: other\r\n\r\n", TargetForm.Absolute, "a.example", "", "q")]
    [InlineData("OPTIONS http://a.example HTTP/1.1\r\nHost: other\r\n\r\n", TargetForm.Absolute, "a.example", "", "")]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", TargetForm.Asterisk, "h", "*", "")]
    [InlineData("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example\r\n\r\n", TargetForm.Authority, "a.example", "", "")]
    [InlineData("GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", TargetForm.Origin, "[2001:db8::1]", "/", "")]
    [InlineData("\r\nGET /? HTTP/1.0\r\n\r\n", TargetForm.Origin, "", "/", "")]
    public void TryParse_TargetForms_Rfc9112Section3_2(string text, TargetForm form, string host, string path, string query)
    {
        byte[] bytes = Parse(text);
        Assert.Equal(form, _head.Form);
        Assert.Equal(host, Text(bytes, _head.Host));
        Assert.Equal(path, Text(bytes, _head.Path));
        Assert.Equal(query, Text(bytes, _head.Query));
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\n\r\n", true)]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n", false)]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo\r\nConnection: close\r\n\r\n", false)]
    [InlineData("GET / HTTP/1.0\r\n\r\n", false)]
    [InlineData("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true)]
    [InlineData("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", false)]
    public void TryParse_KeepAlive_Rfc9112Section9_3(string text, bool keepAlive)
    {
        Parse(text);
        Assert.Equal(keepAlive, _head.KeepAlive);
    }

    [Theory]
    [InlineData("Content-Length: 0", BodyKind.None, 0)]
    [InlineData("content-length: 0012", BodyKind.Length, 12)]
    [InlineData("Content-Length: 9223372036854775807", BodyKind.Length, long.MaxValue)]
    [InlineData("Transfer-Encoding: Chunked", BodyKind.Chunked, 0)]
    [InlineData("X: y", BodyKind.None, 0)]
    public void TryParse_Framing_Rfc9112Section6_3(string field, BodyKind kind, long length)
    {
        Parse($"POST / HTTP/1.1\r\nHost: h\r\n{field}\r\n\r\n");
        Assert.Equal(new BodyFraming(kind, length), _head.Body);
    }

    [Theory]
    [InlineData("Connection: upgrade\r\nUpgrade: websocket\r\n", true)]
    [InlineData("Upgrade: websocket\r\n", false)]
    [InlineData("Connection: upgrade\r\n", false)]
    [InlineData("Connection: upgrade\r\nUpgrade: h2c\r\n", false)]
    [InlineData("Connection: upgrade\r\nUpgrade: websocket, h2C\r\n", false)]
    [InlineData("Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n", false)]
    public void TryParse_Upgrade_NeedsConnectionAndNoBodyAndNoH2c(string fields, bool upgrade)
    {
        Parse($"GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        Assert.Equal(upgrade, _head.IsUpgrade);
    }

    [Fact]
    public void TryParse_ConnectionNominates_MarksThoseFieldsOnlyAndNeverFraming()
    {
        Parse("POST / HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 3\r\nConnection: x-a, host, content-length\r\n\r\n");
        bool[] marks = [.. _head.Fields.ToArray().Select(field => field.IsHopByHop)];
        Assert.Equal([false, true, false, false, true], marks);
    }

    [Fact]
    public void TryParse_ExpectContinue_IsIgnoredInHttp10()
    {
        Parse("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 1\r\n\r\n");
        Assert.True(_head.ExpectsContinue);
        Parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n");
        Assert.False(_head.ExpectsContinue);
    }

    [Fact]
    public void TryFindEnd_Pipelined_StopsBehindEachHead()
    {
        string[] heads = ["GET /1 HTTP/1.1\r\nHost: h\r\n\r\n", "\r\nGET /2 HTTP/1.0\r\n\r\n", "GET /3 HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"];
        ReadOnlySpan<byte> rest = Encoding.ASCII.GetBytes(string.Concat(heads) + "\0garbage\n");
        var scanner = new HeadScanner();
        foreach (string head in heads)
        {
            scanner.Reset();
            Assert.True(scanner.TryFindEnd(rest, s_limits, out int length, out _));
            Assert.Equal(head, Encoding.ASCII.GetString(rest[..length]));
            rest = rest[length..];
        }
    }

    [Theory]
    [InlineData(8192, 32768, true)]
    [InlineData(8193, 32768, false)]
    [InlineData(100, 113, true)]
    [InlineData(100, 112, false)]
    public void TryFindEnd_Limits_AreInclusive(int line, int headLimit, bool accepted)
    {
        // Line, CRLF, "Host: h", CRLF, CRLF, padded out by the target.
        var limits = new HttpLimits(Head: headLimit);
        string text = "GET /".PadRight(line - 9, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        RejectReason reason = HeadFeeder.Feed(bytes, bytes.Length, _head, limits);
        Assert.Equal(accepted, reason == RejectReason.None);
        Assert.Equal(reason, HeadFeeder.FeedByteByByte(bytes, _head, limits));
    }

    [Theory]
    [MemberData(nameof(StrictnessTable.Requests), MemberType = typeof(StrictnessTable))]
    public void TryParse_RefusedRequest_NamesTheCause(string rule, string text, RejectReason expected, int status)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        Assert.Equal((rule, expected), (rule, HeadFeeder.Feed(bytes, bytes.Length, _head, s_limits)));
        Assert.Equal(status, expected.Status());
    }

    [Theory]
    [MemberData(nameof(StrictnessTable.Requests), MemberType = typeof(StrictnessTable))]
    public void TryParse_RefusedRequestSplitAnywhere_NamesTheSameCause(string rule, string text, RejectReason expected, int status)
    {
        _ = status;
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        for (int cut = 1; cut <= bytes.Length; cut++)
            Assert.Equal((rule, cut, expected), (rule, cut, HeadFeeder.Feed(bytes, cut, _head, s_limits)));
        Assert.Equal((rule, expected), (rule, HeadFeeder.FeedByteByByte(bytes, _head, s_limits)));
    }

    private byte[] Parse(string text)
    {
        byte[] bytes = Encoding.Latin1.GetBytes(text);
        Assert.Equal(RejectReason.None, HeadFeeder.Feed(bytes, bytes.Length, _head, s_limits));
        return bytes;
    }

    private static string Text(byte[] bytes, ByteRange range) => Encoding.Latin1.GetString(range.Of(bytes));
}

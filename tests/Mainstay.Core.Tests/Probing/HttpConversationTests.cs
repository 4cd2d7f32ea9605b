using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Net;
using Mainstay.Core.Probing;

namespace Mainstay.Core.Tests.Probing;

public class HttpConversationTests
{
    private static readonly CheckSnapshot Check = new()
    {
        Kind = CheckKind.Http,
        Interval = TimeSpan.FromSeconds(1),
        FastInterval = TimeSpan.FromSeconds(1),
        Timeout = TimeSpan.FromMilliseconds(500),
        Rise = 2,
        Fall = 3,
        Path = "/healthz",
    };

    private static readonly CheckSnapshot WithBody = Check with { BodyContains = "all good" };

    [Fact]
    public void Request_ByDefault_NamesTheServerAndAsksToClose()
    {
        byte[] request = HttpRequestBytes.Build(Check, Endpoint.Ip(NetAddress.V4(0x0A000001), 8080));
        Assert.Equal(
            "GET /healthz HTTP/1.1\r\nHost: 10.0.0.1:8080\r\nUser-Agent: mainstay-check\r\nConnection: close\r\n\r\n",
            Encoding.ASCII.GetString(request));
    }

    [Fact]
    public void Request_WithOwnHeaders_ReplacesOurs()
    {
        CheckSnapshot check = Check with { Host = "shop.example", Headers = [new("user-agent", "probe"), new("X-Check", "1")] };
        string request = Encoding.ASCII.GetString(HttpRequestBytes.Build(check, Endpoint.Ip(NetAddress.V4(0x0A000001), 80)));
        Assert.Contains("\r\nHost: shop.example\r\n", request, StringComparison.Ordinal);
        Assert.Contains("\r\nuser-agent: probe\r\nX-Check: 1\r\n\r\n", request, StringComparison.Ordinal);
        Assert.DoesNotContain("mainstay-check", request, StringComparison.Ordinal);
    }

    [Fact]
    public void Request_WithALineEndInAHeader_IsRefused() =>
        Assert.Throws<ArgumentException>(() =>
            HttpRequestBytes.Build(Check with { Headers = [new("X", "a\r\nEvil: 1")] }, Endpoint.Unix("/x")));

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "L7 ok", "HTTP 200")]
    [InlineData("HTTP/1.0 204\r\n\r\n", "L7 ok", "HTTP 204")]
    [InlineData("HTTP/1.1 301 Moved\r\nLocation: /elsewhere\r\n\r\n", "L7 ok", "HTTP 301")]
    [InlineData("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "L7 ok", "HTTP 200")]
    [InlineData("HTTP/1.1 503 Service Unavailable\r\n\r\n", "L7 unexpected", "HTTP 503")]
    [InlineData("HTTP/1.1 404 Not Found", "L7 closed", "closed while waiting for the status line")]
    [InlineData("", "L7 closed", "closed while waiting for the status line")]
    [InlineData("HTTP/1.1 200 OK\r\nServer: x\r\n", "L7 closed", "closed while waiting for the headers")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "L7 malformed", "not an HTTP/1 status line: \"SSH-2.0-OpenSSH_9.2\"")]
    [InlineData("HTTP/2 200\r\n\r\n", "L7 malformed", "not an HTTP/1 status line: \"HTTP/2 200\"")]
    [InlineData("HTTP/1.1 2000 OK\r\n\r\n", "L7 malformed", "not an HTTP/1 status line: \"HTTP/1.1 2000 OK\"")]
    [InlineData("\u001b[31m\r\n", "L7 malformed", "not an HTTP/1 status line: \"\\x1b[31m\"")]
    [InlineData("HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "L7 malformed", "not a header line: \"no colon\"")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "L7 malformed", "Content-Length \"-1\" is not a number")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "L7 malformed", "Content-Length is both 1 and 2")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "L7 malformed", "transfer coding \"gzip\" is not understood")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "L7 malformed", "both Content-Length and Transfer-Encoding")]
    public void Head_DecidesAloneWhenTheBodyDoesNotMatter(string response, string code, string text) => Expect(Check, response, code, text);

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall good", "L7 ok", "HTTP 200")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nyes, all good here", "L7 ok", "HTTP 200")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nall\r\n5\r\n good\r\n0\r\nT: v\r\n\r\n", "L7 ok", "HTTP 200")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", "L7 unexpected", "HTTP 200, the body has no \"all good\"")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "L7 unexpected", "HTTP 200, the body has no \"all good\"")]
    [InlineData("HTTP/1.1 204 OK\r\n\r\n", "L7 unexpected", "HTTP 204, the body has no \"all good\"")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall", "L7 closed", "HTTP 200, body closed 6 bytes before its end")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nallgood and all good", "L7 unexpected", "HTTP 200, the body has no \"all good\"")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nall\r\n", "L7 closed", "HTTP 200, body closed before its last chunk")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "L7 malformed", "HTTP 200, not a chunk size")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "L7 malformed", "HTTP 200, not a chunk size")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", "L7 malformed", "HTTP 200, not a chunk size")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n", "L7 malformed", "HTTP 200, bytes between a chunk and its line end")]
    public void Body_HasToContainWhatIsExpected(string response, string code, string text) => Expect(WithBody, response, code, text);

    [Theory]
    [InlineData("status: ok-17", "L7 ok")]
    [InlineData("status: broken", "L7 unexpected")]
    public void Body_HasToMatchTheExpression(string body, string code)
    {
        CheckSnapshot check = Check with { BodyMatches = "^status: ok-[0-9]+$" };
        var conversation = new HttpConversation(ReadOnlyMemory<byte>.Empty, new HttpExpectation(check));
        byte[] response = Feed.Bytes($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n{body}");
        Assert.Equal(code, Feed.AskInAllSplits(conversation, response).Code);
    }

    [Fact]
    public void Body_BeyondItsLimit_IsNotLookedAt()
    {
        CheckSnapshot check = WithBody with { BodyLimit = 16 };
        Expect(check, $"HTTP/1.1 200 OK\r\n\r\n{new string('x', 12)}all good", "L7 unexpected",
            "HTTP 200, the body has no \"all good\" in its first 16 bytes");
    }

    [Fact]
    public void Head_WithoutEnd_IsRefusedAtItsLimit()
    {
        var conversation = new HttpConversation(ReadOnlyMemory<byte>.Empty, new HttpExpectation(Check));
        byte[] flood = Feed.Bytes("HTTP/1.1 200 OK\r\n" + string.Concat(Enumerable.Repeat("A: b\r\n", 20_000)));
        Assert.Equal("a head of more than 65536 bytes", Feed.Ask(conversation, flood).Text);
        Assert.Equal("a line of more than 16384 bytes", Feed.Ask(conversation, Feed.Bytes("HTTP/1.1 200 " + new string('x', 20_000))).Text);
        byte[] interim = Feed.Bytes(string.Concat(Enumerable.Repeat("HTTP/1.1 102 P\r\n\r\n", 40)));
        Assert.Equal("more than 16 interim responses", Feed.Ask(conversation, interim).Text);
    }

    [Fact]
    public void Head_ResponseWithoutBody_IsNotWaitedForAfterHead()
    {
        CheckSnapshot check = Check with { Method = "HEAD" };
        Expect(check, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", "L7 ok", "HTTP 200");
    }

    [Theory]
    [InlineData("Content-Length: 8", "all ", "good")]
    [InlineData("Transfer-Encoding: chunked", "4\r\nall \r\n", "4\r\ngood\r\n0\r\n\r\n")]
    public void Body_ThatDoesNotMatter_IsReadToItsEndButChangesNothing(string framing, string begin, string end)
    {
        var conversation = new HttpConversation(ReadOnlyMemory<byte>.Empty, new HttpExpectation(Check));
        conversation.Begin();
        Assert.Null(conversation.Settled);
        Assert.Null(conversation.OnBytes(Feed.Bytes($"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n")));
        Assert.Null(conversation.OnBytes(Feed.Bytes(begin)));
        Assert.Equal("HTTP 200", conversation.Settled?.Text);
        Assert.Equal("HTTP 200", conversation.OnEnd().Text);
        Assert.Equal("L7 ok", conversation.OnBytes(Feed.Bytes(end))?.Code);
        Expect(Check, $"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n{begin}", "L7 ok", "HTTP 200");
        Expect(Check, $"HTTP/1.1 200 OK\r\n{framing}\r\n\r\nnot a chunk", "L7 ok", "HTTP 200");
    }

    [Theory]
    [InlineData("Content-Length: 70000")]
    [InlineData("Server: until it closes")]
    public void Body_ThatDoesNotMatterAndIsNotKnownToBeShort_IsNotAwaited(string header)
    {
        var conversation = new HttpConversation(ReadOnlyMemory<byte>.Empty, new HttpExpectation(Check));
        conversation.Begin();
        Assert.Equal("HTTP 200", conversation.OnBytes(Feed.Bytes($"HTTP/1.1 200 OK\r\n{header}\r\n\r\n"))?.Text);
    }

    [Fact]
    public void Timeout_SaysWhatWasWaitedFor()
    {
        var conversation = new HttpConversation(ReadOnlyMemory<byte>.Empty, new HttpExpectation(WithBody));
        TimeSpan limit = TimeSpan.FromMilliseconds(500);
        conversation.Begin();
        Assert.Equal("timeout after 500ms waiting for the status line", conversation.OnTimeout(limit).Text);
        conversation.OnBytes("HTTP/1.1 200 OK\r\n"u8);
        Assert.Equal("timeout after 500ms waiting for the headers", conversation.OnTimeout(limit).Text);
        conversation.OnBytes("\r\nall"u8);
        Assert.Equal("timeout after 500ms waiting for the body", conversation.OnTimeout(limit).Text);
    }

    [Fact]
    public void HostileResponses_NeverThrow()
    {
        string[] corpus =
        [
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nall\r\n5\r\n good\r\n0\r\nT: v\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 20\r\nServer: x\r\n\r\n01234567890123456789",
            "HTTP/1.0 200 OK\r\n\r\nuntil the end",
        ];
        foreach (CheckSnapshot check in new[] { Check, WithBody, Check with { BodyMatches = "a.*b", BodyLimit = 7 } })
            Feed.Fuzz(new HttpConversation(ReadOnlyMemory<byte>.Empty, new HttpExpectation(check)), [.. corpus.Select(Feed.Bytes)]);
    }

    [Fact]
    public void WholeResponse_IsJudgedWithoutAllocating()
    {
        var conversation = new HttpConversation(ReadOnlyMemory<byte>.Empty, new HttpExpectation(Check));
        byte[] response = Feed.Bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nServer: x\r\n\r\nok");
        conversation.Begin();
        conversation.OnBytes(response);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            conversation.Begin();
            conversation.OnBytes(response);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void Expect(CheckSnapshot check, string response, string code, string text)
    {
        var conversation = new HttpConversation(ReadOnlyMemory<byte>.Empty, new HttpExpectation(check));
        CheckOutcome outcome = Feed.AskInAllSplits(conversation, Feed.Bytes(response));
        Assert.Equal((code, text), (outcome.Code, outcome.Text));
    }
}

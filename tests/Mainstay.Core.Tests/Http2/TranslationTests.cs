using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>HTTP/2 messages as HTTP/1.1 heads and back: what the rest of the proxy, and the other side, get to see.</summary>
public class TranslationTests
{
    private static readonly HttpLimits s_limits = new();

    [Fact]
    public void Request_WithoutContent_ReadsAsARequestHead()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, [.. Wire.Get, ("user-agent", "x"), ("accept", "*/*")]));
        Assert.Equal("GET / HTTP/1.1\r\nhost: www.example.com\r\nuser-agent: x\r\naccept: */*\r\n\r\n", server.Only.Text);
        RequestHead head = Parse(server.Only.Text);
        Assert.Equal((RequestMethod.Get, BodyKind.None, true), (head.Method, head.Body.Kind, head.KeepAlive));
        Assert.True(server.Only.End);
    }

    [Fact]
    public void Request_WithContentOfUnknownLength_ReadsAsChunked()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post));
        Assert.Equal(BodyKind.Chunked, Parse(server.Only.Text).Body.Kind);
    }

    [Fact]
    public void Request_WithContentLength_KeepsIt()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, [.. Wire.Post, ("content-length", "12")]));
        Assert.Equal(BodyFraming.OfLength(12), Parse(server.Only.Text).Body);
    }

    [Fact]
    public void Request_TeTrailers_AcceptsTrailers()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, [.. Wire.Get, ("te", "trailers")]));
        Assert.True(Parse(server.Only.Text).AcceptsTrailers);
    }

    [Fact]
    public void Request_HostWithoutAuthority_IsTheHost()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, (":method", "GET"), (":scheme", "http"), (":path", "/a?b"), ("host", "h.example:81")));
        RequestHead head = Parse(server.Only.Text);
        Assert.Equal("h.example:81", Of(head.Authority, server.Only.Text));
        Assert.Equal("b", Of(head.Query, server.Only.Text));
    }

    [Fact]
    public void Request_HostLikeAuthority_IsSaidOnce()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, [.. Wire.Get, ("host", "WWW.example.com")]));
        Assert.Equal("GET / HTTP/1.1\r\nhost: www.example.com\r\n\r\n", server.Only.Text);
    }

    [Fact]
    public void Request_OptionsAsterisk_KeepsItsTarget()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, (":method", "OPTIONS"), (":scheme", "http"), (":authority", "h"), (":path", "*")));
        Assert.Equal(TargetForm.Asterisk, Parse(server.Only.Text).Form);
    }

    [Fact]
    public void Request_Connect_ReadsAsConnect()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, (":method", "CONNECT"), (":authority", "h.example:443")));
        Assert.Equal("CONNECT h.example:443 HTTP/1.1\r\nhost: h.example:443\r\n\r\n", server.Only.Text);
        Assert.Equal(RequestMethod.Connect, Parse(server.Only.Text).Method);
    }

    [Fact]
    public void Request_NeverIndexedField_IsMarkedAndGoesOnNeverIndexed()
    {
        byte[] block = [.. Wire.Block(Wire.Get), 0x10, 5, .. "x-key"u8, 6, .. "secret"u8];
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 1, block));
        Assert.Contains("\r\nx-key:  secret\r\n", server.Only.Text);
        Assert.Equal(1, Parse(server.Only.Text).Fields.Length - 1);

        Machine client = Machine.Client();
        client.Open(server.Only.Text);
        HpackTool tool = Decoded(client.Sent[0]);
        Assert.Equal("x-key: secret", tool.Lines[^1]);
        Assert.True(tool.Fields[^1].NeverIndexed);
    }

    [Fact]
    public void Response_WithLength_GoesOutWithLowerCaseNamesAndWithoutTheConnectionsFields()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nConnection: close, X-Hop\r\nKeep-Alive: timeout=5\r\n"
            + "X-Hop: 1\r\nSet-Cookie: a=b\r\nContent-Length: 5\r\n\r\n", ends: false);
        Assert.Equal(":status: 404\ncontent-type: text/html\nset-cookie: a=b\ncontent-length: 5", Text(server.Sent[0]));
        Assert.Equal(FrameFlags.EndHeaders, server.Sent[0].Flags);
        Assert.Equal(5, server.Write(server.Stream(1), 5, ends: true));
        Assert.Equal(FrameFlags.EndStream, server.Sent[1].Flags);
        Assert.Equal(0, server.Connection.OpenStreams);
    }

    [Fact]
    public void Response_Chunked_LosesItsFraming()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n", ends: false);
        Assert.Equal(":status: 200\ntrailer: X-Sum", Text(server.Sent[0]));
        StreamRef stream = server.Stream(1);
        server.Do((ref FrameBuffer output) =>
            Assert.Equal(HeadWrite.Written, server.Connection.TryWriteTrailer(stream, "X-Sum: 7\r\nGrpc-Status: 0\r\n"u8, ref output)));
        Assert.Equal((FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream), (server.Sent[1].Type, server.Sent[1].Flags));
        Assert.Equal("x-sum: 7\ngrpc-status: 0", Text(server.Sent[1]));
        Assert.False(server.Connection.IsAlive(stream));
    }

    [Fact]
    public void Response_WithoutTrailerLines_EndsWithAnEmptyDataFrame()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", ends: false);
        StreamRef stream = server.Stream(1);
        server.Do((ref FrameBuffer output) => Assert.Equal(HeadWrite.Written, server.Connection.TryWriteTrailer(stream, default, ref output)));
        Assert.Equal((FrameType.Data, FrameFlags.EndStream, 0), (server.Sent[1].Type, server.Sent[1].Flags, server.Sent[1].Payload.Length));
    }

    [Fact]
    public void Response_Interim_ComesBeforeTheFinalOne()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post));
        server.Answer(1, "HTTP/1.1 100 Continue\r\n\r\n", ends: false);
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n");
        Assert.Equal([":status: 100", ":status: 200"], server.Sent.Select(Text));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", expected: HeadWrite.NotOpen);
    }

    [Fact]
    public void Response_LargerThanAFrame_IsContinued()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        string fields = string.Concat(Enumerable.Range(0, 40).Select(i => $"X-{i}: {new string((char)('a' + i % 26), 1000)}\r\n"));
        server.Answer(1, "HTTP/1.1 200 OK\r\n" + fields + "\r\n");
        Assert.Equal([FrameType.Headers, FrameType.Continuation, FrameType.Continuation], server.Sent.Select(f => f.Type));
        Assert.Equal([FrameFlags.EndStream, FrameFlags.None, FrameFlags.EndHeaders], server.Sent.Select(f => f.Flags));
        var tool = new HpackTool();
        Assert.Equal(Http2Reason.None, tool.Decode([.. server.Sent.SelectMany(f => f.Payload)]));
        Assert.Equal(":status: 200\n" + fields.ToLowerInvariant().Replace("\r\n", "\n").TrimEnd(), string.Join('\n', tool.Lines));
        Assert.All(server.Sent, f => Assert.True(f.Payload.Length <= 16384));
    }

    [Fact]
    public void Client_Request_GoesOutWithPseudoFieldsFirst()
    {
        Machine client = Machine.Client();
        client.Open("POST /a?b=c HTTP/1.1\r\nUser-Agent: x\r\nHost: h.example\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\nConnection: TE\r\n"
            + "Cookie: a=b; c=d\r\n\r\n", ends: false);
        Assert.Equal(":method: POST\n:scheme: https\n:authority: h.example\n:path: /a?b=c\nte: trailers\nuser-agent: x\ncookie: a=b; c=d", Text(client.Sent[0]));
        Assert.Equal((1, FrameFlags.EndHeaders), (client.Sent[0].StreamId, client.Sent[0].Flags));
    }

    [Fact]
    public void Client_Response_ReadsAsAResponseHead()
    {
        Machine client = Machine.Client();
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.Headers(1, false, [.. Wire.Ok, ("content-type", "text/plain")]), Wire.Data(1, true, "abc"));
        Assert.Equal("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n", client.Events[0].Text);
        var head = new ResponseHead();
        Assert.True(head.TryParse(Encoding.Latin1.GetBytes(client.Events[0].Text), RequestMethod.Get, false, s_limits, out _));
        Assert.Equal((Http2EventKind.Data, "abc", true), (client.Events[1].Kind, client.Events[1].Text, client.Events[1].End));
        Assert.Equal(0, client.Connection.OpenStreams);
    }

    [Theory]
    [InlineData("200", false, true, "content-length: 0\r\n")]
    [InlineData("200", true, true, "")]
    [InlineData("204", false, true, "")]
    [InlineData("304", false, true, "")]
    [InlineData("200", false, false, "transfer-encoding: chunked\r\n")]
    public void Client_ResponseWithoutLength_GetsTheFramingThatFits(string status, bool isHead, bool ends, string framing)
    {
        Machine client = Machine.Client();
        client.Open((isHead ? "HEAD" : "GET") + " / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.Headers(1, ends, (":status", status)));
        Assert.EndsWith("\r\n" + framing + "\r\n", client.Only.Text);
    }

    [Fact]
    public void Client_InterimThenFinalThenTrailer_ComeAsThree()
    {
        Machine client = Machine.Client();
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.Headers(1, false, (":status", "103"), ("link", "</a>")), Wire.Headers(1, false, Wire.Ok), Wire.Data(1, false, "x"),
            Wire.Headers(1, true, ("grpc-status", "0"), ("content-length", "5")));
        Assert.Equal(["HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", "x", "grpc-status: 0\r\n"],
            client.Events.Select(e => e.Text));
        Assert.Equal([Http2EventKind.Interim, Http2EventKind.Head, Http2EventKind.Data, Http2EventKind.Trailer], client.Events.Select(e => e.Kind));
    }

    [Fact]
    public void WebSocket_FromHttp2_ReadsAsUpgradeAndIsAnsweredWith200()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
            (":path", "/chat"), (":authority", "h"), ("sec-websocket-version", "13"), ("sec-websocket-key", "nobody asked")));
        Assert.True(server.Only.Event.IsWebSocket);
        RequestHead head = Parse(server.Only.Text);
        Assert.Equal((RequestMethod.Get, true, BodyKind.None), (head.Method, head.IsUpgrade, head.Body.Kind));
        Assert.Matches("\r\nsec-websocket-key: [A-Za-z0-9+/]{22}==\r\n", server.Only.Text);
        server.Answer(1, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: x\r\n"
            + "Sec-WebSocket-Protocol: p\r\n\r\n", ends: false);
        Assert.Equal(":status: 200\nsec-websocket-protocol: p", Text(server.Sent[0]));
        Assert.Equal(3, server.Write(server.Stream(1), 3));
        server.Feed(Wire.Data(1, false, "hi"));
        Assert.Equal("hi", server.Events[^1].Text);
    }

    [Fact]
    public void WebSocket_ServerThatDidNotSwitch_IsNotTakenForATunnel()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"),
            (":path", "/chat"), (":authority", "h")));
        server.Answer(1, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", ends: false, HeadWrite.NotPossible);
        server.Answer(1, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
        Assert.Equal(":status: 502\ncontent-length: 0", Text(server.Sent[0]));
    }

    /// <summary>Key and answer of RFC 6455 section 1.3.</summary>
    [Fact]
    public void WebSocket_ToHttp2_IsAnExtendedConnectAndTheKeyIsAnswered()
    {
        const string upgrade = "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
            + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
        Machine client = Machine.Client(null, (8, 1));
        client.Open(upgrade, ends: false);
        Assert.Equal(":method: CONNECT\n:protocol: websocket\n:scheme: https\n:authority: h\n:path: /chat\nsec-websocket-version: 13", Text(client.Sent[0]));
        client.Feed(Wire.Headers(1, false, Wire.Ok), Wire.Data(1, false, "hi"));
        Assert.Equal("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n", client.Events[0].Text);
        Assert.Equal((Http2EventKind.Head, true), (client.Events[0].Kind, client.Events[0].Event.IsWebSocket));
        Assert.Equal("hi", client.Events[1].Text);
        Machine.Client().Open(upgrade, ends: false, HeadWrite.NotPossible);
    }

    private static RequestHead Parse(string text)
    {
        var head = new RequestHead();
        Assert.True(head.TryParse(Encoding.Latin1.GetBytes(text), s_limits, out RejectReason reason), reason.ToString());
        return head;
    }

    private static string Of(ByteRange range, string text) => text.Substring(range.Start, range.Length);

    private static string Text(SentFrame frame) => string.Join('\n', Decoded(frame).Lines);

    private static HpackTool Decoded(SentFrame frame)
    {
        var tool = new HpackTool();
        Assert.Equal(Http2Reason.None, tool.Decode(frame.Payload));
        return tool;
    }
}

using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>RFC 9113 section 8: what a message may be. Malformed ones are stream errors of type PROTOCOL_ERROR (section 8.1.1).</summary>
public class Rfc9113MessageTests
{
    [Fact]
    public void Section8_1_TrailerWithoutEndStream_IsMalformed()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Headers(1, false, ("x", "y")));
        Expect.StreamError(server, 1, Http2Reason.TrailerNotLast, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section8_1_PseudoFieldInATrailer_IsMalformed()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Headers(1, true, (":method", "GET")));
        Expect.StreamError(server, 1, Http2Reason.PseudoFieldInTrailer, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section8_1_Trailer_EndsTheRequest()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Data(1, false, "abc"), Wire.Headers(1, true, ("x-sum", "1")));
        Assert.Equal((Http2EventKind.Trailer, "x-sum: 1\r\n", true), (server.Events[^1].Kind, server.Events[^1].Text, server.Events[^1].End));
    }

    /// <summary>RFC 9110 section 6.5.1: they would be merged where they must not.</summary>
    [Fact]
    public void Section8_1_FieldsThatNoTrailerMayHave_AreLeftOut()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post),
            Wire.Headers(1, true, ("content-length", "5"), ("host", "evil"), ("cookie", "a=b"), ("authorization", "x"), ("x-sum", "1")));
        Assert.Equal("x-sum: 1\r\n", server.Events[^1].Text);
    }

    [Fact]
    public void Section8_1_InterimResponseWithEndStream_IsMalformed() =>
        MalformedResponse(Http2Reason.InterimIsLast, Wire.Headers(1, true, (":status", "103")));

    [Fact]
    public void Section8_1_ContentBeforeTheResponse_IsMalformed() => MalformedResponse(Http2Reason.ContentBeforeHead, Wire.Data(1, false, "x"));

    [Fact]
    public void Section8_1_SecondFinalResponse_IsMalformed() =>
        MalformedResponse(Http2Reason.TrailerNotLast, [.. Wire.Headers(1, false, Wire.Ok), .. Wire.Headers(1, false, Wire.Ok)]);

    [Fact]
    public void Section8_1_ResponseBeforeTheWholeRequest_MayBeFollowedByNoError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post));
        server.Answer(1, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n");
        StreamRef stream = server.Stream(1);
        server.Do((ref FrameBuffer output) => Assert.True(server.Connection.TryReset(stream, ErrorCode.NoError, ref output)));
        Assert.Equal((FrameType.RstStream, ErrorCode.NoError), (server.Sent[^1].Type, server.Sent[^1].Code));
        server.Forget().Feed(Wire.Data(1, true, "late"));
        Assert.Empty(server.Events);
        Expect.StillServes(server);
    }

    [Theory]
    [InlineData("5", "abc", true)]
    [InlineData("5", "abcdef", false)]
    [InlineData("0", "a", false)]
    [InlineData("3", "", true)]
    public void Section8_1_1_ContentLengthThatIsNotTheContents_IsMalformed(string length, string content, bool end)
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, [.. Wire.Post, ("content-length", length)]), Wire.Data(1, end, content));
        Expect.StreamError(server, 1, Http2Reason.ContentLengthMismatch, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section8_1_1_ContentLengthOverSeveralFrames_IsAddedUp()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, [.. Wire.Post, ("content-length", "6")]), Wire.Data(1, false, "abc"), Wire.Data(1, true, "def"));
        Assert.True(server.Events[^1].End);
        Machine broken = Machine.Server().Feed(Wire.Headers(1, false, [.. Wire.Post, ("content-length", "6")]), Wire.Data(1, false, "abc"), Wire.Headers(1, true, ("x", "y")));
        Expect.StreamError(broken, 1, Http2Reason.ContentLengthMismatch, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section8_1_1_ContentLengthWithoutContent_IsMalformed() => Malformed(Http2Reason.ContentLengthMismatch, [.. Wire.Post, ("content-length", "1")]);

    [Theory]
    [InlineData("5x")]
    [InlineData("-1")]
    [InlineData("+5")]
    [InlineData("5, 5")]
    [InlineData("")]
    [InlineData("99999999999999999999")]
    [InlineData("0x5")]
    public void Section8_1_1_ContentLengthThatIsNoNumber_IsMalformed(string length) =>
        Malformed(Http2Reason.InvalidContentLength, [.. Wire.Post, ("content-length", length)]);

    [Fact]
    public void Section8_1_1_TwoContentLengths_AreMalformed() =>
        Malformed(Http2Reason.DuplicateContentLength, [.. Wire.Post, ("content-length", "0"), ("content-length", "0")]);

    [Theory]
    [InlineData("200", false)]
    [InlineData("304", true)]
    public void Section8_1_1_ResponseLengthWithoutContent_IsMalformedUnlessItsStatusHasNone(string status, bool sound)
    {
        byte[] response = Wire.Headers(1, true, (":status", status), ("content-length", "5"));
        if (!sound) MalformedResponse(Http2Reason.ContentLengthMismatch, response);
        else Assert.Equal(Http2EventKind.Head, Client().Feed(response).Only.Kind);
    }

    [Fact]
    public void Section8_1_1_ResponseToHeadWithLength_HasNoContent()
    {
        Machine client = Machine.Client();
        client.Open("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.Headers(1, false, (":status", "200"), ("content-length", "5")), Wire.Data(1, true, ""));
        Assert.True(client.Events[^1].End);
        client.Open("HEAD / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.Headers(3, false, Wire.Ok), Wire.Data(3, true, "x"));
        Expect.StreamError(client, 3, Http2Reason.ForbiddenContent, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section8_2_UpperCaseName_IsMalformed() => Malformed(Http2Reason.UpperCaseFieldName, [.. Wire.Get, ("X-Test", "ok")]);

    [Fact]
    public void Section8_2_1_EmptyName_IsMalformed() => Malformed(Http2Reason.EmptyFieldName, [.. Wire.Get, ("", "ok")]);

    [Theory]
    [InlineData("a b")]
    [InlineData("a\tb")]
    [InlineData("a\0")]
    [InlineData("a\r\nb")]
    [InlineData("a\u007f")]
    [InlineData("a\u00e9")]
    [InlineData("a:b")]
    [InlineData("a\"")]
    public void Section8_2_1_InvalidName_IsMalformed(string name) => Malformed(Http2Reason.InvalidFieldName, [.. Wire.Get, (name, "ok")]);

    [Theory]
    [InlineData("a\0b")]
    [InlineData("a\nb")]
    [InlineData("a\rb")]
    [InlineData("a\r\nhost: evil")]
    [InlineData("\u0001")]
    [InlineData("a\u007fb")]
    public void Section8_2_1_InvalidValue_IsMalformed(string value) => Malformed(Http2Reason.InvalidFieldValue, [.. Wire.Get, ("x", value)]);

    [Theory]
    [InlineData(" a")]
    [InlineData("a ")]
    [InlineData("\ta")]
    [InlineData("a\t")]
    [InlineData(" ")]
    public void Section8_2_1_WhitespaceAroundAValue_IsMalformed(string value) => Malformed(Http2Reason.FieldValueWhitespace, [.. Wire.Get, ("x", value)]);

    [Fact]
    public void Section8_2_1_ValueOfAnyOtherBytes_IsAllowed()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, [.. Wire.Get, ("x", "a\u00e9\u0080 \t\"b"), ("y", "")]));
        Assert.Contains("\r\nx: a\u00e9\u0080 \t\"b\r\ny: \r\n", server.Only.Text);
    }

    [Theory]
    [InlineData("connection", "close")]
    [InlineData("proxy-connection", "keep-alive")]
    [InlineData("keep-alive", "timeout=5")]
    [InlineData("transfer-encoding", "chunked")]
    [InlineData("upgrade", "h2c")]
    public void Section8_2_2_FieldOfTheConnection_IsMalformed(string name, string value)
    {
        Malformed(Http2Reason.ConnectionSpecificField, [.. Wire.Get, (name, value)]);
        MalformedResponse(Http2Reason.ConnectionSpecificField, Wire.Headers(1, true, [.. Wire.Ok, (name, value)]));
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("trailers, deflate")]
    [InlineData("trailers;q=0.5")]
    public void Section8_2_2_TeOtherThanTrailers_IsMalformed(string value) => Malformed(Http2Reason.InvalidTe, [.. Wire.Get, ("te", value)]);

    [Fact]
    public void Section8_2_2_WhatWeSend_HasNoFieldOfTheConnection()
    {
        Machine client = Machine.Client();
        client.Open("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, X-A, TE\r\nX-A: 1\r\nKeep-Alive: 5\r\nProxy-Connection: x\r\n"
            + "Transfer-Encoding: chunked\r\nUpgrade: foo\r\nTE: gzip\r\nHTTP2-Settings: x\r\nX-B: 2\r\n\r\n");
        var tool = new HpackTool();
        tool.Decode(client.Sent[0].Payload);
        Assert.Equal("x-b: 2", tool.Lines[^1]);
        Assert.Equal(5, tool.Lines.Count);
    }

    [Fact]
    public void Section8_2_3_CookieCrumbs_AreJoined()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, [.. Wire.Get, ("cookie", "a=b"), ("x", "y"), ("cookie", "c=d"), ("cookie", "e=f")]));
        Assert.EndsWith("\r\nx: y\r\ncookie: a=b; c=d; e=f\r\n\r\n", server.Only.Text);
    }

    [Fact]
    public void Section8_3_PseudoFieldAfterAField_IsMalformed() =>
        Malformed(Http2Reason.PseudoFieldAfterField, (":method", "GET"), (":scheme", "https"), (":path", "/"), ("x", "y"), (":authority", "h"));

    [Fact]
    public void Section8_3_UnknownPseudoField_IsMalformed() => Malformed(Http2Reason.UnknownPseudoField, [.. Wire.Get, (":foo", "x")]);

    [Fact]
    public void Section8_3_PseudoFieldOfTheOtherKindOfMessage_IsMalformed()
    {
        Malformed(Http2Reason.MisplacedPseudoField, [.. Wire.Get, (":status", "200")]);
        MalformedResponse(Http2Reason.MisplacedPseudoField, Wire.Headers(1, true, [.. Wire.Ok, (":path", "/")]));
    }

    [Theory]
    [InlineData(":method", "GET")]
    [InlineData(":scheme", "https")]
    [InlineData(":path", "/")]
    [InlineData(":authority", "www.example.com")]
    public void Section8_3_PseudoFieldTwice_IsMalformed(string name, string value) =>
        Malformed(Http2Reason.DuplicatePseudoField, [.. Wire.Get, (name, value)]);

    [Theory]
    [InlineData(":method", Http2Reason.MissingMethod)]
    [InlineData(":scheme", Http2Reason.MissingScheme)]
    [InlineData(":path", Http2Reason.MissingPath)]
    public void Section8_3_1_MissingOrEmptyPseudoField_IsMalformed(string name, Http2Reason reason)
    {
        Malformed(reason, [.. Wire.Get.Where(f => f.Item1 != name)]);
        Malformed(reason, [.. Wire.Get.Select(f => f.Item1 == name ? (name, "") : f)]);
    }

    [Theory]
    [InlineData("foo")]
    [InlineData("*")]
    [InlineData("http://evil.example/")]
    [InlineData("/a b")]
    [InlineData("/ HTTP/1.1")]
    [InlineData("//\u0020")]
    public void Section8_3_1_PathThatIsNoPath_IsMalformed(string path)
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, [.. Wire.Get[..3], (":path", path)]));
        Assert.Contains(server.Events[^1].Reason, new[] { Http2Reason.InvalidPath, Http2Reason.FieldValueWhitespace });
        Expect.StillServes(server);
    }

    [Theory]
    [InlineData("G T")]
    [InlineData("GET /x HTTP/1.1")]
    [InlineData("GET\"")]
    [InlineData("G\u00e9T")]
    public void Section8_3_1_MethodThatIsNoToken_IsMalformed(string method) => Malformed(Http2Reason.InvalidMethod, [(":method", method), .. Wire.Get[1..]]);

    [Theory]
    [InlineData("1http")]
    [InlineData("ht tp")]
    [InlineData("http:")]
    [InlineData("http://evil")]
    public void Section8_3_1_InvalidScheme_IsMalformed(string scheme) => Malformed(Http2Reason.InvalidScheme, (":method", "GET"), (":scheme", scheme), (":path", "/"));

    [Theory]
    [InlineData("user@h")]
    [InlineData("h/x")]
    [InlineData("a b")]
    [InlineData("h?x")]
    [InlineData("h#x")]
    [InlineData("a,b")]
    public void Section8_3_1_AuthorityWithUserInformationOrMore_IsMalformed(string authority) =>
        Malformed(Http2Reason.InvalidAuthority, (":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", authority));

    [Fact]
    public void Section8_3_1_HostThatDiffersFromAuthority_IsMalformed()
    {
        Malformed(Http2Reason.HostMismatch, [.. Wire.Get, ("host", "evil.example")]);
        Malformed(Http2Reason.HostMismatch, [.. Wire.Get, ("host", "")]);
    }

    [Fact]
    public void Section8_3_1_TwoHosts_AreMalformed() =>
        Malformed(Http2Reason.DuplicateHost, (":method", "GET"), (":scheme", "http"), (":path", "/"), ("host", "a"), ("host", "a"));

    [Theory]
    [InlineData("20")]
    [InlineData("2000")]
    [InlineData("abc")]
    [InlineData("099")]
    [InlineData("600")]
    [InlineData("+20")]
    public void Section8_3_2_StatusThatIsNone_IsMalformed(string status) => MalformedResponse(Http2Reason.InvalidStatus, Wire.Headers(1, true, (":status", status)));

    [Fact]
    public void Section8_3_2_MissingStatus_IsMalformed() => MalformedResponse(Http2Reason.MissingStatus, Wire.Headers(1, true, ("x", "y")));

    [Fact]
    public void Section8_5_Connect_HasNeitherSchemeNorPath()
    {
        Malformed(Http2Reason.InvalidConnect, (":method", "CONNECT"), (":authority", "h:1"), (":scheme", "http"));
        Malformed(Http2Reason.InvalidConnect, (":method", "CONNECT"), (":authority", "h:1"), (":path", "/"));
        Malformed(Http2Reason.InvalidConnect, (":method", "CONNECT"));
    }

    [Fact]
    public void Section8_6_SwitchingProtocols_IsMalformedAndNeverSent()
    {
        MalformedResponse(Http2Reason.SwitchingProtocols, Wire.Headers(1, false, (":status", "101")));
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\n\r\n", ends: false, HeadWrite.NotPossible);
        Assert.Empty(server.Sent);
    }

    [Fact]
    public void Section8_7_RefusedStream_IsToldApart()
    {
        Machine client = Client().Feed(Wire.Reset(1, ErrorCode.RefusedStream));
        Assert.True(client.Only.Event.IsUnprocessed);
        Assert.False(Client().Feed(Wire.Reset(1, ErrorCode.Cancel)).Only.Event.IsUnprocessed);
    }

    [Fact]
    public void Rfc8441_4_ProtocolWithoutConnect_IsMalformed() => Malformed(Http2Reason.ProtocolNotConnect, [.. Wire.Get, (":protocol", "websocket")]);

    [Fact]
    public void Rfc8441_4_ExtendedConnectThatWasNotOffered_IsMalformed()
    {
        Machine server = Machine.Server(new Http2Settings(ConnectProtocol: false)).Feed(Wire.Headers(1, false, WebSocket));
        Expect.StreamError(server, 1, Http2Reason.ProtocolNotConnect, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc8441_4_ExtendedConnectWithoutPathSchemeOrAuthority_IsMalformed()
    {
        Malformed(Http2Reason.MissingPath, [.. WebSocket.Where(f => f.Item1 != ":path")]);
        Malformed(Http2Reason.MissingScheme, [.. WebSocket.Where(f => f.Item1 != ":scheme")]);
        Malformed(Http2Reason.MissingAuthority, [.. WebSocket.Where(f => f.Item1 != ":authority")]);
    }

    [Fact]
    public void Rfc8441_4_OtherProtocols_AreAnswered501()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, [.. WebSocket.Select(f => f.Item1 == ":protocol" ? (":protocol", "connect-udp") : f)]));
        Assert.Equal((Http2EventKind.HeadRefused, 501), (server.Only.Kind, server.Only.Event.Status));
        server.Answer(1, "HTTP/1.1 501 Not Implemented\r\n\r\n");
        Expect.StillServes(server);
    }

    private static readonly (string, string)[] WebSocket =
        [(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "https"), (":path", "/"), (":authority", "h")];

    private static Machine Client()
    {
        Machine client = Machine.Client();
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        return client.Forget();
    }

    private static void Malformed(Http2Reason reason, params (string, string)[] fields) =>
        Expect.StreamError(Machine.Server().Feed(Wire.Headers(1, true, fields)), 1, reason, ErrorCode.ProtocolError);

    private static void MalformedResponse(Http2Reason reason, byte[] frames) =>
        Expect.StreamError(Client().Feed(frames), 1, reason, ErrorCode.ProtocolError);
}

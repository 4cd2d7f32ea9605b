using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>RFC 9113 section 5: streams and errors.</summary>
public class Rfc9113StreamTests
{
    [Fact]
    public void Section5_1_IdleData_IsProtocolError() => Idle(Wire.Data(1, false, "x"));

    [Fact]
    public void Section5_1_IdleReset_IsProtocolError() => Idle(Wire.Reset(1));

    [Fact]
    public void Section5_1_IdleWindowUpdate_IsProtocolError() => Idle(Wire.WindowUpdate(1, 1));

    [Fact]
    public void Section5_1_IdleContinuation_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Continuation, FrameFlags.EndHeaders, 1, Wire.Block(Wire.Get)));
        Expect.ConnectionError(server, Http2Reason.ContinuationUnexpected, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section5_1_IdlePriority_IsAllowed() => Expect.StillServes(Machine.Server().Feed(Wire.Priority(5, 0)));

    [Theory]
    [InlineData(FrameType.Data)]
    [InlineData(FrameType.Headers)]
    public void Section5_1_HalfClosedRemote_DataAndHeadersAreStreamClosed(FrameType type)
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        server.Feed(type == FrameType.Data ? Wire.Data(1, true, "x") : Wire.Headers(1, true, ("x", "y")));
        Expect.StreamError(server, 1, Http2Reason.StreamHalfClosed, ErrorCode.StreamClosed);
    }

    [Fact]
    public void Section5_1_HalfClosedRemote_WindowUpdatePriorityAndResetAreAllowed()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        server.Forget().Feed(Wire.WindowUpdate(1, 100), Wire.Priority(1, 3));
        Assert.Empty(server.Events);
        server.Feed(Wire.Reset(1));
        Assert.Equal((Http2EventKind.Reset, true), (server.Only.Kind, server.Only.Event.ByPeer));
    }

    [Fact]
    public void Section5_1_HalfClosedLocal_PeerMaySendOn()
    {
        Machine client = Machine.Client();
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.Headers(1, false, Wire.Ok), Wire.Data(1, false, "a"), Wire.WindowUpdate(1, 5), Wire.Priority(1, 0), Wire.Headers(1, true, ("x", "y")));
        Assert.Equal(Http2EventKind.Trailer, client.Events[^1].Kind);
    }

    [Fact]
    public void Section5_1_HalfClosedLocal_WeSendNothingMore()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n");
        Assert.Equal(0, server.Write(server.Stream(1), 5, ends: true));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", expected: HeadWrite.NotOpen);
    }

    [Theory]
    [InlineData(FrameType.Data)]
    [InlineData(FrameType.Headers)]
    public void Section5_1_ClosedByEndStream_DataAndHeadersAreStreamClosed(FrameType type)
    {
        Machine server = Ended();
        server.Feed(type == FrameType.Data ? Wire.Data(1, true, "x") : Wire.Headers(1, true, ("x", "y")));
        Expect.ConnectionError(server, Http2Reason.StreamEnded, ErrorCode.StreamClosed);
    }

    [Fact]
    public void Section5_1_ClosedByEndStream_LateWindowUpdateResetAndPriorityAreIgnored()
    {
        Machine server = Ended().Feed(Wire.WindowUpdate(1, 1), Wire.Reset(1), Wire.Priority(1, 0));
        Expect.StillServes(server);
    }

    [Theory]
    [InlineData(FrameType.Data)]
    [InlineData(FrameType.Headers)]
    public void Section5_1_ClosedByPeersReset_DataAndHeadersAreStreamClosed(FrameType type)
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Reset(1));
        server.Feed(type == FrameType.Data ? Wire.Data(1, true, "x") : Wire.Headers(1, true, ("x", "y")));
        Expect.StreamError(server, 1, Http2Reason.StreamReset, ErrorCode.StreamClosed);
    }

    [Fact]
    public void Section5_1_ClosedByOurReset_LateFramesAreDroppedAndCountForTheConnection()
    {
        Machine server = Machine.Server(new Http2Settings(ConnectionWindow: 65536)).Feed(Wire.Headers(1, false, Wire.Post));
        StreamRef stream = server.Stream(1);
        server.Do((ref FrameBuffer output) => server.Connection.TryReset(stream, ErrorCode.Cancel, ref output));
        server.Forget().Feed(Wire.Data(1, false, new string('x', 16384)), Wire.WindowUpdate(1, 5), Wire.Data(1, false, new string('x', 16384)),
            Wire.Data(1, true, "x"), Wire.Reset(1));
        Assert.Empty(server.Events);
        SentFrame update = Assert.Single(server.Sent);
        Assert.Equal((FrameType.WindowUpdate, 0, 32768), (update.Type, update.StreamId, update.Number()));
        Expect.StillServes(server);
    }

    [Fact]
    public void Section5_1_1_EvenStream_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(2, true, Wire.Get));
        Expect.ConnectionError(server, Http2Reason.StreamIdOfOtherSide, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section5_1_1_LowerStream_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(5, true, Wire.Get), Wire.Headers(3, true, Wire.Get));
        Expect.ConnectionError(server, Http2Reason.StreamIdNotIncreasing, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section5_1_1_HeadersOnStreamZero_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(0, true, Wire.Get));
        Expect.ConnectionError(server, Http2Reason.StreamZero, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section5_1_1_Client_OpensOddStreamsThatIncrease()
    {
        Machine client = Machine.Client();
        for (int i = 0; i < 3; i++) client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.Equal([1, 3, 5], client.Sent.Select(f => f.StreamId));
    }

    [Fact]
    public void Section5_1_1_Client_HeadersOnAStreamItNeverOpened_IsProtocolError()
    {
        Machine client = Machine.Client().Feed(Wire.Headers(1, true, Wire.Ok));
        Expect.ConnectionError(client, Http2Reason.StreamIdle, ErrorCode.ProtocolError);
        Machine even = Machine.Client().Feed(Wire.Headers(2, true, Wire.Ok));
        Expect.ConnectionError(even, Http2Reason.StreamIdOfOtherSide, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section5_1_2_StreamAboveOurLimit_IsRefused()
    {
        Machine server = Machine.Server(new Http2Settings(MaxStreams: 2));
        server.Feed(Wire.Headers(1, false, Wire.Post), Wire.Headers(3, false, Wire.Post), Wire.Headers(5, true, Wire.Get));
        Expect.StreamError(server, 5, Http2Reason.TooManyStreams, ErrorCode.RefusedStream);
        server.Feed(Wire.Reset(1), Wire.Headers(7, true, Wire.Get));
        Assert.Equal((Http2EventKind.Head, 7), (server.Events[^1].Kind, server.Events[^1].StreamId));
    }

    [Fact]
    public void Section5_1_2_Client_KeepsToThePeersLimit()
    {
        Machine client = Machine.Client(null, (3, 1));
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.False(client.Connection.CanOpen);
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n", expected: HeadWrite.NotOpen);
        client.Feed(Wire.Headers(1, true, Wire.Ok));
        Assert.True(client.Connection.CanOpen);
    }

    [Fact]
    public void Section5_1_2_LimitLoweredBelowWhatIsOpen_LetsThemFinish()
    {
        Machine client = Machine.Client();
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.Settings((3, 0)), Wire.Headers(1, true, Wire.Ok), Wire.Headers(3, true, Wire.Ok));
        Assert.Equal(2, client.Events.Count(e => e.Kind == Http2EventKind.Head));
        Assert.False(client.Connection.CanOpen);
    }

    [Fact]
    public void Section5_2_1_OnlyDataIsFlowControlled()
    {
        Machine server = Machine.Server().Feed(Wire.Settings((4, 0)), Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 200 OK\r\nX: " + new string('y', 3000) + "\r\n\r\n", ends: false);
        Assert.Equal(FrameType.Headers, server.Sent[^1].Type);
        Assert.Equal(0, server.Write(server.Stream(1), 1));
    }

    [Fact]
    public void Section5_3_2_PriorityInHeaders_IsParsedAndIgnored()
    {
        byte[] payload = [0, 0, 0, 3, 200, .. Wire.Block(Wire.Get)];
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream | FrameFlags.Priority, 1, payload));
        Assert.Equal("GET / HTTP/1.1\r\nhost: www.example.com\r\n\r\n", server.Only.Text);
    }

    [Fact]
    public void Section5_4_1_ConnectionError_SaysGoAwayWithTheLastStreamAndItsCode()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(7, true, Wire.Get), Wire.Data(0, true, "x"));
        SentFrame sent = server.Sent[^1];
        Assert.Equal((FrameType.GoAway, 7, ErrorCode.ProtocolError), (sent.Type, sent.Number(), sent.Code));
        Assert.Equal("stream-zero"u8, sent.Payload.AsSpan(8));
    }

    [Fact]
    public void Section5_4_2_ResetOfAStream_IsNotAnsweredByReset()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post)).Forget().Feed(Wire.Reset(1), Wire.Reset(1));
        Assert.Empty(server.Sent);
    }

    [Fact]
    public void Section5_4_2_StreamError_LeavesTheOthersAlone()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Headers(3, false, Wire.Post), Wire.WindowUpdate(1, 0));
        Assert.False(server.Connection.IsAlive(server.Stream(1)));
        server.Feed(Wire.Data(3, true, "abc"));
        Assert.Equal((Http2EventKind.Data, 3, "abc"), (server.Events[^1].Kind, server.Events[^1].StreamId, server.Events[^1].Text));
    }

    [Fact]
    public void Section5_5_UnknownFrameTypes_AreIgnored()
    {
        Machine server = Machine.Server().Feed(Wire.Frame((FrameType)0xA, (FrameFlags)0xFF, 0, new byte[100]), Wire.Frame((FrameType)0xFF, 0, 77));
        Assert.Empty(server.Events);
        Expect.StillServes(server);
    }

    [Fact]
    public void Section5_5_UnknownFrameInsideAFieldBlock_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, 0, 1, Wire.Block(Wire.Get)), Wire.Frame((FrameType)0xA, 0, 1, 1));
        Expect.ConnectionError(server, Http2Reason.ContinuationExpected, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section5_5_UnknownSettings_AreIgnored()
    {
        Machine server = Machine.Server().Feed(Wire.Settings((0x99, uint.MaxValue), (0, 5)));
        Assert.Equal(Http2EventKind.PeerSettings, server.Only.Kind);
        Expect.StillServes(server);
    }

    private static void Idle(byte[] frame)
    {
        Expect.ConnectionError(Machine.Server().Feed(frame), Http2Reason.StreamIdle, ErrorCode.ProtocolError);
    }

    private static Machine Ended()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        return server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n");
    }
}

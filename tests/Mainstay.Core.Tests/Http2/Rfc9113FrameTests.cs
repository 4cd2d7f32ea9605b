using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>RFC 9113 section 6: each frame, but for settings and windows.</summary>
public class Rfc9113FrameTests
{
    [Theory]
    [InlineData(FrameType.Data, 1)]
    [InlineData(FrameType.Headers, 1)]
    [InlineData(FrameType.Priority, 5)]
    [InlineData(FrameType.RstStream, 4)]
    [InlineData(FrameType.Continuation, 1)]
    public void Section6_FramesOfStreamsOnStreamZero_AreProtocolError(FrameType type, int length)
    {
        Machine server = Machine.Server().Feed(Wire.Frame(type, 0, 0, new byte[length]));
        Expect.ConnectionError(server, Http2Reason.StreamZero, ErrorCode.ProtocolError);
    }

    [Theory]
    [InlineData(FrameType.Settings, 0)]
    [InlineData(FrameType.Ping, 8)]
    [InlineData(FrameType.GoAway, 8)]
    [InlineData(FrameType.PriorityUpdate, 4)]
    public void Section6_FramesOfTheConnectionOnAStream_AreProtocolError(FrameType type, int length)
    {
        Machine server = Machine.Server().Feed(Wire.Frame(type, 0, 1, new byte[length]));
        Expect.ConnectionError(server, Http2Reason.StreamNotZero, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_1_PaddedData_LosesItsPadding()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post),
            Wire.Frame(FrameType.Data, FrameFlags.Padded | FrameFlags.EndStream, 1, [3, .. "abc"u8, 0, 0, 0]));
        Assert.Equal("abc", server.Events[^1].Text);
        Assert.True(server.Events[^1].End);
        Expect.StillServes(server);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(4, 4)]
    [InlineData(200, 4)]
    public void Section6_1_PaddingAsLongAsThePayload_IsProtocolError(int padding, int rest)
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Frame(FrameType.Data, FrameFlags.Padded, 1, [(byte)padding, .. new byte[rest - (rest == padding ? 1 : 0)]]));
        Expect.ConnectionError(server, Http2Reason.PaddingTooLong, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_1_PaddedDataWithoutPadLength_IsFrameSizeError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Frame(FrameType.Data, FrameFlags.Padded, 1));
        Expect.ConnectionError(server, Http2Reason.FrameSizeWrong, ErrorCode.FrameSizeError);
    }

    [Fact]
    public void Section6_1_OnlyPadding_IsNoContent()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Frame(FrameType.Data, FrameFlags.Padded, 1, 2, 0, 0));
        Assert.Equal(Http2EventKind.Head, server.Only.Kind);
        Expect.StillServes(server);
    }

    [Fact]
    public void Section6_1_EmptyDataWithEndStream_EndsTheContent()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Data(1, true, ""));
        Assert.Equal((Http2EventKind.Data, true, ""), (server.Events[^1].Kind, server.Events[^1].End, server.Events[^1].Text));
    }

    [Fact]
    public void Section6_2_PaddedHeaders_LoseTheirPadding()
    {
        byte[] payload = [4, .. Wire.Block(Wire.Get), 0, 0, 0, 0];
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream | FrameFlags.Padded, 1, payload));
        Assert.Equal(Http2EventKind.Head, server.Only.Kind);
    }

    [Fact]
    public void Section6_2_PaddingLongerThanTheRest_IsProtocolError()
    {
        byte[] payload = [50, .. Wire.Block(("x", "y"))];
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.Padded, 1, payload));
        Expect.ConnectionError(server, Http2Reason.PaddingTooLong, ErrorCode.ProtocolError);
    }

    [Theory]
    [InlineData(FrameFlags.Padded, 0)]
    [InlineData(FrameFlags.Priority, 4)]
    [InlineData(FrameFlags.Padded | FrameFlags.Priority, 5)]
    public void Section6_2_TooShortForItsFlags_IsFrameSizeError(FrameFlags flags, int length)
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, flags | FrameFlags.EndHeaders, 1, new byte[length]));
        Expect.ConnectionError(server, Http2Reason.FrameSizeWrong, ErrorCode.FrameSizeError);
    }

    [Theory]
    [InlineData(FrameType.Data)]
    [InlineData(FrameType.Headers)]
    [InlineData(FrameType.Settings)]
    [InlineData(FrameType.Ping)]
    [InlineData(FrameType.Priority)]
    public void Section6_2_HeadersWithoutEndHeadersThenAnotherFrame_IsProtocolError(FrameType type)
    {
        byte[] next = type switch
        {
            FrameType.Data => Wire.Data(1, true, "x"),
            FrameType.Headers => Wire.Headers(1, true, Wire.Get),
            FrameType.Settings => Wire.Settings(),
            FrameType.Priority => Wire.Priority(1, 0),
            _ => Wire.Ping(),
        };
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, 0, 1, Wire.Block(Wire.Get)), next);
        Expect.ConnectionError(server, Http2Reason.ContinuationExpected, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_3_PriorityOfWrongSize_IsStreamFrameSizeError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Frame(FrameType.Priority, 0, 1, new byte[4]));
        Expect.StreamError(server, 1, Http2Reason.PrioritySizeWrong, ErrorCode.FrameSizeError);
    }

    /// <summary>An error since RFC 7540; RFC 9113 keeps only the parsing.</summary>
    [Fact]
    public void Section6_3_StreamThatDependsOnItself_IsStreamError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Priority(1, 1));
        Expect.StreamError(server, 1, Http2Reason.SelfDependency, ErrorCode.ProtocolError);
        byte[] payload = [0, 0, 0, 3, 200, .. Wire.Block(Wire.Get)];
        server.Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream | FrameFlags.Priority, 3, payload));
        Expect.StreamError(server, 3, Http2Reason.SelfDependency, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_4_Reset_EndsTheStreamForBothSides()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Reset(1, ErrorCode.InternalError));
        Assert.Equal((Http2EventKind.Reset, ErrorCode.InternalError), (server.Events[^1].Kind, server.Events[^1].Event.Code));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", expected: HeadWrite.NotOpen);
        Assert.Empty(server.Sent);
    }

    [Fact]
    public void Section6_4_ResetOfWrongSize_IsConnectionFrameSizeError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Frame(FrameType.RstStream, 0, 1, new byte[5]));
        Expect.ConnectionError(server, Http2Reason.FrameSizeWrong, ErrorCode.FrameSizeError);
    }

    [Fact]
    public void Section6_6_PushPromiseToAServer_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Frame(FrameType.PushPromise, FrameFlags.EndHeaders, 1, [0, 0, 0, 2, .. Wire.Block(Wire.Get)]));
        Expect.ConnectionError(server, Http2Reason.PushRefused, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_6_PushPromiseToAClientThatDisabledIt_IsProtocolError()
    {
        Machine client = Machine.Client();
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.Frame(FrameType.PushPromise, FrameFlags.EndHeaders, 1, [0, 0, 0, 2, .. Wire.Block(Wire.Get)]));
        Expect.ConnectionError(client, Http2Reason.PushRefused, ErrorCode.ProtocolError);
        Assert.Contains("000200000000", Convert.ToHexString(Machine.RawClient().Sent[0].Payload));
    }

    [Fact]
    public void Section6_7_Ping_IsAnsweredWithTheSamePayload()
    {
        Machine server = Machine.Server().Feed(Wire.Ping(0x0123_4567_89AB_CDEF));
        SentFrame sent = Assert.Single(server.Sent);
        Assert.Equal((FrameType.Ping, FrameFlags.Ack, 0), (sent.Type, sent.Flags, sent.StreamId));
        Assert.Equal("0123456789ABCDEF", Convert.ToHexString(sent.Payload));
    }

    [Fact]
    public void Section6_7_AnswerToAPing_IsNotAnswered()
    {
        Machine server = Machine.Server();
        server.Do((ref FrameBuffer output) => server.Connection.TryPing(5, ref output)).Forget().Feed(Wire.Ping(5, ack: true), Wire.Ping(6, ack: true));
        Assert.Empty(server.Sent);
        Assert.Equal((Http2EventKind.Pong, 5ul), (server.Only.Kind, server.Only.Event.Opaque));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(6)]
    [InlineData(16)]
    public void Section6_7_PingOfWrongSize_IsFrameSizeError(int length)
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Ping, 0, 0, new byte[length]));
        Expect.ConnectionError(server, Http2Reason.FrameSizeWrong, ErrorCode.FrameSizeError);
    }

    [Fact]
    public void Section6_8_Client_OpensNothingAfterGoAwayAndKnowsWhatWasNotProcessed()
    {
        Machine client = Machine.Client();
        StreamRef first = client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), second = client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        client.Feed(Wire.GoAway(1, ErrorCode.NoError));
        Assert.Equal((Http2EventKind.GoAway, 1), (client.Only.Kind, client.Only.Event.LastStreamId));
        Assert.Equal((true, false), (client.Connection.IsAlive(first), client.Connection.IsAlive(second)));
        client.Open("GET / HTTP/1.1\r\nHost: h\r\n\r\n", expected: HeadWrite.NotOpen);
        client.Feed(Wire.Headers(1, true, Wire.Ok));
        Assert.Equal((Http2EventKind.Head, 1), (client.Events[^1].Kind, client.Events[^1].StreamId));
    }

    [Fact]
    public void Section6_8_Drain_IsToldInTwoSteps()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post));
        server.Do((ref FrameBuffer output) => server.Connection.BeginDrain(ref output));
        Assert.Equal((FrameType.GoAway, int.MaxValue, ErrorCode.NoError), (server.Sent[0].Type, server.Sent[0].Number(), server.Sent[0].Code));
        SentFrame ping = server.Sent[1];
        server.Feed(Wire.Headers(3, true, Wire.Get)); // was on its way
        Assert.Equal((Http2EventKind.Head, 3), (server.Events[^1].Kind, server.Events[^1].StreamId));
        server.Feed(Wire.Frame(FrameType.Ping, FrameFlags.Ack, 0, ping.Payload));
        Assert.Equal(Http2EventKind.Drained, server.Events[^1].Kind);
        Assert.Equal((FrameType.GoAway, 3), (server.Sent[^1].Type, server.Sent[^1].Number()));
        server.Feed(Wire.Headers(5, true, Wire.Get));
        Expect.StreamError(server, 5, Http2Reason.Draining, ErrorCode.RefusedStream);
        server.Feed(Wire.Data(1, true, "abc"));
        Assert.Equal("abc", server.Events[^1].Text);
    }

    [Fact]
    public void Section6_8_LastStreamOfOurGoAways_NeverGoesUp()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        server.Do((ref FrameBuffer output) => server.Connection.BeginDrain(ref output));
        server.Do((ref FrameBuffer output) => server.Connection.FinishDrain(ref output));
        server.Feed(Wire.Headers(9, true, Wire.Get), Wire.Data(0, false, ""));
        Assert.Equal([int.MaxValue, 1, 1], server.Sent.Where(f => f.Type == FrameType.GoAway).Select(f => f.Number()));
    }

    /// <summary>What a stream above the last one carries still counts for the connection's window and for the compression.</summary>
    [Fact]
    public void Section6_8_FramesOfStreamsThatAreNotTaken_KeepTheSharedStateRight()
    {
        Machine server = Machine.Server(new Http2Settings(ConnectionWindow: 65536));
        server.Do((ref FrameBuffer output) => server.Connection.FinishDrain(ref output)).Forget();
        byte[] block = [.. Wire.Block(Wire.Post), 0x40, 1, (byte)'x', 1, (byte)'y'];
        server.Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders, 1, block), Wire.Data(1, false, new string('a', 16384)), Wire.Data(1, false, new string('a', 16384)));
        Assert.Contains(server.Sent, f => f is { Type: FrameType.WindowUpdate, StreamId: 0 } && f.Number() == 32768);
        Expect.StillServes(server);
    }

    [Fact]
    public void Section6_10_ContinuationWithoutHeaders_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Frame(FrameType.Continuation, FrameFlags.EndHeaders, 1, Wire.Block(("x", "y"))));
        Expect.ConnectionError(server, Http2Reason.ContinuationUnexpected, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_10_ContinuationOfAnotherStream_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, 0, 1, Wire.Block(Wire.Get)), Wire.Frame(FrameType.Continuation, FrameFlags.EndHeaders, 3));
        Expect.ConnectionError(server, Http2Reason.ContinuationExpected, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_10_Continuations_MakeOneBlock()
    {
        byte[] block = Wire.Block([.. Wire.Get, ("x-long", new string('z', 500))]);
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndStream, 1, block[..7]), Wire.Frame(FrameType.Continuation, 0, 1, block[7..100]),
            Wire.Frame(FrameType.Continuation, 0, 1), Wire.Frame(FrameType.Continuation, FrameFlags.EndHeaders, 1, block[100..]));
        Assert.Equal((Http2EventKind.Head, true), (server.Only.Kind, server.Only.End));
        Assert.EndsWith("zzz\r\n\r\n", server.Only.Text);
    }

    [Fact]
    public void Section7_UnknownErrorCodes_AreNoErrors()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Reset(1, (ErrorCode)0xDEAD), Wire.GoAway(0, (ErrorCode)0xBEEF));
        Expect.StillServes(server);
    }
}

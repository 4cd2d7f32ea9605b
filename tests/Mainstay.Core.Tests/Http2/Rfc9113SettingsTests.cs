using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>RFC 9113 sections 6.5 and 6.9: settings and windows.</summary>
public class Rfc9113SettingsTests
{
    private const int Max = int.MaxValue;

    [Fact]
    public void Section6_5_AckWithPayload_IsFrameSizeError()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Settings, FrameFlags.Ack, 0, new byte[6]));
        Expect.ConnectionError(server, Http2Reason.SettingsAckNotEmpty, ErrorCode.FrameSizeError);
    }

    [Fact]
    public void Section6_5_LengthNotAMultipleOfSix_IsFrameSizeError()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Settings, 0, 0, new byte[3]));
        Expect.ConnectionError(server, Http2Reason.FrameSizeWrong, ErrorCode.FrameSizeError);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(uint.MaxValue)]
    public void Section6_5_2_SettingsEnablePushNeither0Nor1_IsProtocolError(uint value)
    {
        Machine server = Machine.Server().Feed(Wire.Settings((2, value)));
        Expect.ConnectionError(server, Http2Reason.InvalidEnablePush, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_5_2_SettingsEnablePushFromAServer_IsProtocolError()
    {
        Machine client = Machine.Client().Feed(Wire.Settings((2, 1)));
        Expect.ConnectionError(client, Http2Reason.InvalidEnablePush, ErrorCode.ProtocolError);
        Assert.Equal(Http2EventKind.PeerSettings, Machine.Client().Feed(Wire.Settings((2, 0))).Only.Kind);
    }

    [Theory]
    [InlineData(0x8000_0000)]
    [InlineData(uint.MaxValue)]
    public void Section6_5_2_SettingsInitialWindowSizeAboveMax_IsFlowControlError(uint value)
    {
        Machine server = Machine.Server().Feed(Wire.Settings((4, value)));
        Expect.ConnectionError(server, Http2Reason.InvalidInitialWindow, ErrorCode.FlowControlError);
    }

    [Theory]
    [InlineData(16383)]
    [InlineData(0)]
    [InlineData(16777216)]
    public void Section6_5_2_SettingsMaxFrameSizeOutOfRange_IsProtocolError(uint value)
    {
        Machine server = Machine.Server().Feed(Wire.Settings((5, value)));
        Expect.ConnectionError(server, Http2Reason.InvalidMaxFrameSize, ErrorCode.ProtocolError);
    }

    [Theory]
    [InlineData(16384)]
    [InlineData(16777215)]
    public void Section6_5_2_SettingsMaxFrameSizeInRange_BoundsWhatWeSend(uint value)
    {
        Machine server = Machine.Server().Feed(Wire.Settings((5, value), (4, Max)), Wire.WindowUpdate(0, 10_000_000), Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", ends: false).Forget();
        // The room is what bounds this; frames are bounded by the setting, and by what is fair to other streams.
        StreamRef stream = new(0, 1);
        server.Do((ref FrameBuffer output) => server.Connection.WriteData(stream, new byte[200_000], false, ref output));
        Assert.Equal(200_000, server.Sent.Sum(f => f.Payload.Length));
        Assert.Equal((int)Math.Min(value, 65536), server.Sent.Max(f => f.Payload.Length));
    }

    [Fact]
    public void Section6_5_3_Settings_AreAppliedInOrderAndThenAcknowledged()
    {
        Machine client = Machine.Client().Feed(Wire.Settings((3, 0), (3, 1)));
        Assert.True(client.Connection.CanOpen);
        SentFrame ack = Assert.Single(client.Sent);
        Assert.Equal((FrameType.Settings, FrameFlags.Ack, 0), (ack.Type, ack.Flags, ack.Payload.Length));
        client.Feed(Wire.Settings((3, 1), (3, 0)));
        Assert.False(client.Connection.CanOpen);
    }

    [Fact]
    public void Section6_5_3_SettingsThatAreNotAcknowledged_CanBeFailed()
    {
        Machine server = Machine.RawServer().Feed(Wire.Preface, Wire.Settings());
        Assert.False(server.Connection.SettingsAcknowledged);
        server.Do((ref FrameBuffer output) => server.Connection.Fail(Http2Reason.SettingsTimeout, ref output));
        Assert.Equal((FrameType.GoAway, ErrorCode.SettingsTimeout), (server.Sent[^1].Type, server.Sent[^1].Code));
    }

    [Fact]
    public void Rfc8441_3_ConnectProtocolTakenBackOrOutOfRange_IsProtocolError()
    {
        Machine client = Machine.Client(null, (8, 1)).Feed(Wire.Settings((8, 0)));
        Expect.ConnectionError(client, Http2Reason.InvalidConnectProtocol, ErrorCode.ProtocolError);
        Machine other = Machine.Client().Feed(Wire.Settings((8, 2)));
        Expect.ConnectionError(other, Http2Reason.InvalidConnectProtocol, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9218_2_1_NoPrioritiesNeither0Nor1_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Settings((9, 2)));
        Expect.ConnectionError(server, Http2Reason.InvalidNoPriorities, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Rfc9218_7_1_PriorityUpdate_IsIgnoredFromClientsAndRefusedOtherwise()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.PriorityUpdate, 0, 0, [0, 0, 0, 1, .. "u=1"u8]));
        Expect.StillServes(server);
        server.Feed(Wire.Frame(FrameType.PriorityUpdate, 0, 0, 0, 0, 0, 0));
        Expect.ConnectionError(server, Http2Reason.PriorityUpdateInvalid, ErrorCode.ProtocolError);
        Machine client = Machine.Client().Feed(Wire.Frame(FrameType.PriorityUpdate, 0, 0, 0, 0, 0, 1));
        Expect.ConnectionError(client, Http2Reason.PriorityUpdateInvalid, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_9_IncrementOfZeroOnAStream_IsStreamProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.WindowUpdate(1, 0));
        Expect.StreamError(server, 1, Http2Reason.StreamIncrementZero, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_9_IncrementOfZeroOnTheConnection_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.WindowUpdate(0, 0));
        Expect.ConnectionError(server, Http2Reason.WindowIncrementZero, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section6_9_ReservedBitOfTheIncrement_IsIgnored()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get), Wire.WindowUpdate(1, 0x8000_0005));
        Assert.Equal(65535, server.Connection.Sendable(server.Stream(1)));
        Expect.StillServes(server);
    }

    [Fact]
    public void Section6_9_WindowUpdateOfWrongSize_IsFrameSizeError()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.WindowUpdate, 0, 0, new byte[5]));
        Expect.ConnectionError(server, Http2Reason.FrameSizeWrong, ErrorCode.FrameSizeError);
    }

    [Fact]
    public void Section6_9_PaddingCountsForBothWindowsAndIsGivenBack()
    {
        var settings = new Http2Settings(StreamWindow: 65536, ConnectionWindow: 65536);
        Machine server = Machine.Server(settings).Feed(Wire.Headers(1, false, Wire.Post)).Forget();
        byte[] padded = Wire.Frame(FrameType.Data, FrameFlags.Padded, 1, [255, (byte)'x', .. new byte[255]]);
        for (int i = 0; i < 1000; i++) server.Feed(padded);
        Assert.False(server.Connection.IsFailed);
        Assert.Equal(1000, server.Events.Count);
        int[] given = [.. new[] { 0, 1 }.Select(id => server.Sent.Where(f => f.StreamId == id).Sum(f => f.Number()))];
        Assert.All(given, total => Assert.InRange(total, 1000 * 257 - 65536, 1000 * 257));
    }

    [Fact]
    public void Section6_9_1_DataBeyondTheConnectionsWindow_IsFlowControlError()
    {
        Machine server = Machine.Server(new Http2Settings(StreamWindow: 1 << 20, ConnectionWindow: 65536));
        server.Consumes = false;
        server.Feed(Wire.Headers(1, false, Wire.Post));
        for (int i = 0; i < 4; i++) server.Feed(Wire.Data(1, false, new string('x', 16384)));
        Assert.False(server.Connection.IsFailed);
        server.Feed(Wire.Data(1, false, "x"));
        Expect.ConnectionError(server, Http2Reason.ConnectionWindowExceeded, ErrorCode.FlowControlError);
    }

    [Fact]
    public void Section6_9_1_DataBeyondTheStreamsWindow_IsStreamFlowControlError()
    {
        Machine server = Machine.Server(new Http2Settings(StreamWindow: 65536));
        server.Consumes = false;
        server.Feed(Wire.Headers(1, false, Wire.Post));
        for (int i = 0; i < 4; i++) server.Feed(Wire.Data(1, false, new string('x', 16384)));
        server.Feed(Wire.Data(1, false, "x"));
        Expect.StreamError(server, 1, Http2Reason.StreamWindowExceeded, ErrorCode.FlowControlError);
    }

    [Fact]
    public void Section6_9_1_WeNeverSendMoreThanTheWindows()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get), Wire.Headers(3, true, Wire.Get));
        foreach (int id in new[] { 1, 3 }) server.Answer(id, "HTTP/1.1 200 OK\r\n\r\n", ends: false);
        Assert.Equal(65535, server.Write(server.Stream(1), 100_000));
        Assert.Equal(0, server.Write(server.Stream(3), 100_000)); // the connection's window is used up
        server.Feed(Wire.WindowUpdate(1, 50_000));
        Assert.Equal((Http2EventKind.Window, 1), (server.Events[^1].Kind, server.Events[^1].StreamId));
        Assert.Equal(0, server.Write(server.Stream(1), 10));
        server.Feed(Wire.WindowUpdate(0, 10));
        Assert.Equal((Http2EventKind.Window, 0), (server.Events[^1].Kind, server.Events[^1].StreamId));
        Assert.Equal(10, server.Write(server.Stream(3), 100));
    }

    [Fact]
    public void Section6_9_1_EmptyDataWithEndStream_NeedsNoWindow()
    {
        Machine server = Machine.Server().Feed(Wire.Settings((4, 0)), Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", ends: false).Forget();
        server.Do((ref FrameBuffer output) => server.Connection.WriteData(new StreamRef(0, 1), default, true, ref output));
        Assert.Equal((FrameType.Data, FrameFlags.EndStream), (server.Sent[0].Type, server.Sent[0].Flags));
    }

    [Fact]
    public void Section6_9_1_ConnectionWindowAbove2To31_IsFlowControlError()
    {
        Machine server = Machine.Server().Feed(Wire.WindowUpdate(0, Max));
        Expect.ConnectionError(server, Http2Reason.ConnectionWindowOverflow, ErrorCode.FlowControlError);
        Assert.False(Machine.Server().Feed(Wire.WindowUpdate(0, Max - 65535)).Connection.IsFailed);
    }

    [Fact]
    public void Section6_9_1_StreamWindowAbove2To31_IsStreamFlowControlError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get), Wire.WindowUpdate(1, Max));
        Expect.StreamError(server, 1, Http2Reason.StreamWindowOverflow, ErrorCode.FlowControlError);
    }

    [Fact]
    public void Section6_9_2_InitialWindow_AppliesToOpenStreams()
    {
        Machine server = Machine.Server().Feed(Wire.WindowUpdate(0, 1_000_000), Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", ends: false);
        StreamRef stream = server.Stream(1);
        Assert.Equal(60_000, server.Write(stream, 60_000));
        server.Feed(Wire.Settings((4, 16384)));
        Assert.Equal(0, server.Write(stream, 1)); // 16384 - 60000: negative
        server.Feed(Wire.WindowUpdate(1, 43_616));
        Assert.Equal(0, server.Write(stream, 1)); // 0
        server.Feed(Wire.WindowUpdate(1, 2));
        Assert.Equal((Http2EventKind.Window, 1), (server.Events[^1].Kind, server.Events[^1].StreamId));
        Assert.Equal(2, server.Write(stream, 10));
        server.Feed(Wire.Settings((4, 65535)));
        Assert.Equal(65535 - 16384, server.Connection.Sendable(stream));
    }

    [Fact]
    public void Section6_9_2_InitialWindow_LeavesTheConnectionsWindowAlone()
    {
        Machine server = Machine.Server().Feed(Wire.Settings((4, 1_000_000)), Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", ends: false);
        Assert.Equal(65535, server.Write(server.Stream(1), 200_000));
    }

    [Fact]
    public void Section6_9_2_ChangeThatOverflowsAWindow_IsFlowControlError()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get), Wire.WindowUpdate(1, Max - 65535), Wire.Settings((4, 65536)));
        Expect.ConnectionError(server, Http2Reason.SettingsWindowOverflow, ErrorCode.FlowControlError);
    }

    [Fact]
    public void Section6_9_2_OurWindows_AreAnnounced()
    {
        Machine server = Machine.RawServer(new Http2Settings(StreamWindow: 100_000, ConnectionWindow: 200_000));
        Assert.Contains("0004000186A0", Convert.ToHexString(server.Sent[0].Payload));
        Assert.Equal((FrameType.WindowUpdate, 0, 200_000 - 65535), (server.Sent[1].Type, server.Sent[1].StreamId, server.Sent[1].Number()));
    }

    [Fact]
    public void Section6_9_3_ConsumedContent_IsGivenBackInHalves()
    {
        var settings = new Http2Settings(StreamWindow: 65536, ConnectionWindow: 131072);
        Machine server = Machine.Server(settings).Feed(Wire.Headers(1, false, Wire.Post)).Forget();
        for (int i = 0; i < 8; i++) server.Feed(Wire.Data(1, false, new string('x', 16384)));
        (int StreamId, int)[] updates = [.. server.Sent.Select(f => (f.StreamId, f.Number()))];
        Assert.Equal(Enumerable.Repeat((1, 32768), 4), updates.Where(u => u.StreamId == 1));
        Assert.Equal(Enumerable.Repeat((0, 65536), 2), updates.Where(u => u.StreamId == 0));
    }

    [Fact]
    public void Section6_9_ContentOfAnEndedStream_IsGivenBackToTheConnectionOnly()
    {
        Machine server = Machine.Server(new Http2Settings(ConnectionWindow: 65536));
        server.Consumes = false;
        server.Feed(Wire.Headers(1, false, Wire.Post), Wire.Data(1, false, new string('x', 16384)), Wire.Data(1, false, new string('x', 16384)), Wire.Data(1, true, ""));
        StreamRef stream = server.Stream(1);
        server.Forget().Do((ref FrameBuffer output) => Assert.True(server.Connection.Consume(stream, 32768, ref output)));
        SentFrame update = Assert.Single(server.Sent);
        Assert.Equal((0, 32768), (update.StreamId, update.Number()));
    }

    [Fact]
    public void Consume_WithoutRoom_SaysSoAndCatchesUp()
    {
        var settings = new Http2Settings(StreamWindow: 65536, ConnectionWindow: 1 << 20);
        Machine server = Machine.Server(settings);
        server.Consumes = false;
        server.Feed(Wire.Headers(1, false, Wire.Post), Wire.Data(1, false, new string('x', 16384)), Wire.Data(1, false, new string('x', 16384)));
        StreamRef stream = server.Stream(1);
        var none = new FrameBuffer(new byte[12]);
        Assert.False(server.Connection.Consume(stream, 32768, ref none));
        server.Forget().Do((ref FrameBuffer output) => Assert.True(server.Connection.Consume(stream, 0, ref output)));
        Assert.Equal((1, 32768), (server.Sent[0].StreamId, server.Sent[0].Number()));
    }
}

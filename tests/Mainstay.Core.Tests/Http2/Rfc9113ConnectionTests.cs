using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>RFC 9113 sections 3 and 4: how a connection starts, and what a frame is.</summary>
public class Rfc9113ConnectionTests
{
    [Fact]
    public void Section3_4_Server_SendsSettingsFirst()
    {
        SentFrame first = Machine.RawServer().Sent[0];
        Assert.Equal((FrameType.Settings, FrameFlags.None, 0), (first.Type, first.Flags, first.StreamId));
    }

    [Fact]
    public void Section3_4_Client_SendsPrefaceThenSettings()
    {
        Machine client = Machine.RawClient();
        Assert.Equal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, client.SentBytes.ToArray().AsSpan(0, 24));
        Assert.Equal((FrameType.Settings, FrameFlags.None), (client.Sent[0].Type, client.Sent[0].Flags));
    }

    [Theory]
    [InlineData("PRI * HTTP/2.0\r\n\r\nSM\r\n\rX")]
    [InlineData("GET / HTTP/1.1\r\n")]
    [InlineData("\0")]
    public void Section3_4_InvalidPreface_IsProtocolError(string bytes)
    {
        Machine server = Machine.RawServer().Feed([.. bytes.Select(c => (byte)c)]);
        Expect.ConnectionError(server, Http2Reason.InvalidPreface, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section3_4_PrefaceNotFollowedBySettings_IsProtocolError()
    {
        Machine server = Machine.RawServer().Feed(Wire.Preface, Wire.Ping());
        Expect.ConnectionError(server, Http2Reason.SettingsExpected, ErrorCode.ProtocolError);
        Machine acknowledged = Machine.RawServer().Feed(Wire.Preface, Wire.SettingsAck);
        Expect.ConnectionError(acknowledged, Http2Reason.SettingsExpected, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section3_4_ServerPrefaceWithoutSettings_IsProtocolError()
    {
        Machine client = Machine.RawClient().Feed(Wire.WindowUpdate(0, 1));
        Expect.ConnectionError(client, Http2Reason.SettingsExpected, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section3_4_SettingsOfThePreface_AreAcknowledged()
    {
        Machine server = Machine.RawServer().Forget().Feed(Wire.Preface, Wire.Settings());
        SentFrame sent = Assert.Single(server.Sent);
        Assert.Equal((FrameType.Settings, FrameFlags.Ack, 0), (sent.Type, sent.Flags, sent.Payload.Length));
    }

    [Fact]
    public void Section3_4_ClientMaySendBeforeItSeesOurSettings_IsServed()
    {
        Machine server = Machine.RawServer().Feed(Wire.Preface, Wire.Settings(), Wire.Headers(1, true, Wire.Get));
        Assert.Equal(Http2EventKind.Head, server.Events[^1].Kind);
    }

    [Fact]
    public void Section4_1_UnknownFlags_AreIgnored()
    {
        Machine server = Machine.Server();
        byte[] ping = Wire.Ping();
        ping[4] = 0xFE; // all but ACK
        server.Feed(ping);
        Assert.Equal((FrameType.Ping, FrameFlags.Ack), (server.Sent[0].Type, server.Sent[0].Flags));
        byte[] headers = Wire.Headers(1, true, Wire.Get);
        headers[4] |= 0xD2;
        server.Feed(headers);
        Assert.Equal(Http2EventKind.Head, server.Only.Kind);
    }

    [Fact]
    public void Section4_1_ReservedBit_IsIgnored()
    {
        byte[] headers = Wire.Headers(1, true, Wire.Get);
        headers[5] |= 0x80;
        Assert.Equal(1, Machine.Server().Feed(headers).Only.StreamId);
    }

    [Fact]
    public void Section4_1_WhatWeSend_HasReservedBitAndOtherFlagsUnset()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get), Wire.Ping());
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", ends: false);
        server.Write(server.Stream(1), 10, ends: true);
        foreach (SentFrame frame in server.Sent)
        {
            Assert.True(FrameRules.TryFind(frame.Type, out FrameRule rule));
            Assert.Equal(FrameFlags.None, frame.Flags & ~rule.Flags);
        }
    }

    [Fact]
    public void Section4_2_FrameOf16384_IsReceived()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post), Wire.Data(1, true, new string('x', 16384)));
        Assert.Equal(16384, server.Events.Skip(1).Sum(e => e.Text.Length));
    }

    [Theory]
    [InlineData(FrameType.Data, 1)]
    [InlineData(FrameType.Headers, 1)]
    [InlineData(FrameType.Settings, 0)]
    [InlineData((FrameType)0x77, 0)]
    public void Section4_2_FrameAboveMaxFrameSize_IsFrameSizeError(FrameType type, int stream)
    {
        Machine server = Machine.Server().Feed(Wire.Frame(type, 0, stream, new byte[16385]));
        Expect.ConnectionError(server, Http2Reason.FrameTooLarge, ErrorCode.FrameSizeError);
    }

    [Theory]
    [InlineData(FrameType.Ping, 0, 7)]
    [InlineData(FrameType.Ping, 0, 9)]
    [InlineData(FrameType.Settings, 0, 5)]
    [InlineData(FrameType.GoAway, 0, 7)]
    [InlineData(FrameType.WindowUpdate, 0, 3)]
    [InlineData(FrameType.WindowUpdate, 1, 5)]
    [InlineData(FrameType.RstStream, 1, 3)]
    public void Section4_2_FrameOfWrongSizeThatConcernsTheConnection_IsConnectionFrameSizeError(FrameType type, int stream, int length)
    {
        Machine server = Machine.Server().Feed(Wire.Frame(type, 0, stream, new byte[length]));
        Expect.ConnectionError(server, Http2Reason.FrameSizeWrong, ErrorCode.FrameSizeError);
    }

    [Fact]
    public void Section4_3_FieldBlockThatCannotBeDecoded_IsCompressionError()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders, 1, 0x80));
        Expect.ConnectionError(server, Http2Reason.HpackIndexZero, ErrorCode.CompressionError);
    }

    [Fact]
    public void Section4_3_TruncatedFieldBlock_IsCompressionError()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders, 1, Wire.Block(Wire.Get)[..^1]));
        Expect.ConnectionError(server, Http2Reason.HpackTruncated, ErrorCode.CompressionError);
    }

    /// <summary>The block of a stream that is refused puts a field into the table; the next request refers to it.</summary>
    [Fact]
    public void Section4_3_BlockOfARefusedStream_StillUpdatesTheCompressionState()
    {
        Machine server = Machine.Server(new Http2Settings(MaxStreams: 1)).Feed(Wire.Headers(1, false, Wire.Post));
        byte[] indexing = [.. Wire.Block(Wire.Get), 0x40, 1, (byte)'x', 1, (byte)'y'];
        server.Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 3, indexing));
        Assert.Equal(Http2Reason.TooManyStreams, server.Events[^1].Reason);
        server.Feed(Wire.Reset(1), Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 5, [.. Wire.Block(Wire.Get), 0xBE]));
        Assert.Contains("\r\nx: y\r\n", server.Events[^1].Text);
    }

    [Fact]
    public void Section4_3_BlockOfAStreamThatWeReset_StillUpdatesTheCompressionState()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, Wire.Post));
        StreamRef stream = server.Stream(1);
        server.Do((ref FrameBuffer output) => Assert.True(server.Connection.TryReset(stream, ErrorCode.Cancel, ref output)));
        server.Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 1, 0x40, 1, (byte)'x', 1, (byte)'y'));
        server.Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 3, [.. Wire.Block(Wire.Get), 0xBE]));
        Assert.Contains("\r\nx: y\r\n", server.Events[^1].Text);
    }

    [Fact]
    public void Section4_3_FrameOfAnotherStreamInsideAFieldBlock_IsProtocolError()
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, 0, 1, Wire.Block(Wire.Get)), Wire.Headers(3, true, Wire.Get));
        Expect.ConnectionError(server, Http2Reason.ContinuationExpected, ErrorCode.ProtocolError);
    }
}

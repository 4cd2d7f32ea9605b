using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>RFC 9113 section 10.5: what costs a peer nothing has a budget, and beyond it the connection ends with ENHANCE_YOUR_CALM.</summary>
public class FloodTests
{
    /// <summary>CVE-2023-44487.</summary>
    [Fact]
    public void Section10_5_RapidReset_IsEnhanceYourCalm() =>
        Floods(Http2Reason.ResetFlood, i => [.. Wire.Headers(i * 2 + 1, true, Wire.Get), .. Wire.Reset(i * 2 + 1)], 199, 210);

    /// <summary>CVE-2025-8671: the client makes the server reset the streams.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Section10_5_MadeYouReset_IsEnhanceYourCalm(int way) => Floods(Http2Reason.ProvokedResetFlood, i =>
    {
        int id = i * 2 + 1;
        byte[] wrong = way switch
        {
            0 => Wire.WindowUpdate(id, 0),
            1 => Wire.WindowUpdate(id, int.MaxValue),
            _ => Wire.Data(id, false, "after the end"),
        };
        return [.. Wire.Headers(id, true, Wire.Get), .. wrong];
    }, 99, 110);

    [Fact]
    public void Section10_5_MalformedRequests_AreEnhanceYourCalm() =>
        Floods(Http2Reason.ProvokedResetFlood, i => Wire.Headers(i * 2 + 1, true, [.. Wire.Get, ("", "x")]), 99, 110);

    [Fact]
    public void Section10_5_StreamsBeyondTheLimit_AreEnhanceYourCalm() =>
        Floods(Http2Reason.ResetFlood, i => Wire.Headers(i * 2 + 1, true, Wire.Get), 300, 340);

    /// <summary>CVE-2024-27316, in full frames, in small ones and in empty ones.</summary>
    [Theory]
    [InlineData(16384, Http2Reason.FieldBlockTooLarge)]
    [InlineData(100, Http2Reason.TooManyContinuations)]
    [InlineData(0, Http2Reason.TooManyContinuations)]
    public void Section10_5_ContinuationFlood_IsEnhanceYourCalm(int size, Http2Reason reason)
    {
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, 0, 1, Wire.Block(Wire.Get)));
        for (int i = 0; i < 1000 && !server.Connection.IsFailed; i++) server.Feed(Wire.Frame(FrameType.Continuation, 0, 1, new byte[size]));
        Expect.ConnectionError(server, reason, ErrorCode.EnhanceYourCalm);
    }

    [Fact]
    public void Section10_5_SettingsFlood_IsEnhanceYourCalm() => Floods(Http2Reason.SettingsFlood, _ => Wire.Settings(), 48, 60);

    [Fact]
    public void Section10_5_LargeSettings_CountForMore() =>
        Floods(Http2Reason.SettingsFlood, _ => Wire.Settings([.. Enumerable.Range(0, 1000).Select(i => (0x100 + i, 1u))]), 0, 2);

    [Fact]
    public void Section10_5_PingFlood_IsEnhanceYourCalm() => Floods(Http2Reason.PingFlood, _ => Wire.Ping(), 199, 210);

    [Fact]
    public void Section10_5_UnaskedAnswers_AreEnhanceYourCalm() => Floods(Http2Reason.PingFlood, _ => Wire.Ping(5, ack: true), 199, 210);

    [Fact]
    public void Section10_5_EmptyFrames_AreEnhanceYourCalm() =>
        Floods(Http2Reason.EmptyFrameFlood, i => i == 0 ? Wire.Headers(1, false, Wire.Post) : Wire.Data(1, false, ""), 99, 110);

    [Fact]
    public void Section10_5_EmptyFramesOnAResetStream_AreEnhanceYourCalm() =>
        Floods(Http2Reason.EmptyFrameFlood, i => i == 0 ? [.. Wire.Headers(1, false, Wire.Post), .. Wire.WindowUpdate(1, 0)] : Wire.Data(1, false, ""), 99, 110);

    [Fact]
    public void Section10_5_OnlyPadding_IsEnhanceYourCalm() =>
        Floods(Http2Reason.EmptyFrameFlood, i => i == 0 ? Wire.Headers(1, false, Wire.Post) : Wire.Frame(FrameType.Data, FrameFlags.Padded, 1, 1, 0), 99, 110);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Section10_5_PriorityFlood_IsEnhanceYourCalm(bool update) => Floods(
        Http2Reason.PriorityFlood, i => update ? Wire.Frame(FrameType.PriorityUpdate, 0, 0, 0, 0, 0, 1) : Wire.Priority(i * 2 + 1, 0), 999, 1010);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Section10_5_WindowUpdateFlood_IsEnhanceYourCalm(int stream) =>
        Floods(Http2Reason.WindowUpdateFlood, i => i == 0 ? Wire.Headers(1, false, Wire.Post) : Wire.WindowUpdate(stream, 1), 999, 1010);

    [Fact]
    public void Section10_5_UnknownFrames_AreEnhanceYourCalm() => Floods(Http2Reason.UselessFrameFlood, _ => Wire.Frame((FrameType)0xB, 0, 0), 199, 210);

    [Fact]
    public void Section10_5_HeadsOfAResetStream_AreEnhanceYourCalm() => Floods(Http2Reason.UselessFrameFlood,
        i => i == 0 ? [.. Wire.Headers(1, false, Wire.Post), .. Wire.WindowUpdate(1, 0)] : Wire.Headers(1, false, ("x", "y")), 199, 210);

    /// <summary>A field of 4 KB in the table, referred to by one octet each: nothing is kept beyond the limit, and no time is lost.</summary>
    [Fact]
    public void Section10_5_1_HpackBomb_IsAnswered431()
    {
        byte[] fill = [0x40, 1, (byte)'x', 0x7F, .. Length(3900 - 127), .. new byte[3900].Select(_ => (byte)'y')];
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 1, [.. Wire.Block(Wire.Get), .. fill]));
        byte[] bomb = [.. Wire.Block(Wire.Get), .. Enumerable.Repeat((byte)0xBE, 16000)];
        server.Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 3, bomb));
        Assert.Equal((Http2EventKind.HeadRefused, 431, Http2Reason.HeadTooLarge), (server.Events[^1].Kind, server.Events[^1].Event.Status, server.Events[^1].Reason));
        server.Answer(3, "HTTP/1.1 431 Request Header Fields Too Large\r\n\r\n");
        Expect.StillServes(server);
    }

    [Fact]
    public void Section10_5_1_TooManyFields_IsAnswered431()
    {
        (string, string)[] many = [.. Enumerable.Range(0, 101).Select(i => ($"x{i}", ""))];
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, [.. Wire.Post, .. many]));
        Assert.Equal((431, Http2Reason.TooManyFields), (server.Only.Event.Status, server.Only.Reason));

        // The client goes on sending the content of what was refused.
        server.Feed(Wire.Data(1, false, "abc"), Wire.Data(1, true, ""));
        Expect.StillServes(server);
    }

    /// <summary>What is malformed is not answered, even where it is also too much.</summary>
    [Fact]
    public void Section10_5_1_TooLargeAndMalformed_IsMalformed()
    {
        (string, string)[] many = [.. Enumerable.Range(0, 101).Select(i => ($"x{i}", ""))];
        Machine server = Machine.Server().Feed(Wire.Headers(1, false, [.. Wire.Post, .. many, ("X", "y")]));
        Expect.StreamError(server, 1, Http2Reason.UpperCaseFieldName, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Section10_5_1_HeadsOverTheLimitAgainAndAgain_AreEnhanceYourCalm()
    {
        (string, string)[] many = [.. Enumerable.Range(0, 101).Select(i => ($"x{i}", ""))];
        Floods(Http2Reason.OversizedHeadFlood, i => [.. Wire.Headers(i * 2 + 1, true, [.. Wire.Get, .. many]), .. Wire.Reset(i * 2 + 1)], 49, 60);
    }

    /// <summary>CVE-2019-9516: names and values of no length, each an entry of 32 octets in the table.</summary>
    [Fact]
    public void Section10_5_ZeroLengthHeaders_AreMalformed()
    {
        byte[] block = [.. Wire.Block(Wire.Get), .. Enumerable.Range(0, 5000).SelectMany(_ => new byte[] { 0x40, 0, 0 })];
        Machine server = Machine.Server().Feed(Wire.Frame(FrameType.Headers, FrameFlags.EndHeaders | FrameFlags.EndStream, 1, block));
        Expect.StreamError(server, 1, Http2Reason.EmptyFieldName, ErrorCode.ProtocolError);
    }

    [Fact]
    public void Budgets_OfASoundClient_Recover()
    {
        Machine server = Machine.Server();
        for (int i = 0; i < 2000; i++)
        {
            server.Now += TimeSpan.FromMilliseconds(100);
            server.Forget().Feed(Wire.Ping(), Wire.Headers(i * 2 + 1, true, Wire.Get), Wire.Reset(i * 2 + 1));
            Assert.False(server.Connection.IsFailed);
        }
    }

    [Fact]
    public void Budgets_OfAClientThatCancelsAsManyAsItCompletes_AreNotUsedUp()
    {
        Machine server = Machine.Server();
        for (int i = 0; i < 2000; i++)
        {
            server.Forget().Feed(Wire.Headers(i * 4 + 1, true, Wire.Get), Wire.Headers(i * 4 + 3, true, Wire.Get), Wire.Reset(i * 4 + 1));
            server.Answer(i * 4 + 3, "HTTP/1.1 200 OK\r\n\r\n");
            Assert.False(server.Connection.IsFailed);
        }
    }

    [Fact]
    public void Budgets_OfAClientThatUpdatesItsWindowsAndPingsForEveryFrame_AreNotUsedUp()
    {
        Machine server = Machine.Server().Feed(Wire.Headers(1, true, Wire.Get));
        server.Answer(1, "HTTP/1.1 200 OK\r\n\r\n", ends: false);
        StreamRef stream = server.Stream(1);
        for (int i = 0; i < 10_000; i++)
        {
            int taken = server.Forget().Write(stream, 20);
            Assert.Equal(20, taken);
            server.Feed(Wire.WindowUpdate(0, 20), Wire.WindowUpdate(1, 20), Wire.Ping());
            Assert.False(server.Connection.IsFailed);
        }
    }

    /// <summary>The budget bears so many, and ends the connection before <paramref name="most"/>.</summary>
    private static void Floods(Http2Reason reason, Func<int, byte[]> frame, int least, int most)
    {
        Machine server = Machine.Server(new Http2Settings(MaxStreams: 128));
        int i = 0;
        for (; i < most + 1 && !server.Connection.IsFailed; i++) server.Feed(frame(i));
        Assert.InRange(i, least + 1, most);
        Expect.ConnectionError(server, reason, ErrorCode.EnhanceYourCalm);
    }

    private static byte[] Length(int value)
    {
        byte[] bytes = new byte[HpackInteger.MaxLength];
        int length = HpackInteger.Write(bytes, 0, 0, value);
        return bytes[1..length];
    }
}

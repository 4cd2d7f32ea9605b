using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>RFC 7541: what its appendix C does not show.</summary>
public class Rfc7541Tests
{
    private static string Long => new('a', 300);

    [Fact]
    public void Rfc7541_2_3_3_IndexBeyondTheTables_IsRefused()
    {
        Assert.Equal(Http2Reason.HpackIndexTooLarge, new HpackTool().Decode([0xBE])); // 62, and the dynamic table is empty
        Assert.Equal(Http2Reason.HpackIndexTooLarge, new HpackTool().Decode([0x7E, 0]));
        Assert.Equal(Http2Reason.None, new HpackTool().Decode([0xBD])); // 61, the last static one
    }

    [Fact]
    public void Rfc7541_3_2_Fields_KeepTheirOrderAndMayRepeat()
    {
        var tool = new HpackTool();
        tool.Decode(Wire.Block(("b", "1"), ("a", "2"), ("b", "1"), ("b", "3")));
        Assert.Equal(["b: 1", "a: 2", "b: 1", "b: 3"], tool.Lines);
    }

    [Fact]
    public void Rfc7541_4_1_AnEntryCounts32OctetsMore()
    {
        // Two entries of 1 + 1 + 32 fit into 68, and not into 67.
        byte[] two = [0x40, 1, (byte)'a', 1, (byte)'b', 0x40, 1, (byte)'c', 1, (byte)'d', 0xBF];
        Assert.Equal(Http2Reason.None, new HpackTool(68).Decode(two));
        Assert.Equal(Http2Reason.HpackIndexTooLarge, new HpackTool(67).Decode(two));
    }

    [Fact]
    public void Rfc7541_4_2_SizeUpdateBehindAField_IsRefused() => Assert.Equal(Http2Reason.TableSizeUpdateLate, new HpackTool().Decode([0x82, 0x20]));

    [Fact]
    public void Rfc7541_4_2_TwoSizeUpdatesInFront_AreAllowedAndMoreAreNot()
    {
        Assert.Equal(Http2Reason.None, new HpackTool().Decode([0x20, 0x3F, 0x61, 0x82]));
        Assert.Equal(Http2Reason.TableSizeUpdatesTooMany, new HpackTool().Decode([0x20, 0x20, 0x20, 0x82]));
    }

    [Fact]
    public void Rfc7541_4_2_PeersLowerLimit_IsSaidAtTheStartOfTheNextBlock()
    {
        var tool = new HpackTool();
        tool.Encode(("server", "x"), ("server", "y"));
        tool.Encoder.OnPeerLimit(100);
        tool.Encoder.OnPeerLimit(2000);
        byte[] block = tool.Encode((":status", "200"));
        Assert.Equal("3F45" + "3FB10F" + "88", Convert.ToHexString(block)); // the smallest, then the last
        Assert.Equal("88", Convert.ToHexString(tool.Encode((":status", "200"))));
    }

    [Fact]
    public void Rfc7541_4_2_PeersLimitOfZero_IsKept()
    {
        var tool = new HpackTool();
        tool.Encoder.OnPeerLimit(0);
        tool.Encode(("server", "x"));
        byte[] second = tool.Encode(("server", "x"));
        Assert.Equal(Http2Reason.None, new HpackTool(0).Decode(second));
    }

    [Fact]
    public void Rfc7541_4_2_PeersHugeLimit_IsNotFollowed()
    {
        var tool = new HpackTool();
        tool.Encoder.OnPeerLimit(uint.MaxValue);
        Assert.Equal("88", Convert.ToHexString(tool.Encode((":status", "200"))));
    }

    [Fact]
    public void Rfc7541_4_3_ShrunkTable_EvictsTheOldest()
    {
        var tool = new HpackTool();
        Assert.Equal(Http2Reason.None, tool.Decode([0x40, 1, (byte)'a', 1, (byte)'1', 0x40, 1, (byte)'b', 1, (byte)'2']));
        Assert.Equal(Http2Reason.None, tool.Decode([0x3F, 34 - 31, 0xBE]));
        Assert.Equal(["b: 2"], tool.Lines);
        Assert.Equal(Http2Reason.HpackIndexTooLarge, tool.Decode([0xBF]));
    }

    [Fact]
    public void Rfc7541_4_4_EntryLargerThanTheTable_EmptiesIt()
    {
        var tool = new HpackTool(100);
        Assert.Equal(Http2Reason.None, tool.Decode([0x40, 1, (byte)'a', 1, (byte)'1']));
        Assert.Equal(Http2Reason.None, tool.Decode([0x40, 1, (byte)'b', 100, .. new byte[100].Select(_ => (byte)'x')]));
        Assert.Equal(Http2Reason.HpackIndexTooLarge, tool.Decode([0xBE]));
    }

    [Fact]
    public void Rfc7541_4_4_NewEntryMayTakeItsNameFromOneThatItEvicts()
    {
        var tool = new HpackTool(60);
        Assert.Equal(Http2Reason.None, tool.Decode([0x40, 10, .. "abcdefghij"u8, 10, .. "0123456789"u8]));
        Assert.Equal(Http2Reason.None, tool.Decode([0x7E, 10, .. "9876543210"u8]));
        Assert.Equal(["abcdefghij: 9876543210"], tool.Lines);
        Assert.Equal(Http2Reason.None, tool.Decode([0xBE]));
        Assert.Equal(["abcdefghij: 9876543210"], tool.Lines);
    }

    [Theory]
    [InlineData("FFFFFFFFFF0F")]
    [InlineData("FF8080808080808000")]
    [InlineData("7FFFFFFFFFFFFFFFFFFF7F00")]
    public void Rfc7541_5_1_IntegerThatIsTooLarge_IsRefused(string hex) =>
        Assert.Equal(Http2Reason.HpackIntegerTooLarge, new HpackTool().Decode(Hex.Bytes(hex)));

    [Theory]
    [InlineData("FF")]
    [InlineData("FF80")]
    [InlineData("40")]
    [InlineData("4001")]
    [InlineData("400161")]
    [InlineData("40016102")]
    [InlineData("4001618F")]
    [InlineData("0F")]
    public void Rfc7541_5_1_BlockThatEndsInsideAField_IsRefused(string hex) =>
        Assert.Equal(Http2Reason.HpackTruncated, new HpackTool().Decode(Hex.Bytes(hex)));

    [Fact]
    public void Rfc7541_5_2_PaddingOfMoreThan7Bits_IsRefused() =>
        Assert.Equal(Http2Reason.HuffmanPadding, Value(0xF8, 0xFF)); // '&' and 8 bits

    [Fact]
    public void Rfc7541_5_2_PaddingThatIsNotAllOnes_IsRefused() => Assert.Equal(Http2Reason.HuffmanPadding, Value(0x06));

    [Fact]
    public void Rfc7541_5_2_EndOfStringInAString_IsRefused() => Assert.Equal(Http2Reason.HuffmanInvalid, Value(0xFF, 0xFF, 0xFF, 0xFF));

    [Fact]
    public void Rfc7541_5_2_PaddingOfUpTo7Ones_IsAllowed()
    {
        Assert.Equal(Http2Reason.None, Value(0x07));
        Assert.Equal(Http2Reason.None, Value(0x00, 0x2E, 0x7F)); // "00:" has 17 bits
        Assert.Equal(Http2Reason.None, Value(0xF8)); // '&' has 8
    }

    [Fact]
    public void Rfc7541_6_1_IndexZero_IsRefused() => Assert.Equal(Http2Reason.HpackIndexZero, new HpackTool().Decode([0x80]));

    [Fact]
    public void Rfc7541_6_2_2_LiteralWithoutIndexing_LeavesTheTableAlone()
    {
        var tool = new HpackTool();
        tool.Decode(Wire.Block(("a", "b")));
        Assert.Equal(Http2Reason.HpackIndexTooLarge, tool.Decode([0xBE]));
    }

    [Fact]
    public void Rfc7541_6_2_3_SensitiveFields_AreSentAsNeverIndexed()
    {
        var tool = new HpackTool();
        (string, string)[] fields = [("authorization", "Basic xyz"), ("cookie", "a=b"), ("set-cookie", "a=b"), ("proxy-authorization", "x")];
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(Http2Reason.None, tool.Decode(tool.Encode(fields)));
            Assert.All(tool.Fields, f => Assert.True(f.NeverIndexed));
        }
    }

    [Fact]
    public void Rfc7541_6_3_SizeAboveOurLimit_IsRefused()
    {
        Assert.Equal(Http2Reason.TableSizeTooLarge, new HpackTool().Decode([0x3F, 0xE2, 0x1F])); // 4097
        Assert.Equal(Http2Reason.None, new HpackTool().Decode([0x3F, 0xE1, 0x1F])); // 4096
    }

    [Fact]
    public void Rfc7541_7_1_3_FieldsWhoseNamesSaySecret_AreNotIndexed()
    {
        var tool = new HpackTool();
        int first = tool.Encode(("x-auth-token", Long)).Length;
        for (int i = 0; i < 3; i++) Assert.Equal(first, tool.Encode(("x-auth-token", Long)).Length);
        tool.Encode(("x-page", Long));
        tool.Encode(("x-page", Long));
        Assert.Single(tool.Encode(("x-page", Long)));
    }

    private static Http2Reason Value(params byte[] huffman) => new HpackTool().Decode([0x00, 1, (byte)'a', (byte)(0x80 | huffman.Length), .. huffman]);
}

using Mainstay.Link;

namespace Mainstay.System.Tests.Link;

public class LinkCodecTests
{
    [Fact]
    public void Write_Message_HasTheDocumentedBytes()
    {
        byte[] buffer = new byte[LinkCodec.MaxLength];

        int length = LinkCodec.Write(new LinkMessage(LinkKind.Listener, 0x01020304, -2, "é"), buffer);

        Assert.Equal(
            [17, 0, 2, 0, 4, 3, 2, 1, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC3, 0xA9],
            buffer[..length]);
    }

    [Fact]
    public void TryRead_EveryKindWritten_IsReadBack()
    {
        byte[] buffer = new byte[LinkCodec.MaxLength];
        foreach (LinkKind kind in Enum.GetValues<LinkKind>())
        {
            var message = new LinkMessage(kind, uint.MaxValue, long.MinValue, new string('x', LinkCodec.MaxTextLength));

            Assert.True(LinkCodec.TryRead(buffer.AsSpan(0, LinkCodec.Write(message, buffer)), out LinkMessage read));

            Assert.Equal(message, read);
        }
    }

    [Fact]
    public void Write_TextTooLong_IsRefused()
    {
        var message = new LinkMessage(LinkKind.Claim, Text: new string('é', LinkCodec.MaxTextLength / 2 + 1));

        Assert.Throws<ArgumentException>(() => LinkCodec.Write(message, new byte[LinkCodec.MaxLength * 2]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("06")]
    [InlineData("0600000000000000000000000000")] // header cut short
    [InlineData("00000000000000000000000000000000")] // kind 0
    [InlineData("0a000000000000000000000000000000")] // between the two directions
    [InlineData("16000000000000000000000000000000")] // behind the last
    [InlineData("06010000000000000000000000000000")] // reserved byte
    [InlineData("06000100000000000000000000000000")] // text missing
    [InlineData("0600000000000000000000000000000041")] // text not announced
    [InlineData("06000100000000000000000000000000FF")] // not UTF-8
    public void TryRead_NotOfThisProtocol_IsRefused(string hex) =>
        Assert.False(LinkCodec.TryRead(Convert.FromHexString(hex), out _));

    [Fact]
    public void TryRead_RandomAndMutatedBytes_AreRefusedOrWrittenBackTheSame()
    {
        var random = new Random(1);
        byte[] buffer = new byte[LinkCodec.MaxLength];
        byte[] again = new byte[LinkCodec.MaxLength];
        for (int i = 0; i < 200_000; i++)
        {
            int length = LinkCodec.Write(new LinkMessage((LinkKind)random.Next(24), (uint)i, i, new string('a', random.Next(8))), buffer);
            for (int changes = random.Next(4); changes > 0; changes--) buffer[random.Next(length)] = (byte)random.Next(256);
            length = Math.Max(0, length + random.Next(-2, 3));

            if (!LinkCodec.TryRead(buffer.AsSpan(0, length), out LinkMessage message)) continue;

            Assert.Equal(buffer.AsSpan(0, length), again.AsSpan(0, LinkCodec.Write(message, again)));
        }
    }
}

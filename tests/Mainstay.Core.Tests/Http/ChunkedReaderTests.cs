using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

public class ChunkedReaderTests
{
    private static readonly HttpLimits s_limits = new();

    [Theory]
    [InlineData("0\r\n\r\n", "")]
    [InlineData("5\r\nhello\r\n0\r\n\r\n", "hello")]
    [InlineData("5\r\nhello\r\n00A\r\n0123456789\r\n000\r\n\r\n", "hello0123456789")]
    [InlineData("b\r\nhello\r\nworl\r\n0\r\n\r\n", "hello\r\nworl")]
    [InlineData("1;a\r\nx\r\n0;b=c;d=\"e;f\"\r\n\r\n", "x")]
    [InlineData("1 \t;a\r\nx\r\n0\r\n\r\n", "x")]
    [InlineData("1\r\nx\r\n0\r\nX-Sum: 1\r\nEmpty:\r\n\r\n", "x")]
    public void TryRead_ValidBody_IsTheSameWhereverItIsCut(string text, string content)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text + "GET / HTTP/1.1");
        for (int first = 0; first <= text.Length; first++)
        {
            for (int second = first; second <= text.Length; second++)
                Assert.Equal((content, text.Length), Decode(bytes, first, second));
            AssertPasses(bytes, first, text.Length, content.Length);
        }
    }

    [Theory]
    [InlineData("9112 7.1", "\r\n", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", "x\r\n", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", "-1\r\n", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", "+1\r\n", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", "0x1\r\n", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", " 1\r\n", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", "1 \r\n", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", "1 1\r\n", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", "1_0\r\n", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", "1\nx", RejectReason.InvalidChunkSize)]
    [InlineData("9112 7.1", "1\rx", RejectReason.InvalidChunkExtension)]
    [InlineData("9112 7.1", "8000000000000000\r\n", RejectReason.ChunkSizeOverflow)]
    [InlineData("9112 7.1", "ffffffffffffffffff\r\n", RejectReason.ChunkSizeOverflow)]
    [InlineData("9112 7.1", "00000000000000001\r\n", RejectReason.ChunkSizeOverflow)]
    [InlineData("9112 7.1", "1\r\nxy\r\n", RejectReason.InvalidChunkEnd)]
    [InlineData("9112 7.1", "1\r\nx\n", RejectReason.InvalidChunkEnd)]
    [InlineData("9112 7.1", "1\r\nx\ry", RejectReason.InvalidChunkEnd)]
    [InlineData("9112 7.1.1", "1;a\nx\r\n", RejectReason.InvalidChunkExtension)]
    [InlineData("9112 7.1.1", "1;a\rb\r\n", RejectReason.InvalidChunkExtension)]
    [InlineData("9112 7.1.1", "1;\"a\r\"\n", RejectReason.InvalidChunkExtension)]
    [InlineData("9112 7.1.1", "1;a\0\r\n", RejectReason.InvalidChunkExtension)]
    [InlineData("9112 7.1.2", "0\r\nA b: c\r\n\r\n", RejectReason.InvalidTrailer)]
    [InlineData("9112 7.1.2", "0\r\nA : c\r\n\r\n", RejectReason.InvalidTrailer)]
    [InlineData("9112 7.1.2", "0\r\n: c\r\n\r\n", RejectReason.InvalidTrailer)]
    [InlineData("9112 7.1.2", "0\r\nA: b\n\r\n", RejectReason.InvalidTrailer)]
    [InlineData("9112 7.1.2", "0\r\nA: b\rc\r\n", RejectReason.InvalidTrailer)]
    [InlineData("9112 7.1.2", "0\r\nA\r\n\r\n", RejectReason.InvalidTrailer)]
    [InlineData("9112 7.1.2", "0\r\n\n", RejectReason.InvalidTrailer)]
    [InlineData("9112 7.1.2", "0\r\n\rx", RejectReason.InvalidTrailer)]
    [InlineData("9112 5.2", "0\r\nA: b\r\n c\r\n\r\n", RejectReason.InvalidTrailer)]
    [InlineData("9110 6.5.1", "0\r\nContent-Length: 1\r\n\r\n", RejectReason.ForbiddenTrailer)]
    [InlineData("9110 6.5.1", "0\r\ntransfer-encoding: chunked\r\n\r\n", RejectReason.ForbiddenTrailer)]
    [InlineData("9110 6.5.1", "0\r\nX: y\r\nHOST: h\r\n\r\n", RejectReason.ForbiddenTrailer)]
    [InlineData("9110 6.5.1", "0\r\nAuthorization: x\r\n\r\n", RejectReason.ForbiddenTrailer)]
    [InlineData("9110 6.5.1", "0\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n", RejectReason.ForbiddenTrailer)]
    [InlineData("9110 6.5.1", "0\r\nX_Forwarded_Anything_Longer_Than_What_Is_Kept: 1\r\n\r\n", RejectReason.ForbiddenTrailer)]
    public void TryPass_BrokenBody_NamesTheCauseWhereverItIsCut(string rule, string text, RejectReason expected)
    {
        byte[] bytes = Encoding.ASCII.GetBytes(text);
        for (int cut = 0; cut <= bytes.Length; cut++)
        {
            var reader = new ChunkedReader();
            bool passed = reader.TryPass(bytes.AsSpan(0, cut), s_limits, out _, out RejectReason reason)
                && reader.TryPass(bytes.AsSpan(cut), s_limits, out _, out reason);
            Assert.Equal((rule, cut, false, expected), (rule, cut, passed, reason));
        }
    }

    [Fact]
    public void TryPass_EndlessExtensionsAndTrailers_AreBounded()
    {
        AssertRefused("1;" + new string('a', 40_000), RejectReason.ChunkExtensionTooLarge);
        AssertRefused("1" + new string(' ', 40_000), RejectReason.ChunkExtensionTooLarge);
        AssertRefused(string.Concat(Enumerable.Repeat("1;aaaaaaaaaa\r\nx\r\n", 4000)), RejectReason.ChunkExtensionTooLarge);
        AssertRefused("0\r\nA: " + new string('a', 40_000), RejectReason.TrailerTooLarge);
        AssertRefused("0\r\n" + string.Concat(Enumerable.Repeat("A: b\r\n", 101)), RejectReason.TrailerTooLarge);
    }

    [Fact]
    public void TryPass_LargestChunk_IsFollowedToItsEnd()
    {
        var reader = new ChunkedReader();
        Assert.True(reader.TryPass("7fffffffffffffff\r\n"u8, s_limits, out _, out _));
        Assert.True(reader.TryPass(new byte[100_000], s_limits, out int length, out _));
        Assert.Equal(100_000, length);
        Assert.Equal(100_000, reader.ContentLength);
        Assert.False(reader.IsEnd);
    }

    private static void AssertRefused(string text, RejectReason expected)
    {
        var reader = new ChunkedReader();
        Assert.False(reader.TryPass(Encoding.ASCII.GetBytes(text), s_limits, out _, out RejectReason reason));
        Assert.Equal(expected, reason);
    }

    private static void AssertPasses(byte[] bytes, int cut, int bodyLength, int contentLength)
    {
        var reader = new ChunkedReader();
        Assert.True(reader.TryPass(bytes.AsSpan(0, cut), s_limits, out int first, out _));
        Assert.Equal(cut, first);
        Assert.True(reader.TryPass(bytes.AsSpan(cut), s_limits, out int second, out _));
        Assert.True(reader.IsEnd);
        Assert.Equal((bodyLength, contentLength), (first + second, (int)reader.ContentLength));
    }

    private static (string Content, int Length) Decode(byte[] bytes, int first, int second)
    {
        var reader = new ChunkedReader();
        var content = new StringBuilder();
        int total = 0;
        foreach (Range range in new[] { ..first, first..second, second.. })
        {
            ReadOnlySpan<byte> piece = bytes.AsSpan(range);
            int at = 0;
            RejectReason reason;
            while (reader.TryRead(piece, s_limits, ref at, out ByteRange data, out reason))
                content.Append(Encoding.ASCII.GetString(data.Of(piece)));
            Assert.Equal(RejectReason.None, reason);
            total += at;
        }

        Assert.True(reader.IsEnd);
        return (content.ToString(), total);
    }
}

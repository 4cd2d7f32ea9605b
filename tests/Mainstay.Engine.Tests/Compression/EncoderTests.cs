using System.IO.Compression;
using Mainstay.Linux.Compression;

namespace Mainstay.Engine.Tests.Compression;

/// <summary>The encoders against the runtime's decoders, cut everywhere.</summary>
public class EncoderTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Streams_CutAtEveryPlace_DecodeToTheSame(bool brotli)
    {
        byte[] content = Content(300);
        using ContentEncoder encoder = Make(brotli);
        for (int cut = 0; cut <= content.Length; cut++)
        {
            using var coded = new MemoryStream();
            Run(encoder, content.AsSpan(0, cut), EncodeStep.Flush, coded, room: 50);

            // What has been flushed can be decoded now, without the end.
            Assert.Equal(content[..cut], DecodePrefix(coded.ToArray(), cut, brotli));
            Run(encoder, content.AsSpan(cut), EncodeStep.Process, coded, room: 50);
            Run(encoder, default, EncodeStep.Flush, coded, room: 50);
            Run(encoder, default, EncodeStep.Flush, coded, room: 50);
            Run(encoder, default, EncodeStep.Finish, coded, room: 50);
            Assert.Equal(content, Decode(coded.ToArray(), brotli));
            encoder.Reset();
        }
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(false, 4)]
    [InlineData(false, 9)]
    [InlineData(true, 1)]
    [InlineData(true, 4)]
    [InlineData(true, 6)]
    public void Streams_RandomPiecesStepsAndRooms_DecodeToTheSame(bool brotli, int level)
    {
        var random = new Random(level);
        using ContentEncoder encoder = brotli ? new BrotliStreamEncoder(level) : new GzipEncoder(level);
        for (int i = 0; i < 40; i++)
        {
            byte[] content = random.Next(4) == 0 ? RandomBytes(random, random.Next(200_000)) : Content(random.Next(300_000));
            using var coded = new MemoryStream();
            int room = random.Next(20, 70_000);
            for (int at = 0; at < content.Length;)
            {
                int piece = Math.Min(content.Length - at, random.Next(1, 40_000));
                Run(encoder, content.AsSpan(at, piece), random.Next(3) == 0 ? EncodeStep.Flush : EncodeStep.Process, coded, room);
                at += piece;
            }

            Run(encoder, default, EncodeStep.Finish, coded, room);
            Assert.Equal(content, Decode(coded.ToArray(), brotli));
            encoder.Reset();
        }
    }

    [Fact]
    public void AnEmptyStream_IsAWholeOne()
    {
        foreach (bool brotli in new[] { false, true })
        {
            using ContentEncoder encoder = Make(brotli);
            using var coded = new MemoryStream();
            Run(encoder, default, EncodeStep.Finish, coded, 100);
            Assert.Empty(Decode(coded.ToArray(), brotli));
        }
    }

    private static ContentEncoder Make(bool brotli) => brotli ? new BrotliStreamEncoder(4) : new GzipEncoder(4);

    private static void Run(ContentEncoder encoder, ReadOnlySpan<byte> input, EncodeStep step, Stream coded, int room)
    {
        byte[] output = new byte[room];
        for (int left = 1_000_000; left > 0; left--)
        {
            bool done = encoder.Encode(input, output, step, out int consumed, out int written);
            input = input[consumed..];
            coded.Write(output, 0, written);
            if (!done) continue;
            Assert.True(input.IsEmpty);
            return;
        }

        Assert.Fail("the encoder does not come to an end");
    }

    private static byte[] Content(int length)
    {
        var random = new Random(length);
        string[] words = ["the ", "quick ", "brown ", "fox ", "<div class=\"x\">", "</div>\n", "jumps ", "0123456789 "];
        using var text = new MemoryStream();
        while (text.Length < length) text.Write(System.Text.Encoding.ASCII.GetBytes(words[random.Next(words.Length)]));
        return text.ToArray()[..length];
    }

    private static byte[] RandomBytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] DecodePrefix(byte[] coded, int length, bool brotli)
    {
        byte[] decoded = new byte[length];
        using Stream stream = Open(coded, brotli);
        int at = 0;
        while (at < length && stream.Read(decoded, at, length - at) is > 0 and var count) at += count;
        return decoded[..at];
    }

    private static byte[] Decode(byte[] coded, bool brotli)
    {
        using Stream stream = Open(coded, brotli);
        using var decoded = new MemoryStream();
        stream.CopyTo(decoded);
        return decoded.ToArray();
    }

    private static Stream Open(byte[] coded, bool brotli) =>
        brotli ? new BrotliStream(new MemoryStream(coded), CompressionMode.Decompress) : new GZipStream(new MemoryStream(coded), CompressionMode.Decompress);
}

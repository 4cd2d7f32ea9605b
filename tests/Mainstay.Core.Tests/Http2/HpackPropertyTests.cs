using System.Text;
using Mainstay.Core.Http2;
using Mainstay.Core.Tests.Http;

namespace Mainstay.Core.Tests.Http2;

/// <summary>
/// Encoder and decoder against each other and against simple twins. MAINSTAY_FUZZ=5000000 makes it millions.
/// </summary>
public class HpackPropertyTests
{
    private static readonly string[] s_names =
    [
        ":method", ":path", ":status", ":authority", "cookie", "set-cookie", "authorization", "date", "content-type", "x-a", "x-b",
        "x-a-longer-name-of-a-field", "etag", "user-agent", "x-auth-token",
    ];

    [Fact]
    public void EncodeDecode_AnyFields_ComeBackAsTheyWere()
    {
        Random random = ParserPropertyTests.Seeded(3);
        for (int i = 0; i < ParserPropertyTests.Count(20_000); i += 200)
        {
            var tool = new HpackTool();
            for (int j = 0; j < 200; j++)
            {
                if (random.Next(10) == 0) tool.Encoder.OnPeerLimit((uint)random.Next(random.Next(2) == 0 ? 200 : 5000));
                (string, string)[] fields = [.. Enumerable.Range(0, random.Next(12)).Select(_ => (s_names[random.Next(s_names.Length)], Value(random)))];
                byte[] block = tool.Encode(fields);
                Assert.Equal(Http2Reason.None, tool.Decode(block));
                Assert.Equal(fields.Select(f => $"{f.Item1}: {f.Item2}"), tool.Lines);
                for (int k = 0; k < fields.Length; k++)
                    if (fields[k].Item1 is "cookie" or "set-cookie" or "authorization") Assert.True(tool.Fields[k].NeverIndexed);
            }
        }
    }

    [Fact]
    public void Huffman_AnyBytes_ComeBackAndHaveTheLengthThatWasSaid()
    {
        Random random = ParserPropertyTests.Seeded(4);
        for (int i = 0; i < ParserPropertyTests.Count(20_000); i++)
        {
            byte[] text = new byte[random.Next(60)];
            random.NextBytes(text);
            if (random.Next(3) > 0)
                for (int j = 0; j < text.Length; j++) text[j] = (byte)(32 + text[j] % 95);
            byte[] code = new byte[Huffman.EncodedLength(text)];
            Huffman.Encode(text, code);
            byte[] decoded = new byte[Huffman.MaxDecodedLength(code.Length)];
            Assert.True(Huffman.TryDecode(code, decoded, out int length, out _));
            Assert.Equal(text, decoded[..length]);
        }
    }

    [Fact]
    public void Huffman_AnyCode_AgreesWithTheBitByBitTwin()
    {
        Random random = ParserPropertyTests.Seeded(5);
        int accepted = 0, count = ParserPropertyTests.Count(30_000);
        for (int i = 0; i < count; i++)
        {
            byte[] code = RandomCode(random);
            byte[] decoded = new byte[Huffman.MaxDecodedLength(code.Length)];
            bool real = Huffman.TryDecode(code, decoded, out int length, out _);
            byte[]? twin = HuffmanTwin.Decode(code);
            Assert.True(real == twin is not null, Convert.ToHexString(code));
            if (twin is null) continue;
            accepted++;
            Assert.Equal(twin, decoded[..length]);
        }

        Assert.InRange(accepted, count / 10, count * 9 / 10);
    }

    [Fact]
    public void DynamicTable_AnyInsertsAndResizes_AgreesWithAListOfStrings()
    {
        Random random = ParserPropertyTests.Seeded(6);
        for (int round = 0; round < ParserPropertyTests.Count(30_000) / 1000 + 1; round++)
        {
            var table = new DynamicTable(new Http2Shelves(), finds: true);
            var twin = new TableTwin();
            table.Resize(4096);
            for (int i = 0; i < 1000; i++)
            {
                if (random.Next(30) == 0)
                {
                    int size = random.Next(3) == 0 ? random.Next(100) : random.Next(4097);
                    table.Resize(size);
                    twin.Resize(size);
                }

                byte[] name = Encoding.ASCII.GetBytes(s_names[random.Next(s_names.Length)]), value = Encoding.Latin1.GetBytes(Value(random));
                uint nameHash = FieldHash.Of(name), pairHash = FieldHash.Of(value, nameHash);
                int found = table.Find(name, value, nameHash, pairHash, out int named);
                Assert.Equal(twin.Has(name, value), found > 0);
                if (found > 0) Assert.Equal(twin.Lines[found - 1], Line(name, value));
                else Assert.Equal(twin.HasName(name), named > 0);
                table.Insert(name, value, default, nameHash, pairHash);
                twin.Insert(name, value);
                Assert.Equal((twin.Size, twin.Lines.Count), (table.Size, table.Count));
                int index = random.Next(table.Count);
                if (table.Count > 0) Assert.Equal(twin.Lines[index], Encoding.Latin1.GetString(table.Line(table.Entry(index + 1))));
            }

            table.Release();
        }
    }

    [Fact]
    public void TryNext_AnyBytes_NeverThrowsAndNeverReadsPastTheEnd()
    {
        Random random = ParserPropertyTests.Seeded(7);
        int whole = 0, count = ParserPropertyTests.Count(30_000);
        var tool = new HpackTool();
        for (int i = 0; i < count; i++)
        {
            if (i % 50 == 0) tool = new HpackTool();
            byte[] block = RandomBlock(tool, random);
            if (tool.Decode(block) == Http2Reason.None) whole++;
            else tool = new HpackTool();
        }

        Assert.InRange(whole, count / 10, count * 9 / 10);
    }

    private static string Line(byte[] name, byte[] value) => $"{Encoding.Latin1.GetString(name)}: {Encoding.Latin1.GetString(value)}\r\n";

    private static string Value(Random random) => random.Next(4) switch
    {
        0 => "",
        1 => "v" + random.Next(5),
        2 => new string((char)('a' + random.Next(3)), random.Next(300)),
        _ => random.Next().ToString(),
    };

    private static byte[] RandomCode(Random random)
    {
        byte[] text = new byte[random.Next(12)];
        random.NextBytes(text);
        byte[] code = new byte[Huffman.EncodedLength(text)];
        Huffman.Encode(text, code);
        if (code.Length > 0 && random.Next(2) == 0) code[random.Next(code.Length)] ^= (byte)(1 << random.Next(8));
        if (random.Next(8) == 0) code = [.. code, 0xFF];
        if (random.Next(8) == 0) code = [.. code, 0xFF, 0xFF, 0xFF, 0xFF];
        return random.Next(4) == 0 ? code[..random.Next(code.Length + 1)] : code;
    }

    private static byte[] RandomBlock(HpackTool tool, Random random)
    {
        byte[] block = tool.Encode([.. Enumerable.Range(0, random.Next(6)).Select(_ => (s_names[random.Next(s_names.Length)], Value(random)))]);
        if (random.Next(3) == 0) return block;
        for (int i = random.Next(3); i > 0 && block.Length > 0; i--) block[random.Next(block.Length)] = (byte)random.Next(256);
        return random.Next(4) == 0 ? block[..random.Next(block.Length + 1)] : block;
    }
}

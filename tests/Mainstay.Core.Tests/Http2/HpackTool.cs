using System.Text;
using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>Whole blocks in and out of the two codecs, as text: "name: value" lines.</summary>
internal sealed class HpackTool
{
    private readonly HpackDecoder _decoder = new(new Http2Shelves());
    private readonly HpackEncoder _encoder = new(new Http2Shelves());
    private readonly byte[] _line;

    public HpackTool(int tableLimit = 4096)
    {
        _decoder.Reset(tableLimit);
        _encoder.Reset();
        _line = new byte[HpackDecoder.MaxLineLength(100_000, tableLimit)];
    }

    public HpackEncoder Encoder => _encoder;

    public List<string> Lines { get; } = [];
    public List<HpackField> Fields { get; } = [];

    public Http2Reason Decode(ReadOnlySpan<byte> block)
    {
        Lines.Clear();
        Fields.Clear();
        int at = 0;
        _decoder.BeginBlock();
        Http2Reason reason;
        while (_decoder.TryNext(block, ref at, _line, true, out HpackField field, out reason))
        {
            string line = Encoding.Latin1.GetString(_line, 0, field.LineLength);
            Assert.EndsWith("\r\n", line);
            Assert.Equal(": ", line.Substring(field.NameLength, 2));
            Lines.Add(line[..^2]);
            Fields.Add(field);
        }

        return reason;
    }

    public string DecodeText(string hex)
    {
        Assert.Equal(Http2Reason.None, Decode(Hex.Bytes(hex)));
        return string.Join('\n', Lines);
    }

    public byte[] Encode(params (string Name, string Value)[] fields)
    {
        byte[] block = new byte[fields.Sum(f => HpackEncoder.MaxLength(f.Name.Length, f.Value.Length)) + HpackEncoder.MaxBlockStart];
        int length = _encoder.BeginBlock(block);
        foreach ((string name, string value) in fields)
            length += _encoder.Write(block.AsSpan(length), Encoding.Latin1.GetBytes(name), Encoding.Latin1.GetBytes(value));
        return block[..length];
    }
}

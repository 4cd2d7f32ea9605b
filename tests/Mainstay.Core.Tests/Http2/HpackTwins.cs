using System.Text;
using Mainstay.Core.Http2;

namespace Mainstay.Core.Tests.Http2;

/// <summary>Decodes bit by bit, as RFC 7541 section 5.2 tells it.</summary>
internal static class HuffmanTwin
{
    private static readonly Dictionary<string, int> s_symbols = Enumerable.Range(0, 257).ToDictionary(
        symbol => Convert.ToString(HuffmanCode.Codes[symbol], 2).PadLeft(HuffmanCode.Lengths[symbol], '0'));

    public static byte[]? Decode(byte[] code)
    {
        var text = new List<byte>();
        string pending = "";
        foreach (char bit in string.Concat(code.Select(b => Convert.ToString(b, 2).PadLeft(8, '0'))))
        {
            pending += bit;
            if (!s_symbols.TryGetValue(pending, out int symbol)) continue;
            if (symbol == HuffmanCode.EndOfString) return null;
            text.Add((byte)symbol);
            pending = "";
        }

        return pending.Length < 8 && !pending.Contains('0') ? [.. text] : null;
    }
}

/// <summary>The dynamic table as a list of lines, newest first.</summary>
internal sealed class TableTwin
{
    private int _max = 4096;

    public List<string> Lines { get; } = [];

    public int Size => Lines.Sum(line => line.Length - 4 + 32);

    public void Resize(int max)
    {
        _max = max;
        Evict(max);
    }

    public void Insert(byte[] name, byte[] value)
    {
        int size = name.Length + value.Length + 32;
        Evict(Math.Max(0, _max - size));
        if (size > _max) Lines.Clear();
        else Lines.Insert(0, $"{Encoding.Latin1.GetString(name)}: {Encoding.Latin1.GetString(value)}\r\n");
    }

    public bool Has(byte[] name, byte[] value) => Lines.Contains($"{Encoding.Latin1.GetString(name)}: {Encoding.Latin1.GetString(value)}\r\n");

    public bool HasName(byte[] name) => Lines.Exists(line => line.StartsWith(Encoding.Latin1.GetString(name) + ": ", StringComparison.Ordinal));

    private void Evict(int size)
    {
        while (Size > size) Lines.RemoveAt(Lines.Count - 1);
    }
}

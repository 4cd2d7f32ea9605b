using System.Numerics;

namespace Mainstay.Core.Http2;

/// <summary>
/// The static Huffman code of RFC 7541 appendix B. It is canonical: the codes follow from their lengths, so that only these are
/// written down here.
/// </summary>
internal static class HuffmanCode
{
    /// <summary>Symbols are the bytes and this one, "end of string", which only ever pads.</summary>
    public const int EndOfString = 256;

    public const int MinLength = 5, MaxLength = 30;

    /// <summary>Bits that one look into <see cref="Fast"/> uses: two of the shorter letters at a time.</summary>
    public const int FastBits = 12;

    /// <summary>Length of the code of every symbol, in bits.</summary>
    private static readonly byte[] s_lengths =
    [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
        28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
        6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
        21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ];

    private static readonly uint[] s_codes = new uint[EndOfString + 1];
    private static readonly uint[] s_fast = new uint[1 << FastBits];
    private static readonly byte[] s_symbols = new byte[EndOfString + 1];
    private static readonly uint[] s_firstCode = new uint[MaxLength + 2];
    private static readonly int[] s_firstIndex = new int[MaxLength + 2];

    static HuffmanCode()
    {
        uint code = 0;
        int index = 0;
        for (int length = MinLength; length <= MaxLength; length++)
        {
            s_firstCode[length] = code;
            s_firstIndex[length] = index;
            for (int symbol = 0; symbol <= EndOfString; symbol++)
            {
                if (s_lengths[symbol] != length) continue;
                s_codes[symbol] = code++;
                s_symbols[index++] = (byte)symbol;
            }

            code <<= 1;
        }

        s_firstIndex[MaxLength + 1] = index;
        FillFast();
    }

    public static ReadOnlySpan<byte> Lengths => s_lengths;

    /// <summary>Right-aligned.</summary>
    public static ReadOnlySpan<uint> Codes => s_codes;

    /// <summary>
    /// By the next <see cref="FastBits"/> bits: first symbol (8 bits), second symbol (8), how many there are (4), bits of them
    /// all (4), bits of the first (4). No symbols: the code is longer.
    /// </summary>
    public static ReadOnlySpan<uint> Fast => s_fast;

    /// <summary>The symbol whose code starts the 30 bits <paramref name="next"/>, or -1 for end of string.</summary>
    /// <param name="length">Of its code; at least <paramref name="from"/>.</param>
    public static int Find(uint next, int from, out int length)
    {
        for (length = from; length <= MaxLength; length++)
        {
            uint offset = (next >> (MaxLength - length)) - s_firstCode[length];
            int count = s_firstIndex[length + 1] - s_firstIndex[length];
            if (offset >= (uint)count) continue;
            int index = s_firstIndex[length] + (int)offset;
            return index == EndOfString ? -1 : s_symbols[index];
        }

        return -1;
    }

    private static void FillFast()
    {
        for (uint bits = 0; bits < s_fast.Length; bits++)
        {
            int first = Find(bits << (MaxLength - FastBits), MinLength, out int firstLength);
            if (firstLength > FastBits) continue;
            uint rest = (bits << (MaxLength - FastBits + firstLength)) & ((1u << MaxLength) - 1);
            int second = Find(rest, MinLength, out int secondLength);
            bool two = firstLength + secondLength <= FastBits;
            uint total = (uint)(two ? firstLength + secondLength : firstLength);
            s_fast[bits] = (uint)first | (two ? (uint)second << 8 : 0) | (two ? 2u : 1u) << 16 | total << 20 | (uint)firstLength << 24;
        }
    }
}

using System.Buffers.Binary;

namespace Mainstay.Core.Http2;

/// <summary>Strings in the Huffman code of RFC 7541 section 5.2.</summary>
internal static class Huffman
{
    /// <summary>Bytes that a code of <paramref name="length"/> bytes decodes to at most: no symbol has fewer than 5 bits.</summary>
    public static int MaxDecodedLength(int length) => (int)((long)length * 8 / HuffmanCode.MinLength) + 1;

    /// <summary>Decodes a whole string.</summary>
    /// <param name="destination">At least <see cref="MaxDecodedLength"/> bytes.</param>
    public static bool TryDecode(ReadOnlySpan<byte> code, Span<byte> destination, out int written, out Http2Reason reason)
    {
        // The next bits stand at the top of `bits`; `have` of them are valid, the others 0.
        ulong bits = 0;
        int have = 0, at = 0;
        written = 0;
        ReadOnlySpan<uint> fast = HuffmanCode.Fast;
        for (; ; )
        {
            if (code.Length - at >= 8)
            {
                bits |= BinaryPrimitives.ReadUInt64BigEndian(code[at..]) >> have;
                at += (63 - have) >> 3;
                have |= 56;
            }
            else
            {
                for (; have <= 56 && at < code.Length; have += 8) bits |= (ulong)code[at++] << (56 - have);
            }

            uint entry = fast[(int)(bits >> (64 - HuffmanCode.FastBits))];
            int length = (int)(entry >> 20) & 0xF;
            if (entry != 0 && length <= have)
            {
                destination[written] = (byte)entry;
                destination[written + 1] = (byte)(entry >> 8);
                written += (int)(entry >> 16) & 0xF;
                bits <<= length;
                have -= length;
                continue;
            }

            if (!TryDecodeOne(ref bits, ref have, entry, destination, ref written, out reason)) return reason == Http2Reason.None;
        }
    }

    /// <summary>A long code, or the last one of the string. False at the end, or when the code is refused.</summary>
    private static bool TryDecodeOne(
        ref ulong bits, ref int have, uint entry, Span<byte> destination, ref int written, out Http2Reason reason)
    {
        int symbol, length;
        if (entry != 0)
        {
            symbol = (byte)entry;
            length = (int)(entry >> 24) & 0xF;
        }
        else
        {
            symbol = HuffmanCode.Find((uint)(bits >> (64 - HuffmanCode.MaxLength)), HuffmanCode.FastBits + 1, out length);
        }

        reason = Http2Reason.None;
        if (length > have)
        {
            // Less than a code is left: padding of fewer than 8 bits, all of them 1 (RFC 7541 section 5.2).
            bool padding = have < 8 && (have == 0 || bits >> (64 - have) == (1UL << have) - 1);
            if (!padding) reason = Http2Reason.HuffmanPadding;
            return false;
        }

        if (symbol < 0)
        {
            reason = Http2Reason.HuffmanInvalid;
            return false;
        }

        destination[written++] = (byte)symbol;
        bits <<= length;
        have -= length;
        return true;
    }

    /// <summary>Length of the code of <paramref name="text"/> in bytes.</summary>
    public static int EncodedLength(ReadOnlySpan<byte> text)
    {
        ReadOnlySpan<byte> lengths = HuffmanCode.Lengths;
        long bits = 0;
        foreach (byte symbol in text) bits += lengths[symbol];
        return (int)((bits + 7) / 8);
    }

    /// <summary>Encodes to the front of <paramref name="destination"/>, which has <see cref="EncodedLength"/> bytes at least.</summary>
    public static void Encode(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        ReadOnlySpan<byte> lengths = HuffmanCode.Lengths;
        ReadOnlySpan<uint> codes = HuffmanCode.Codes;
        ulong bits = 0;
        int have = 0, at = 0;
        foreach (byte symbol in text)
        {
            int length = lengths[symbol];
            bits = (bits << length) | codes[symbol];
            have += length;
            if (have < 32) continue;
            have -= 32;
            BinaryPrimitives.WriteUInt32BigEndian(destination[at..], (uint)(bits >> have));
            at += 4;
        }

        for (; have >= 8; have -= 8) destination[at++] = (byte)(bits >> (have - 8));
        if (have > 0) destination[at] = (byte)((bits << (8 - have)) | (0xFFu >> have));
    }
}

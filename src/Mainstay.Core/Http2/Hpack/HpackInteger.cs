namespace Mainstay.Core.Http2;

/// <summary>Integers with an N-bit prefix (RFC 7541 section 5.1).</summary>
internal static class HpackInteger
{
    /// <summary>
    /// Octets behind the prefix at most: four carry 28 bits, far more than any index, length or table size that is accepted; leading
    /// zero groups are refused with the rest.
    /// </summary>
    private const int MaxOctets = 4;

    /// <summary>Bytes that <see cref="Write"/> needs at most.</summary>
    public const int MaxLength = 1 + MaxOctets + 1;

    /// <summary>Reads the integer at <paramref name="at"/>, which is inside the block, and moves behind it.</summary>
    public static bool TryRead(ReadOnlySpan<byte> block, ref int at, int prefixBits, out int value, out Http2Reason reason)
    {
        int mask = (1 << prefixBits) - 1;
        value = block[at++] & mask;
        reason = Http2Reason.None;
        if (value < mask) return true;
        for (int shift = 0; shift < MaxOctets * 7; shift += 7)
        {
            if (at == block.Length)
            {
                reason = Http2Reason.HpackTruncated;
                return false;
            }

            byte octet = block[at++];
            value += (octet & 0x7F) << shift;
            if (octet < 0x80) return true;
        }

        reason = Http2Reason.HpackIntegerTooLarge;
        return false;
    }

    /// <param name="pattern">The bits in front of the prefix.</param>
    /// <returns>Bytes written.</returns>
    public static int Write(Span<byte> destination, int prefixBits, byte pattern, int value)
    {
        int mask = (1 << prefixBits) - 1;
        if (value < mask)
        {
            destination[0] = (byte)(pattern | value);
            return 1;
        }

        destination[0] = (byte)(pattern | mask);
        int at = 1;
        for (value -= mask; value >= 0x80; value >>= 7) destination[at++] = (byte)(value | 0x80);
        destination[at++] = (byte)value;
        return at;
    }
}

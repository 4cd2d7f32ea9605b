using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Mainstay.Core.Net;

/// <summary>
/// An IPv4 or IPv6 address as a value. IPv4-mapped IPv6 addresses (::ffff:a.b.c.d) become IPv4 on the way in, so that no list
/// and no hash sees one client under two names. <c>default</c> is "no address" (a peer on a unix socket).
/// </summary>
public readonly record struct NetAddress
{
    private readonly ulong _high;
    private readonly ulong _low;
    private readonly byte _length;

    private NetAddress(ulong high, ulong low, byte length) => (_high, _low, _length) = (high, low, length);

    public bool IsNone => _length == 0;
    public bool IsV4 => _length == 4;
    public bool IsV6 => _length == 16;

    /// <summary>127.0.0.0/8 or ::1: this machine itself.</summary>
    public bool IsLoopback => (_length == 4 && _low >> 24 == 127) || (_length == 16 && _high == 0 && _low == 1);

    /// <summary>32, 128, or 0 for no address.</summary>
    public int Bits => _length * 8;

    /// <summary>The address as a number; an IPv4 address in the low 32 bits.</summary>
    public UInt128 Value => new(_high, _low);

    public static NetAddress V4(uint hostOrder) => new(0, hostOrder, 4);

    /// <summary>From 4 or 16 bytes in network order.</summary>
    public static NetAddress FromBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length == 4) return V4(BinaryPrimitives.ReadUInt32BigEndian(bytes));
        ulong high = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        ulong low = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        return high == 0 && low >> 32 == 0xFFFF ? V4((uint)low) : new(high, low, 16);
    }

    /// <summary>The first address of its range of that length, at most <see cref="Bits"/>.</summary>
    public NetAddress Truncate(int prefixLength)
    {
        int free = Bits - prefixLength;
        if (free <= 0) return this;
        UInt128 value = free >= 128 ? 0 : Value >> free << free;
        return new((ulong)(value >> 64), (ulong)value, _length);
    }

    /// <summary>Writes 4 or 16 bytes in network order and returns their count.</summary>
    public int WriteBytes(Span<byte> destination)
    {
        if (IsV4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(destination, (uint)_low);
            return 4;
        }

        BinaryPrimitives.WriteUInt64BigEndian(destination, _high);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _low);
        return 16;
    }

    /// <summary>Strict: four decimal numbers without leading zeros, or RFC 4291 text without a zone.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out NetAddress address)
    {
        address = default;
        if (text.IndexOf(':') < 0) return TryParseV4(text, out address);
        if (text.IndexOfAny("%[]/") >= 0 || !IPAddress.TryParse(text, out IPAddress? parsed)) return false;
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out int written);
        address = FromBytes(bytes[..written]);
        return true;
    }

    public static bool TryParse(ReadOnlySpan<byte> ascii, out NetAddress address)
    {
        address = default;
        if (ascii.Length > 45) return false;
        Span<char> chars = stackalloc char[45];
        int length = Encoding.Latin1.GetChars(ascii, chars);
        return TryParse(chars[..length], out address);
    }

    /// <summary>Writes the text (at most 45 bytes; RFC 5952 for IPv6) and returns its length; 0 for no address.</summary>
    public int Format(Span<byte> destination)
    {
        if (IsNone) return 0;
        return IsV4 ? FormatV4((uint)_low, destination) : FormatV6(destination);
    }

    public override string ToString()
    {
        Span<byte> text = stackalloc byte[45];
        return Encoding.ASCII.GetString(text[..Format(text)]);
    }

    private static bool TryParseV4(ReadOnlySpan<char> text, out NetAddress address)
    {
        address = default;
        uint value = 0;
        int part = 0, digits = 0, octet = 0;
        foreach (char c in text)
        {
            if (c == '.')
            {
                if (digits == 0 || ++part > 3) return false;
                value = value << 8 | (uint)octet;
                digits = octet = 0;
            }
            else
            {
                if (!char.IsAsciiDigit(c) || (digits > 0 && octet == 0)) return false;
                octet = octet * 10 + (c - '0');
                if (++digits > 3 || octet > 255) return false;
            }
        }

        if (part != 3 || digits == 0) return false;
        address = V4(value << 8 | (uint)octet);
        return true;
    }

    private static int FormatV4(uint value, Span<byte> destination)
    {
        int at = 0;
        for (int shift = 24; shift >= 0; shift -= 8)
        {
            ((byte)(value >> shift)).TryFormat(destination[at..], out int written);
            at += written;
            if (shift > 0) destination[at++] = (byte)'.';
        }

        return at;
    }

    private int FormatV6(Span<byte> destination)
    {
        Span<ushort> groups = stackalloc ushort[8];
        for (int i = 0; i < 4; i++)
        {
            groups[i] = (ushort)(_high >> (48 - 16 * i));
            groups[i + 4] = (ushort)(_low >> (48 - 16 * i));
        }

        (int runStart, int runLength) = LongestZeroRun(groups);
        int at = 0;
        for (int i = 0; i < 8; i++)
        {
            if (i == runStart)
            {
                destination[at++] = (byte)':';
                destination[at++] = (byte)':';
                i += runLength - 1;
                continue;
            }

            if (i > 0 && i != runStart + runLength) destination[at++] = (byte)':';
            groups[i].TryFormat(destination[at..], out int written, "x");
            at += written;
        }

        return at;
    }

    /// <summary>RFC 5952 section 4.2: the first longest run of at least two zero groups is the one that "::" stands for.</summary>
    private static (int Start, int Length) LongestZeroRun(ReadOnlySpan<ushort> groups)
    {
        int bestStart = -1, bestLength = 1;
        for (int i = 0; i < groups.Length; i++)
        {
            int end = i;
            while (end < groups.Length && groups[end] == 0) end++;
            if (end - i > bestLength) (bestStart, bestLength) = (i, end - i);
            if (end > i) i = end;
        }

        return bestStart < 0 ? (-1, 0) : (bestStart, bestLength);
    }
}

using System.Buffers.Binary;
using Mainstay.Core.Net;

namespace Mainstay.Core.Proxy;

/// <summary>
/// Reads a PROXY header from a connection's first bytes. Given all bytes so far each time; says at once when they cannot become one.
/// </summary>
public static class ProxyHeaderReader
{
    /// <summary>Longest header that is read: addresses and some long TLVs. The format itself allows 64 KB, which nobody needs.</summary>
    public const int MaxLength = 4096;

    /// <summary>Section 2.2: the longest line of version 1, its end included.</summary>
    private const int MaxLine = 107;

    private const int FixedLength = 16;

    private static ReadOnlySpan<byte> Line => "PROXY "u8;

    internal static ReadOnlySpan<byte> Signature => "\r\n\r\n\0\r\nQUIT\n"u8;

    public static ProxyRead TryRead(ReadOnlySpan<byte> bytes, out ProxyHeader header, out ProxyReject reason)
    {
        header = default;
        reason = ProxyReject.None;
        if (bytes.IsEmpty) return ProxyRead.Incomplete;
        if (bytes[0] == Signature[0]) return Conclude(TryReadBinary(bytes, ref header, out reason), reason);
        return Conclude(TryReadLine(bytes, ref header, out reason), reason);
    }

    private static ProxyRead Conclude(bool isComplete, ProxyReject reason) =>
        reason != ProxyReject.None ? ProxyRead.Refused : isComplete ? ProxyRead.Complete : ProxyRead.Incomplete;

    private static bool StartsLike(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> start)
    {
        int common = Math.Min(bytes.Length, start.Length);
        return bytes[..common].SequenceEqual(start[..common]);
    }

    // Version 1, section 2.1: PROXY TCP4 192.0.2.1 198.51.100.1 40000 443\r\n

    private static bool TryReadLine(ReadOnlySpan<byte> bytes, ref ProxyHeader header, out ProxyReject reason)
    {
        reason = ProxyReject.None;
        if (!StartsLike(bytes, Line)) return Refuse(ProxyReject.NotAHeader, out reason);
        int end = bytes[..Math.Min(bytes.Length, MaxLine)].IndexOf((byte)'\n');
        if (end < 0) return bytes.Length >= MaxLine && Refuse(ProxyReject.LineTooLong, out reason);
        if (end < Line.Length || bytes[end - 1] != '\r') return Refuse(ProxyReject.InvalidLine, out reason);
        header.Length = end + 1;
        ReadOnlySpan<byte> line = bytes[Line.Length..(end - 1)];
        ReadOnlySpan<byte> family = Word(ref line);

        // What follows UNKNOWN has to be ignored.
        if (family.SequenceEqual("UNKNOWN"u8)) return true;
        bool isV6 = family.SequenceEqual("TCP6"u8);
        if (!isV6 && !family.SequenceEqual("TCP4"u8)) return Refuse(ProxyReject.InvalidFamily, out reason);
        if (!TryReadAddress(Word(ref line), isV6, out header.Source) || !TryReadAddress(Word(ref line), isV6, out header.Destination))
            return Refuse(ProxyReject.InvalidAddress, out reason);
        if (!TryReadPort(Word(ref line), out header.SourcePort) || !TryReadPort(line, out header.DestinationPort))
            return Refuse(ProxyReject.InvalidPort, out reason);
        header.HasAddresses = true;
        return true;
    }

    /// <summary>Up to the next space, which is dropped; words are separated by exactly one.</summary>
    private static ReadOnlySpan<byte> Word(ref ReadOnlySpan<byte> line)
    {
        int space = line.IndexOf((byte)' ');
        ReadOnlySpan<byte> word = space < 0 ? line : line[..space];
        line = space < 0 ? default : line[(space + 1)..];
        return word;
    }

    private static bool TryReadAddress(ReadOnlySpan<byte> word, bool isV6, out NetAddress address) =>
        NetAddress.TryParse(word, out address) && word.Contains((byte)':') == isV6;

    private static bool TryReadPort(ReadOnlySpan<byte> word, out int port)
    {
        port = 0;
        if (word.Length is 0 or > 5 || (word.Length > 1 && word[0] == '0')) return false;
        foreach (byte digit in word)
        {
            if (!char.IsAsciiDigit((char)digit)) return false;
            port = port * 10 + (digit - '0');
        }

        return port <= ushort.MaxValue;
    }

    // Version 2, section 2.2:
    //  0                                              12          13       14       16
    //  | signature                                    | ver | cmd | fam|pr | length | addresses | TLVs |

    private static bool TryReadBinary(ReadOnlySpan<byte> bytes, ref ProxyHeader header, out ProxyReject reason)
    {
        reason = ProxyReject.None;
        if (!StartsLike(bytes, Signature)) return Refuse(ProxyReject.NotAHeader, out reason);
        if (bytes.Length < 13) return false;
        if (bytes[12] >> 4 != 2) return Refuse(ProxyReject.InvalidVersion, out reason);
        int command = bytes[12] & 15;
        if (command > 1) return Refuse(ProxyReject.InvalidCommand, out reason);
        if (bytes.Length < FixedLength) return false;
        header.Length = FixedLength + BinaryPrimitives.ReadUInt16BigEndian(bytes[14..]);
        if (header.Length > MaxLength) return Refuse(ProxyReject.TooLong, out reason);
        int addresses = 0;
        if (command == 1 && !TryMeasure(bytes[13], out addresses, out reason)) return false;
        if (header.Length < FixedLength + addresses) return Refuse(ProxyReject.AddressesCutOff, out reason);
        if (bytes.Length < header.Length) return false;

        // LOCAL (the sender's own connection, such as a check) or an unspecified family: what follows has to be ignored.
        if (addresses == 0) return true;
        ReadAddresses(bytes[FixedLength..], bytes[13] >> 4, ref header);
        reason = ProxyTlvs.Read(bytes[..header.Length], FixedLength + addresses, ref header);
        return reason == ProxyReject.None;
    }

    /// <summary>Bytes that the addresses of a family take.</summary>
    private static bool TryMeasure(byte familyAndTransport, out int length, out ProxyReject reason)
    {
        const int stream = 1, datagram = 2;
        (int family, int transport) = (familyAndTransport >> 4, familyAndTransport & 15);
        reason = ProxyReject.None;
        length = family switch { 0 => 0, 1 => 12, 2 => 36, 3 => 216, _ => -1 };
        if (length < 0 || transport > datagram) return Refuse(ProxyReject.UnassignedFamily, out reason);

        // Either of both unspecified: there are no addresses to take over.
        if (family == 0 || transport == 0)
        {
            length = 0;
            return true;
        }

        return transport == stream || Refuse(ProxyReject.WrongTransport, out reason);
    }

    private static void ReadAddresses(ReadOnlySpan<byte> block, int family, ref ProxyHeader header)
    {
        int size = family switch { 1 => 4, 2 => 16, _ => 0 };
        header.IsUnix = family == 3;
        if (size == 0 || block.Length < 2 * size + 4) return;
        header.Source = NetAddress.FromBytes(block[..size]);
        header.Destination = NetAddress.FromBytes(block[size..(2 * size)]);
        header.SourcePort = BinaryPrimitives.ReadUInt16BigEndian(block[(2 * size)..]);
        header.DestinationPort = BinaryPrimitives.ReadUInt16BigEndian(block[(2 * size + 2)..]);
        header.HasAddresses = true;
    }

    private static bool Refuse(ProxyReject why, out ProxyReject reason)
    {
        reason = why;
        return false;
    }
}

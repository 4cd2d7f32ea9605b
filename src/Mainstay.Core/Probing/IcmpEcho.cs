using System.Buffers.Binary;

namespace Mainstay.Core.Probing;

/// <summary>
/// Echo request and reply of RFC 792 and RFC 4443 section 4:
/// <code>
///  0               1               2               3
/// | type          | code          | checksum                      |
/// | identifier                    | sequence number               |
/// | cookie (64 bits of ours)                                      |
/// </code>
/// A ping socket replaces identifier and checksum; the cookie is what ties a reply to its request in every case.
/// </summary>
public static class IcmpEcho
{
    public const int Length = 16;
    private const byte RequestV4 = 8, ReplyV4 = 0, RequestV6 = 128, ReplyV6 = 129;
    private const int ShortestIpHeader = 20;

    public static void WriteRequest(Span<byte> packet, bool isV6, ushort identifier, ushort sequence, ulong cookie)
    {
        packet = packet[..Length];
        packet[0] = isV6 ? RequestV6 : RequestV4;
        packet[1] = 0;
        BinaryPrimitives.WriteUInt16BigEndian(packet[2..], 0);
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], identifier);
        BinaryPrimitives.WriteUInt16BigEndian(packet[6..], sequence);
        BinaryPrimitives.WriteUInt64BigEndian(packet[8..], cookie);

        // ICMPv6 covers a pseudo header with the source address: the kernel fills that one in, for raw sockets too (RFC 3542 3.1).
        if (!isV6) BinaryPrimitives.WriteUInt16BigEndian(packet[2..], Checksum(packet));
    }

    /// <param name="packet">As received: with its IP header from a raw IPv4 socket, without from all others.</param>
    /// <param name="hasIpHeader">A raw IPv4 socket's packet.</param>
    public static bool TryReadReply(
        ReadOnlySpan<byte> packet, bool isV6, bool hasIpHeader, out ushort identifier, out ushort sequence, out ulong cookie)
    {
        identifier = sequence = 0;
        cookie = 0;
        if (hasIpHeader)
        {
            if (packet.Length < ShortestIpHeader || packet[0] >> 4 != 4) return false;
            int header = (packet[0] & 0xF) * 4;
            if (header < ShortestIpHeader || header > packet.Length) return false;
            packet = packet[header..];
        }

        if (packet.Length != Length || packet[0] != (isV6 ? ReplyV6 : ReplyV4) || packet[1] != 0) return false;
        if (!isV6 && Checksum(packet) != 0) return false;
        identifier = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        sequence = BinaryPrimitives.ReadUInt16BigEndian(packet[6..]);
        cookie = BinaryPrimitives.ReadUInt64BigEndian(packet[8..]);
        return true;
    }

    /// <summary>RFC 1071.</summary>
    private static ushort Checksum(ReadOnlySpan<byte> bytes)
    {
        uint sum = 0;
        for (int i = 0; i + 1 < bytes.Length; i += 2) sum += BinaryPrimitives.ReadUInt16BigEndian(bytes[i..]);
        sum = (sum & 0xFFFF) + (sum >> 16);
        sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)~sum;
    }
}

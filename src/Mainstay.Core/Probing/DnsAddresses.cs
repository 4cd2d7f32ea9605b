using System.Buffers.Binary;
using Mainstay.Core.Net;

namespace Mainstay.Core.Probing;

/// <summary>What a resolver's answer says about a name's addresses.</summary>
public enum DnsAnswer
{
    /// <summary>Not an answer to this question, or broken: wait for another.</summary>
    Ignored,

    /// <summary>The name is there, with or without addresses of the type that was asked for.</summary>
    Found,

    /// <summary>The name is not there (NXDOMAIN).</summary>
    NoSuchName,

    /// <summary>The server could not answer, or only in part (truncated): ask another, or another way.</summary>
    Failed,
}

/// <summary>Reads the addresses and their time to live out of a DNS answer (RFC 1035 section 4.1, RFC 3596).</summary>
public static class DnsAddresses
{
    private const int Truncated = 0x0200, Response = 0x8000, NameError = 3;

    /// <summary>
    /// Adds the addresses that answer <paramref name="query"/> (of type A or AAAA, as <see cref="DnsMessage.TryWriteQuery"/> wrote it).
    /// </summary>
    /// <param name="seconds">The least time to live of the addresses and of the aliases that led to them.</param>
    public static DnsAnswer Read(ReadOnlySpan<byte> message, ReadOnlySpan<byte> query, List<NetAddress> addresses, out uint seconds)
    {
        seconds = uint.MaxValue;
        DnsAnswer answer = Open(message, query, out int at, out DnsRecordType type, out int records);
        if (answer != DnsAnswer.Found) return answer;
        for (; records > 0; records--)
            if (!TryReadRecord(message, ref at, type, addresses, ref seconds)) return DnsAnswer.Failed;
        return DnsAnswer.Found;
    }

    /// <summary>Whether this answers the query; found: where its records begin, of which type they should be and how many there are.</summary>
    internal static DnsAnswer Open(ReadOnlySpan<byte> message, ReadOnlySpan<byte> query, out int at, out DnsRecordType type, out int records)
    {
        (at, type, records) = (0, default, 0);
        if (message.Length < query.Length || !message[..2].SequenceEqual(query[..2])) return DnsAnswer.Ignored;
        int flags = BinaryPrimitives.ReadUInt16BigEndian(message[2..]);
        if ((flags & Response) == 0 || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1) return DnsAnswer.Ignored;
        int ours = at = DnsMessage.HeaderLength;
        string? name = DnsMessage.ReadName(message, ref at);
        string? asked = DnsMessage.ReadName(query, ref ours);
        if (name is null || !name.Equals(asked, StringComparison.OrdinalIgnoreCase) || at + 4 > message.Length) return DnsAnswer.Ignored;
        if (!message.Slice(at, 4).SequenceEqual(query.Slice(ours, 4))) return DnsAnswer.Ignored;
        if ((flags & 0xF) == NameError) return DnsAnswer.NoSuchName;
        if ((flags & 0xF) != 0 || (flags & Truncated) != 0) return DnsAnswer.Failed;

        type = (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(query[ours..]);
        records = BinaryPrimitives.ReadUInt16BigEndian(message[6..]);
        at += 4;
        return DnsAnswer.Found;
    }

    /// <summary>The answer did not fit into a datagram: ask over TCP (RFC 7766).</summary>
    public static bool IsTruncated(ReadOnlySpan<byte> message) =>
        message.Length > DnsMessage.HeaderLength && (BinaryPrimitives.ReadUInt16BigEndian(message[2..]) & Truncated) != 0;

    private static bool TryReadRecord(ReadOnlySpan<byte> message, ref int at, DnsRecordType type, List<NetAddress> addresses, ref uint seconds)
    {
        if (DnsMessage.ReadName(message, ref at) is null || at + 10 > message.Length) return false;
        var recordType = (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        uint timeToLive = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]);
        int length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
        at += 10 + length;
        if (at > message.Length) return false;
        if (recordType != type && recordType != DnsRecordType.CNAME) return true;

        // RFC 2181 section 8: a time to live with its highest bit set counts as zero.
        seconds = Math.Min(seconds, timeToLive > int.MaxValue ? 0 : timeToLive);
        if (recordType == DnsRecordType.CNAME) return true;
        if (length != (type == DnsRecordType.A ? 4 : 16)) return false;
        addresses.Add(NetAddress.FromBytes(message.Slice(at - length, length)));
        return true;
    }
}

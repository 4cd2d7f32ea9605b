using System.Buffers.Binary;

namespace Mainstay.Core.Probing;

/// <summary>One SRV record (RFC 2782).</summary>
/// <param name="Priority">The lowest are used first.</param>
/// <param name="Weight">Share among those of the same priority.</param>
/// <param name="Target">The host; "." says that the service is decidedly not there.</param>
public readonly record struct ServiceRecord(int Priority, int Weight, int Port, string Target);

/// <summary>Reads the services and their time to live out of a DNS answer.</summary>
public static class DnsServices
{
    /// <summary>Adds the records that answer <paramref name="query"/> (of type SRV).</summary>
    /// <param name="seconds">The least time to live of the records and of the aliases that led to them.</param>
    public static DnsAnswer Read(ReadOnlySpan<byte> message, ReadOnlySpan<byte> query, List<ServiceRecord> services, out uint seconds)
    {
        seconds = uint.MaxValue;
        DnsAnswer answer = DnsAddresses.Open(message, query, out int at, out _, out int records);
        if (answer != DnsAnswer.Found) return answer;
        for (; records > 0; records--)
            if (!TryReadRecord(message, ref at, services, ref seconds)) return DnsAnswer.Failed;
        return DnsAnswer.Found;
    }

    private static bool TryReadRecord(ReadOnlySpan<byte> message, ref int at, List<ServiceRecord> services, ref uint seconds)
    {
        const int fixedPart = 6;
        if (DnsMessage.ReadName(message, ref at) is null || at + 10 > message.Length) return false;
        var type = (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        uint timeToLive = BinaryPrimitives.ReadUInt32BigEndian(message[(at + 4)..]);
        int length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
        int content = at + 10;
        at = content + length;
        if (at > message.Length) return false;
        if (type is not (DnsRecordType.SRV or DnsRecordType.CNAME)) return true;
        seconds = Math.Min(seconds, timeToLive > int.MaxValue ? 0 : timeToLive);
        if (type == DnsRecordType.CNAME) return true;
        if (length <= fixedPart) return false;
        int name = content + fixedPart;
        if (DnsMessage.ReadName(message[..at], ref name) is not { } target || name != at) return false;
        services.Add(new ServiceRecord(
            BinaryPrimitives.ReadUInt16BigEndian(message[content..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[(content + 2)..]),
            BinaryPrimitives.ReadUInt16BigEndian(message[(content + 4)..]),
            target));
        return true;
    }
}

using System.Buffers.Binary;
using System.Text;

namespace Mainstay.Core.Probing;

/// <summary>Record types that a check can ask for, by their numbers (RFC 1035 section 3.2.2, RFC 3596, RFC 2782).</summary>
public enum DnsRecordType : ushort
{
    A = 1,
    NS = 2,
    CNAME = 5,
    SOA = 6,
    PTR = 12,
    MX = 15,
    TXT = 16,
    AAAA = 28,
    SRV = 33,
}

/// <summary>The parts of DNS (RFC 1035 section 4) that asking one question needs.</summary>
public static class DnsMessage
{
    public const int HeaderLength = 12;
    public const ushort ClassInternet = 1;

    /// <summary>Longest name on the wire, its final zero included.</summary>
    private const int MaxNameLength = 255;

    private const int MaxLabel = 63;

    /// <summary>A question with recursion desired; false when the name cannot be one.</summary>
    public static bool TryWriteQuery(string name, DnsRecordType type, out byte[] query)
    {
        query = [];
        Span<byte> buffer = stackalloc byte[HeaderLength + MaxNameLength + 4];
        buffer.Clear();
        BinaryPrimitives.WriteUInt16BigEndian(buffer[2..], 0x0100); // RD
        BinaryPrimitives.WriteUInt16BigEndian(buffer[4..], 1);
        int at = HeaderLength;
        foreach (string label in name.TrimEnd('.').Split('.'))
        {
            if (label.Length == 0 && name is "." or "") break;
            int length = Encoding.UTF8.GetByteCount(label);
            if (length is 0 or > MaxLabel || at + length + 2 > HeaderLength + MaxNameLength) return false;
            buffer[at++] = (byte)length;
            at += Encoding.UTF8.GetBytes(label, buffer[at..]);
        }

        at++;
        BinaryPrimitives.WriteUInt16BigEndian(buffer[at..], (ushort)type);
        BinaryPrimitives.WriteUInt16BigEndian(buffer[(at + 2)..], ClassInternet);
        query = buffer[..(at + 4)].ToArray();
        return true;
    }

    public static void SetId(Span<byte> query, ushort id) => BinaryPrimitives.WriteUInt16BigEndian(query, id);

    /// <summary>
    /// Reads a name at <paramref name="at"/> and moves behind it. A compression pointer has to point before the name's own start and before
    /// every pointer followed so far, so that no loop is possible (RFC 1035 section 4.1.4). Null on broken bytes.
    /// </summary>
    public static string? ReadName(ReadOnlySpan<byte> message, ref int at)
    {
        var name = new StringBuilder();
        int cursor = at, lowest = at, total = 0;
        bool hasJumped = false;
        while (true)
        {
            if (cursor >= message.Length) return null;
            byte length = message[cursor++];
            if (length == 0) break;
            if ((length & 0xC0) == 0xC0)
            {
                if (cursor >= message.Length) return null;
                int target = (length & 0x3F) << 8 | message[cursor++];
                if (!hasJumped) at = cursor;
                hasJumped = true;
                if (target >= lowest || target < HeaderLength) return null;
                cursor = lowest = target;
                continue;
            }

            total += length + 1;
            if (length > MaxLabel || total >= MaxNameLength || cursor + length > message.Length) return null;
            if (name.Length > 0) name.Append('.');
            AppendLabel(name, message.Slice(cursor, length));
            cursor += length;
        }

        if (!hasJumped) at = cursor;
        return name.Length == 0 ? "." : name.ToString();
    }

    /// <summary>RFC 1035 section 5.1: dots and backslashes in a label are escaped, what is not printable is written \DDD.</summary>
    private static void AppendLabel(StringBuilder name, ReadOnlySpan<byte> label)
    {
        foreach (byte b in label)
        {
            if (b is (byte)'.' or (byte)'\\') name.Append('\\').Append((char)b);
            else if (b is > 0x20 and < 0x7F) name.Append((char)b);
            else name.Append('\\').Append(b.ToString("000", System.Globalization.CultureInfo.InvariantCulture));
        }
    }
}

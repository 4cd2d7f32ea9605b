using System.Buffers.Binary;
using System.Text;
using Mainstay.Core.Health;
using Mainstay.Core.Net;

namespace Mainstay.Core.Probing;

/// <summary>Ask one DNS question over UDP; any answer without an error code will do, or one has to be among the records.</summary>
public sealed class DnsConversation : Conversation
{
    private const int Truncated = 0x0200, Response = 0x8000;
    private static readonly string[] ResponseCodes = ["NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"];

    private readonly byte[] _query;
    private readonly DnsRecordType _type;
    private readonly string _name;
    private readonly string? _answer;
    private ulong _random;
    private ushort _id;

    /// <param name="answer">Text of a record that has to be there, as <c>dig +short</c> writes it; null = none.</param>
    /// <param name="seed">Of the query ids.</param>
    /// <exception cref="ArgumentException">Name or type cannot be asked for; the configuration refuses such.</exception>
    public DnsConversation(string name, string type, string? answer, ulong seed)
    {
        if (!Enum.TryParse(type, ignoreCase: true, out _type) || !Enum.IsDefined(_type))
            throw new ArgumentException($"DNS record type '{type}' is not one of {string.Join(", ", Enum.GetNames<DnsRecordType>())}");
        if (!DnsMessage.TryWriteQuery(name, _type, out _query)) throw new ArgumentException($"'{name}' is not a DNS name");
        _name = name.TrimEnd('.');
        _answer = answer?.TrimEnd('.');
        _random = seed;
    }

    public override ReadOnlyMemory<byte> Request => _query;

    protected override string Awaited => $"the answer to {_name} {_type}";

    public override void Begin()
    {
        _random = _random * 6364136223846793005 + 1442695040888963407; // Knuth's MMIX generator; its high bits are used
        _id = (ushort)(_random >> 48);
        DnsMessage.SetId(_query, _id);
    }

    public override CheckOutcome? OnSent() => null;

    public override CheckOutcome? OnBytes(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < DnsMessage.HeaderLength) return null;

        // Not for this question: an older check's answer, or somebody guessing. The right one may still come.
        int flags = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
        if (BinaryPrimitives.ReadUInt16BigEndian(bytes) != _id || (flags & Response) == 0) return null;
        int code = flags & 0xF;
        if (code != 0) return Unexpected($"{_name} {_type}: {(code < ResponseCodes.Length ? ResponseCodes[code] : $"response code {code}")}");
        int at = DnsMessage.HeaderLength;
        if (BinaryPrimitives.ReadUInt16BigEndian(bytes[4..]) != 1 || !IsOurQuestion(bytes, ref at))
            return Malformed("the answer repeats another question");
        return ReadAnswers(bytes, at, BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]), (flags & Truncated) != 0);
    }

    private bool IsOurQuestion(ReadOnlySpan<byte> message, ref int at)
    {
        string? name = DnsMessage.ReadName(message, ref at);
        if (name is null || at + 4 > message.Length || !IsSame(name, _name.Length == 0 ? "." : _name)) return false;
        bool isSame = BinaryPrimitives.ReadUInt16BigEndian(message[at..]) == (ushort)_type;
        at += 4;
        return isSame;
    }

    private CheckOutcome ReadAnswers(ReadOnlySpan<byte> message, int at, int count, bool isTruncated)
    {
        string? seen = null;
        int found = 0;
        for (int i = 0; i < count; i++)
        {
            if (!TryReadRecord(message, ref at, out DnsRecordType type, out int start, out int length))
            {
                if (isTruncated) break;
                return Malformed($"record {i + 1} of {count} in the answer is broken");
            }

            if (type != _type) continue;
            string? text = RecordText(message, start, length);
            if (text is null) return Malformed($"record {i + 1} of {count} is not a valid {_type} record");
            found++;
            seen ??= text;
            if (_answer is null || IsSame(text, _answer)) return Passed($"{_type} {Shortened(text)}");
        }

        if (isTruncated) return Unexpected("the answer is truncated and what came does not hold what is expected");
        if (_answer is null) return Passed($"no error, no {_type} record");
        return Unexpected(found == 0
            ? $"no {_type} record; expected {Shortened(_answer)}"
            : $"{_type} {Shortened(seen ?? "")}{(found > 1 ? $" and {found - 1} more" : "")}; expected {Shortened(_answer)}");
    }

    private static bool TryReadRecord(ReadOnlySpan<byte> message, ref int at, out DnsRecordType type, out int start, out int length)
    {
        (type, start, length) = (default, 0, 0);
        if (DnsMessage.ReadName(message, ref at) is null || at + 10 > message.Length) return false;
        type = (DnsRecordType)BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
        length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
        start = at + 10;
        at = start + length;
        return at <= message.Length;
    }

    /// <summary>As <c>dig +short</c> writes it, names without their final dot; null on broken bytes.</summary>
    private string? RecordText(ReadOnlySpan<byte> message, int start, int length)
    {
        ReadOnlySpan<byte> content = message.Slice(start, length);
        return _type switch
        {
            DnsRecordType.A => length == 4 ? NetAddress.FromBytes(content).ToString() : null,
            DnsRecordType.AAAA => length == 16 ? NetAddress.FromBytes(content).ToString() : null,
            DnsRecordType.TXT => ReadStrings(content),
            DnsRecordType.MX => ReadNumbersAndName(message, start, length, 1),
            DnsRecordType.SRV => ReadNumbersAndName(message, start, length, 3),
            DnsRecordType.SOA => ReadAuthority(message, start, length),
            _ => ReadNumbersAndName(message, start, length, 0),
        };
    }

    /// <summary>MX, SRV, CNAME, NS, PTR: some 16-bit numbers, then one name that fills the record.</summary>
    private static string? ReadNumbersAndName(ReadOnlySpan<byte> message, int start, int length, int numbers)
    {
        if (length < 2 * numbers + 1) return null;
        var text = new StringBuilder();
        for (int i = 0; i < numbers; i++) text.Append(BinaryPrimitives.ReadUInt16BigEndian(message[(start + 2 * i)..])).Append(' ');
        int at = start + 2 * numbers;
        string? name = DnsMessage.ReadName(message, ref at);
        return name is null || at != start + length ? null : text.Append(name).ToString();
    }

    /// <summary>RFC 1035 section 3.3.13: two names, then serial, refresh, retry, expire, minimum.</summary>
    private static string? ReadAuthority(ReadOnlySpan<byte> message, int start, int length)
    {
        int at = start;
        string? server = DnsMessage.ReadName(message, ref at);
        if (server is null) return null;
        string? mailbox = DnsMessage.ReadName(message, ref at);
        if (mailbox is null || at + 20 != start + length) return null;
        var text = new StringBuilder().Append(server).Append(' ').Append(mailbox);
        for (; at < start + length; at += 4) text.Append(' ').Append(BinaryPrimitives.ReadUInt32BigEndian(message[at..]));
        return text.ToString();
    }

    private static string? ReadStrings(ReadOnlySpan<byte> content)
    {
        var text = new StringBuilder();
        while (!content.IsEmpty)
        {
            int length = content[0];
            if (length + 1 > content.Length) return null;
            text.Append(Encoding.Latin1.GetString(content.Slice(1, length)));
            content = content[(length + 1)..];
        }

        return text.ToString();
    }

    private static bool IsSame(string left, string right) => left.Equals(right, StringComparison.OrdinalIgnoreCase);

    private static string Shortened(string text) => WireText.Quote(Encoding.Latin1.GetBytes(text));
}

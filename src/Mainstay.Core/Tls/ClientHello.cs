using System.Buffers;
using System.Buffers.Binary;

namespace Mainstay.Core.Tls;

public enum ClientHelloResult : byte
{
    /// <summary>The message is whole and sound.</summary>
    Found,

    /// <summary>What is here can become one.</summary>
    NeedMore,

    /// <summary>The first bytes are no TLS handshake.</summary>
    NotTls,

    /// <summary>TLS, but not a ClientHello as RFC 8446 and RFC 6066 write it.</summary>
    Malformed,

    /// <summary>Longer than <see cref="ClientHello.MaxLength"/>.</summary>
    TooLong,
}

/// <summary>
/// The first message of a TLS client, read without decrypting anything: which name it asks for and which protocols it speaks. For
/// choosing a server or a certificate before a handshake. Spans are of the caller's buffers.
/// <code>
///  22 | 3 | n | length:2 | 1 | length:3 | version:2 | random:32 | session id<..32> | ciphers<2..> | compression<1..> | extensions
///  `------ record ------'`- handshake -'
/// </code>
/// RFC 8446 sections 4.1.2, 4.2 and 5.1; the message may be spread over several records.
/// </summary>
public readonly ref struct ClientHello
{
    /// <summary>Of the handshake message. Today's clients send 200 to 2,000 bytes, with post-quantum keys and padding.</summary>
    public const int MaxLength = 16 * 1024;

    /// <summary>Records that begin behind so many bytes of the stream are not looked at: a message in records of a few bytes.</summary>
    public const int MaxStreamLength = 64 * 1024;

    private const int RecordHeader = 5, HandshakeHeader = 4;

    private static readonly SearchValues<byte> s_nameBytes =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._"u8);

    private readonly ReadOnlySpan<byte> _protocols;

    private ClientHello(ReadOnlySpan<byte> serverName, ReadOnlySpan<byte> protocols)
    {
        ServerName = serverName;
        _protocols = protocols;
    }

    /// <summary>As sent, 1 to 255 bytes of letters, digits, '-', '.' and '_'; empty when the client names none (RFC 6066 section 3).</summary>
    public ReadOnlySpan<byte> ServerName { get; }

    /// <summary>The client says which protocols it speaks (ALPN).</summary>
    public bool HasProtocols => !_protocols.IsEmpty;

    /// <summary>Whether ALPN offers this protocol: "h2", "http/1.1" (RFC 7301 section 3.1).</summary>
    public bool Offers(ReadOnlySpan<byte> protocol)
    {
        for (ReadOnlySpan<byte> rest = _protocols; !rest.IsEmpty; rest = rest[(1 + rest[0])..])
            if (rest.Slice(1, rest[0]).SequenceEqual(protocol)) return true;
        return false;
    }

    /// <summary>
    /// Looks at what a client has sent so far, from its first byte. The result depends on the bytes only: an answer other than
    /// <see cref="ClientHelloResult.NeedMore"/> does not change when more come.
    /// </summary>
    /// <param name="scratch">Where a message that is spread over records is put together: <see cref="MaxLength"/> bytes and its header's 4.</param>
    public static ClientHelloResult Read(ReadOnlySpan<byte> stream, Span<byte> scratch, out ClientHello hello)
    {
        hello = default;
        if (stream.IsEmpty) return ClientHelloResult.NeedMore;
        int gathered = 0, whole = -1;
        for (ReadOnlySpan<byte> rest = stream; ; rest = rest[RecordLength(rest)..])
        {
            ClientHelloResult record = CheckRecord(rest, isFirst: gathered == 0);
            if (record != ClientHelloResult.Found) return record;
            ReadOnlySpan<byte> fragment = Fragment(rest);
            if (gathered == 0 && whole < 0 && TryTakeWhole(fragment, out ReadOnlySpan<byte> message, out ClientHelloResult early))
                return early == ClientHelloResult.Found ? ReadMessage(message, out hello) : early;

            int room = Math.Min(fragment.Length, scratch.Length - gathered);
            fragment[..room].CopyTo(scratch[gathered..]);
            gathered += room;
            ClientHelloResult header = ReadHandshakeHeader(scratch[..gathered], out whole);
            if (header is not (ClientHelloResult.Found or ClientHelloResult.NeedMore)) return header;
            if (header == ClientHelloResult.Found && gathered >= HandshakeHeader + whole)
                return ReadMessage(scratch.Slice(HandshakeHeader, whole), out hello);
            if (room < fragment.Length || stream.Length - rest.Length >= MaxStreamLength) return ClientHelloResult.TooLong;
            if (rest.Length <= RecordLength(rest)) return ClientHelloResult.NeedMore;
        }
    }

    /// <summary>The usual case, without a copy: one record holds the whole message.</summary>
    private static bool TryTakeWhole(ReadOnlySpan<byte> fragment, out ReadOnlySpan<byte> message, out ClientHelloResult result)
    {
        message = default;
        result = ReadHandshakeHeader(fragment, out int length);
        if (result == ClientHelloResult.NeedMore) return false;
        if (result != ClientHelloResult.Found) return true;
        if (fragment.Length < HandshakeHeader + length) return false;
        message = fragment.Slice(HandshakeHeader, length);
        return true;
    }

    private static int RecordLength(ReadOnlySpan<byte> stream) => RecordHeader + BinaryPrimitives.ReadUInt16BigEndian(stream[3..]);

    /// <summary>The record's content, as far as it is here.</summary>
    private static ReadOnlySpan<byte> Fragment(ReadOnlySpan<byte> stream) =>
        stream[RecordHeader..Math.Min(stream.Length, RecordLength(stream))];

    /// <summary>RFC 8446 section 5.1: a handshake record, not empty, of at most 2^14 bytes. Every byte is judged as soon as it is here.</summary>
    private static ClientHelloResult CheckRecord(ReadOnlySpan<byte> stream, bool isFirst)
    {
        const int LargestRecord = 1 << 14;
        ClientHelloResult wrong = isFirst ? ClientHelloResult.NotTls : ClientHelloResult.Malformed;
        if (stream.Length > 0 && stream[0] != 22) return wrong;
        if (stream.Length > 1 && stream[1] != 3) return wrong;
        if (stream.Length > 2 && stream[2] > 4) return wrong;
        if (stream.Length < RecordHeader) return ClientHelloResult.NeedMore;
        return BinaryPrimitives.ReadUInt16BigEndian(stream[3..]) is 0 or > LargestRecord ? ClientHelloResult.Malformed : ClientHelloResult.Found;
    }

    private static ClientHelloResult ReadHandshakeHeader(ReadOnlySpan<byte> bytes, out int length)
    {
        length = -1;
        if (bytes.Length > 0 && bytes[0] != 1) return ClientHelloResult.Malformed;
        if (bytes.Length < HandshakeHeader) return ClientHelloResult.NeedMore;
        length = (bytes[1] << 16) | (bytes[2] << 8) | bytes[3];
        return length > MaxLength ? ClientHelloResult.TooLong : ClientHelloResult.Found;
    }

    private static ClientHelloResult ReadMessage(ReadOnlySpan<byte> message, out ClientHello hello)
    {
        const int VersionAndRandom = 2 + 32, LongestSessionId = 32;
        hello = default;
        var reader = new VectorReader(message);
        bool sound = reader.TryTake(VersionAndRandom, out ReadOnlySpan<byte> fixedPart) && fixedPart[0] == 3
            && reader.TryVector8(out ReadOnlySpan<byte> session) && session.Length <= LongestSessionId
            && reader.TryVector16(out ReadOnlySpan<byte> ciphers) && ciphers.Length >= 2 && ciphers.Length % 2 == 0
            && reader.TryVector8(out ReadOnlySpan<byte> compression) && compression.Length >= 1;
        if (!sound) return ClientHelloResult.Malformed;

        // TLS 1.2 allows to leave the extensions out, RFC 5246 section 7.4.1.2.
        if (reader.IsEnd) return ClientHelloResult.Found;
        if (!reader.TryVector16(out ReadOnlySpan<byte> extensions) || !reader.IsEnd) return ClientHelloResult.Malformed;
        return TryReadExtensions(extensions, out hello) ? ClientHelloResult.Found : ClientHelloResult.Malformed;
    }

    private static bool TryReadExtensions(ReadOnlySpan<byte> extensions, out ClientHello hello)
    {
        const int ServerNameExtension = 0, ProtocolsExtension = 16;
        hello = default;
        ReadOnlySpan<byte> name = default, protocols = default;
        bool hasName = false, hasProtocols = false;
        for (var reader = new VectorReader(extensions); !reader.IsEnd;)
        {
            if (!reader.TryUInt16(out int type) || !reader.TryVector16(out ReadOnlySpan<byte> content)) return false;

            // RFC 8446 section 4.2: not more than one extension of a type.
            if ((type == ServerNameExtension && hasName) || (type == ProtocolsExtension && hasProtocols)) return false;
            if (type == ServerNameExtension) hasName = true;
            if (type == ProtocolsExtension) hasProtocols = true;
            if (type == ServerNameExtension && !TryReadServerName(content, out name)) return false;
            if (type == ProtocolsExtension && !TryReadProtocols(content, out protocols)) return false;
        }

        hello = new ClientHello(name, protocols);
        return true;
    }

    /// <summary>RFC 6066 section 3: a list of which only host_name (0) was ever defined, once.</summary>
    private static bool TryReadServerName(ReadOnlySpan<byte> content, out ReadOnlySpan<byte> name)
    {
        const int HostName = 0, LongestName = 255;
        name = default;
        var outer = new VectorReader(content);
        if (!outer.TryVector16(out ReadOnlySpan<byte> list) || !outer.IsEnd || list.IsEmpty) return false;
        for (var reader = new VectorReader(list); !reader.IsEnd;)
        {
            if (!reader.TryTake(1, out ReadOnlySpan<byte> type) || !reader.TryVector16(out ReadOnlySpan<byte> entry)) return false;
            if (type[0] != HostName) continue;
            if (!name.IsEmpty || entry.Length is 0 or > LongestName || entry.ContainsAnyExcept(s_nameBytes)) return false;
            name = entry;
        }

        return true;
    }

    private static bool TryReadProtocols(ReadOnlySpan<byte> content, out ReadOnlySpan<byte> protocols)
    {
        var outer = new VectorReader(content);
        if (!outer.TryVector16(out protocols) || !outer.IsEnd || protocols.IsEmpty) return false;
        for (var reader = new VectorReader(protocols); !reader.IsEnd;)
            if (!reader.TryVector8(out ReadOnlySpan<byte> protocol) || protocol.IsEmpty) return false;
        return true;
    }

    /// <summary>RFC 8446 section 3.4: vectors with their length in front.</summary>
    private ref struct VectorReader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public readonly bool IsEnd => _rest.IsEmpty;

        public bool TryTake(int length, out ReadOnlySpan<byte> bytes)
        {
            bytes = default;
            if (_rest.Length < length) return false;
            bytes = _rest[..length];
            _rest = _rest[length..];
            return true;
        }

        public bool TryUInt16(out int value)
        {
            bool taken = TryTake(2, out ReadOnlySpan<byte> bytes);
            value = taken ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : 0;
            return taken;
        }

        public bool TryVector8(out ReadOnlySpan<byte> vector)
        {
            vector = default;
            return TryTake(1, out ReadOnlySpan<byte> length) && TryTake(length[0], out vector);
        }

        public bool TryVector16(out ReadOnlySpan<byte> vector)
        {
            vector = default;
            return TryUInt16(out int length) && TryTake(length, out vector);
        }
    }
}

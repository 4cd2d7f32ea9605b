using System.Text;
using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>What of an HTTP/1.1 head is encoded besides its fields.</summary>
internal enum HeadForm : byte
{
    Request,

    /// <summary>A request whose upgrade to WebSocket becomes an extended CONNECT.</summary>
    WebSocketRequest,
    Response,

    /// <summary>The 101 of a WebSocket becomes 200.</summary>
    WebSocketResponse,
    Trailer,
}

/// <summary>
/// Makes a field block of an HTTP/1.1 head, as the head writers or the proxy's own responses have made it: nobody in front of this
/// has to know what the other side speaks. Left out are the fields of the connection, those that its Connection field nominates,
/// chunked framing and Host, which becomes :authority; names become lower case. One for each shard.
/// </summary>
internal sealed class HeadEncoder
{
    /// <summary>More than heads usually have; the largest that can be configured is tried after it.</summary>
    private const int UsualFields = 256, MostFields = 10_100;

    /// <summary>Bytes that pseudo-fields take besides what stands in the first line and in Host.</summary>
    private const int PseudoRoom = 128;

    private readonly FieldTable _fields = new();
    private byte[] _names = new byte[256];
    private byte[] _trailer = new byte[1024];
    private ByteRange _method, _target;

    /// <summary>Of a request: none when there is no Host.</summary>
    private ByteRange _authority;

    /// <summary>Of a response.</summary>
    public int Status { get; private set; }

    public RequestMethod Method { get; private set; }

    /// <summary>Sec-WebSocket-Key of a request.</summary>
    public ByteRange WebSocketKey { get; private set; }

    /// <summary>The request asks for an upgrade to WebSocket.</summary>
    public bool IsWebSocket { get; private set; }

    /// <summary>Reads a whole head, up to its empty line; false when it is not one that a head writer makes.</summary>
    public bool TryReadRequest(ReadOnlySpan<byte> head)
    {
        if (!TryIndex(head)) return false;
        ReadOnlySpan<byte> line = head[.._fields.FirstLineEnd];
        int first = line.IndexOf((byte)' '), last = line.LastIndexOf((byte)' ');
        if (first <= 0 || last <= first + 1) return false;
        _method = new ByteRange(0, first);
        _target = ByteRange.Between(first + 1, last);
        Method = RequestMethods.Parse(_method.Of(head));
        ReadOnlySpan<byte> target = _target.Of(head);
        if (target[0] != '/' && !target.SequenceEqual("*"u8)) return false;
        _authority = WebSocketKey = default;
        bool upgrades = false;
        foreach (ref readonly HeaderField field in _fields.Fields)
        {
            if (field.Name == FieldName.Host) _authority = field.ValueRange;
            else if (field.Name == FieldName.Upgrade) upgrades = Ascii.EqualsIgnoreCase(field.ValueRange.Of(head), "websocket"u8);
            else if (IsWebSocketKey(field, head)) WebSocketKey = field.ValueRange;
        }

        IsWebSocket = upgrades && _fields.UpgradeNominated && Method == RequestMethod.Get;
        return true;
    }

    public bool TryReadResponse(ReadOnlySpan<byte> head)
    {
        if (!TryIndex(head)) return false;
        ReadOnlySpan<byte> line = head[.._fields.FirstLineEnd];
        if (line.Length < 12 || line[9..12].ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        Status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
        return true;
    }

    /// <summary>Reads the lines of a trailer, without the empty one behind them.</summary>
    /// <param name="section">What <see cref="Write"/> takes for the head.</param>
    public bool TryReadTrailer(ReadOnlySpan<byte> lines, out ReadOnlySpan<byte> section)
    {
        // A first line and an empty one make a head of it.
        ReadOnlySpan<byte> first = "trailer\r\n"u8, last = "\r\n"u8;
        int length = first.Length + lines.Length + last.Length;
        if (_trailer.Length < length) _trailer = new byte[length];
        first.CopyTo(_trailer);
        lines.CopyTo(_trailer.AsSpan(first.Length));
        last.CopyTo(_trailer.AsSpan(first.Length + lines.Length));
        section = _trailer.AsSpan(0, length);
        return TryIndex(section);
    }

    /// <summary>Bytes that <see cref="Write"/> may need for the head that was read last.</summary>
    public int MaxBlockLength(int headLength) =>
        headLength + _fields.Count * HpackEncoder.MaxLength(0, 0) + PseudoRoom + HpackEncoder.MaxBlockStart;

    /// <summary>Encodes the head that was read last. Returns the bytes written.</summary>
    /// <param name="tls">For :scheme: what the request came by, as far as its origin knows.</param>
    public int Write(Span<byte> destination, HpackEncoder encoder, ReadOnlySpan<byte> head, HeadForm form, bool tls)
    {
        int at = encoder.BeginBlock(destination);
        if (form is HeadForm.Request or HeadForm.WebSocketRequest) at += WriteTarget(destination[at..], encoder, head, form, tls);
        else if (form is HeadForm.Response) at += encoder.Write(destination[at..], ":status"u8, head[9..12]);
        else if (form is HeadForm.WebSocketResponse) at += encoder.Write(destination[at..], ":status"u8, "200"u8);
        foreach (ref readonly HeaderField field in _fields.Fields)
        {
            if (IsDropped(field, head, form)) continue;
            ReadOnlySpan<byte> name = Lower(field.NameRange.Of(head));
            bool neverIndexed = field.ValueStart - field.Start - field.NameLength > 2;
            at += encoder.Write(destination[at..], name, field.ValueRange.Of(head), neverIndexed);
        }

        return at;
    }

    private int WriteTarget(Span<byte> destination, HpackEncoder encoder, ReadOnlySpan<byte> head, HeadForm form, bool tls)
    {
        bool webSocket = form == HeadForm.WebSocketRequest;
        int at = encoder.Write(destination, ":method"u8, webSocket ? "CONNECT"u8 : _method.Of(head));
        if (webSocket) at += encoder.Write(destination[at..], ":protocol"u8, "websocket"u8);
        at += encoder.Write(destination[at..], ":scheme"u8, tls ? "https"u8 : "http"u8);
        if (!_authority.IsEmpty) at += encoder.Write(destination[at..], ":authority"u8, _authority.Of(head));
        at += encoder.Write(destination[at..], ":path"u8, _target.Of(head));

        // The only TE that HTTP/2 knows (RFC 9113 section 8.2.2); gRPC servers insist on it.
        if (AcceptsTrailers(head)) at += encoder.Write(destination[at..], "te"u8, "trailers"u8);
        return at;
    }

    private bool AcceptsTrailers(ReadOnlySpan<byte> head)
    {
        foreach (ref readonly HeaderField field in _fields.Fields)
        {
            if (field.Name != FieldName.Te) continue;
            ReadOnlySpan<byte> list = field.ValueRange.Of(head);
            while (HttpBytes.TryNextMember(ref list, out ReadOnlySpan<byte> member))
                if (Ascii.EqualsIgnoreCase(member, "trailers"u8)) return true;
        }

        return false;
    }

    /// <summary>RFC 9113 sections 8.2.2 and 8.3.1, RFC 8441 section 5.</summary>
    private static bool IsDropped(in HeaderField field, ReadOnlySpan<byte> head, HeadForm form)
    {
        if (field.IsHopByHop) return true;
        return field.Name switch
        {
            FieldName.TransferEncoding => true,
            FieldName.Host => form is HeadForm.Request or HeadForm.WebSocketRequest,
            FieldName.Other => form switch
            {
                HeadForm.WebSocketRequest => IsWebSocketKey(field, head),
                HeadForm.WebSocketResponse => Ascii.EqualsIgnoreCase(field.NameRange.Of(head), "sec-websocket-accept"u8),
                _ => false,
            },
            _ => false,
        };
    }

    private static bool IsWebSocketKey(in HeaderField field, ReadOnlySpan<byte> head) =>
        field.Name == FieldName.Other && Ascii.EqualsIgnoreCase(field.NameRange.Of(head), "sec-websocket-key"u8);

    private bool TryIndex(ReadOnlySpan<byte> head)
    {
        bool indexed = _fields.TryIndexLines(head, 0, UsualFields, out RejectReason reason);
        if (reason == RejectReason.TooManyFields) indexed = _fields.TryIndexLines(head, 0, MostFields, out _);
        return indexed && _fields.TryParseFields(head, out _) && _fields.TryReadConnection(head, out _);
    }

    private ReadOnlySpan<byte> Lower(ReadOnlySpan<byte> name)
    {
        if (name.Length > _names.Length) _names = new byte[name.Length];
        Ascii.ToLower(name, _names, out int length);
        return _names.AsSpan(0, length);
    }
}

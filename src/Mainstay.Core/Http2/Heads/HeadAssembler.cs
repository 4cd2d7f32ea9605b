using System.Buffers.Text;
using System.Text;
using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>
/// Makes an HTTP/1.1 head of a field block: the form in which routes, rules and logs know messages, so that they need not know of
/// HTTP/2. Fields are decoded to the place where they stay; those of the compression tables are copied once. One for each shard;
/// what it made is valid until the next block.
/// </summary>
/// <remarks>
/// <para>A request becomes <c>METHOD path HTTP/1.1</c>, <c>host</c> (from :authority), its fields in their order, <c>cookie</c> (crumbs
/// joined, RFC 9113 section 8.2.3), <c>te</c> with its Connection; without content-length and without END_STREAM also
/// <c>transfer-encoding: chunked</c>, since the length shows at the end only. :scheme is checked and dropped: the listener knows
/// whether there was TLS. A response becomes <c>HTTP/1.1 200 OK</c> and its fields likewise.</para>
/// <para>Nothing of this can be turned into another message: names are lower-case tokens, values hold no control, fields of the
/// connection, chunked framing among them, are refused before, pseudo-fields appear where they belong and only once. Whether
/// target and host are sound is checked as for every request, by <see cref="RequestHead"/>.</para>
/// <para>A field that came as never indexed has two blanks behind its colon: it has to go on that way (RFC 7541 section 6.2.3), and
/// <see cref="HeadEncoder"/> sees it by them.</para>
/// </remarks>
internal sealed class HeadAssembler
{
    /// <summary>Larger than the lines that are written besides the fields themselves.</summary>
    private const int OwnLines = 256;

    /// <summary>Front: the first line, written last and backwards; then the fields; then room for the one being decoded.</summary>
    private byte[] _text = [];
    private byte[] _pseudo = [];
    private byte[] _cookies = [];
    private int _start;
    private int _length;
    private int _pseudoLength;
    private int _cookiesLength;

    private ByteRange _method, _scheme, _authority, _path, _protocol, _status, _host;
    private PseudoFields _seen;
    private bool _inFields;
    private bool _acceptsTrailers;
    private bool _hasContentLength;
    private ReceivedHead _head;

    /// <summary>One bit for each <see cref="FieldKind"/> that is a pseudo-field.</summary>
    [Flags]
    private enum PseudoFields : ushort
    {
        None = 0,
        Scheme = 1 << (int)FieldKind.Scheme,
        Path = 1 << (int)FieldKind.Path,
        Protocol = 1 << (int)FieldKind.Protocol,
        Request = (1 << (int)FieldKind.Method) | Scheme | (1 << (int)FieldKind.Authority) | Path | Protocol,
        Response = 1 << (int)FieldKind.Status,
    }

    public ReadOnlySpan<byte> Text => _text;

    /// <summary>Decodes a request's block.</summary>
    /// <param name="ends">With END_STREAM: there is no content.</param>
    /// <param name="keySeed">For the key of a WebSocket.</param>
    /// <returns>False: the compression is broken, and with it the connection.</returns>
    public bool TryReadRequest(
        HpackDecoder decoder, ReadOnlySpan<byte> block, Http2Settings settings, bool ends, ulong keySeed, out ReceivedHead head,
        out Http2Reason broken)
    {
        if (!TryReadFields(decoder, block, settings, PseudoFields.Request, out broken))
        {
            head = default;
            return false;
        }

        if (_head.Reason == Http2Reason.None) _head.Reason = RequestFault(settings, ends);
        if (_head.Reason == Http2Reason.None) FinishRequest(ends, keySeed);
        head = _head;
        return true;
    }

    /// <summary>Decodes a response's block.</summary>
    /// <param name="answer">Of a WebSocket that waits for its answer; null for every other request.</param>
    public bool TryReadResponse(
        HpackDecoder decoder, ReadOnlySpan<byte> block, Http2Settings settings, bool ends, bool isHead, in WebSocketKey.Answer answer,
        bool isWebSocket, out ReceivedHead head, out Http2Reason broken)
    {
        if (!TryReadFields(decoder, block, settings, PseudoFields.Response, out broken))
        {
            head = default;
            return false;
        }

        if (_head.Reason == Http2Reason.None) _head.Reason = ResponseFault(ends, isHead);
        if (_head.Reason == Http2Reason.None && isWebSocket && _head.Status is >= 200 and < 300) FinishWebSocket(answer);
        else if (_head.Reason == Http2Reason.None) FinishResponse(ends, isHead);
        head = _head;
        return true;
    }

    /// <summary>
    /// Decodes a trailer: lines without an empty one behind them. Fields that no trailer may have are left out (RFC 9110 section
    /// 6.5.1).
    /// </summary>
    public bool TryReadTrailer(
        HpackDecoder decoder, ReadOnlySpan<byte> block, Http2Settings settings, out ReceivedHead head, out Http2Reason broken)
    {
        bool sound = TryReadFields(decoder, block, settings, PseudoFields.None, out broken);
        _head.Text = ByteRange.Between(_start, _length);
        head = _head;
        return sound;
    }

    /// <summary>A block that nobody wants: only the table is kept right (RFC 9113 section 4.3).</summary>
    public bool TryDiscard(HpackDecoder decoder, ReadOnlySpan<byte> block, Http2Settings settings, out Http2Reason broken)
    {
        Begin(block.Length, settings);
        int at = 0;
        decoder.BeginBlock();
        while (decoder.TryNext(block, ref at, _text.AsSpan(_length), wantsText: false, out _, out broken))
        {
        }

        return broken == Http2Reason.None;
    }

    private bool TryReadFields(
        HpackDecoder decoder, ReadOnlySpan<byte> block, Http2Settings settings, PseudoFields allowed, out Http2Reason broken)
    {
        Begin(block.Length, settings);
        int at = 0, size = 0, count = 0;
        decoder.BeginBlock();
        while (decoder.TryNext(block, ref at, _text.AsSpan(_length), _head.Reason == Http2Reason.None, out HpackField field, out broken))
        {
            if (_head.Reason != Http2Reason.None)
            {
                // Refused already: the rest only keeps the table right, and what a bomb would have filled is not.
                if (_head.Reason.Scope() == ErrorScope.Message && field.Fault != Http2Reason.None) _head.Reason = field.Fault;
                continue;
            }

            size += field.Size;
            count++;
            if (size > settings.MaxHead) _head.Reason = Http2Reason.HeadTooLarge;
            else if (count > settings.MaxFields) _head.Reason = Http2Reason.TooManyFields;
            else _head.Reason = field.Fault != Http2Reason.None ? field.Fault : Take(field, allowed);
        }

        return broken == Http2Reason.None;
    }

    private void Begin(int blockLength, Http2Settings settings)
    {
        int front = settings.MaxHead + OwnLines;
        int needed = front + settings.MaxHead + OwnLines + HpackDecoder.MaxLineLength(blockLength, settings.HeaderTableSize);
        if (_text.Length < needed) _text = new byte[needed];
        if (_pseudo.Length < settings.MaxHead) _pseudo = new byte[settings.MaxHead];
        if (_cookies.Length < settings.MaxHead * 2) _cookies = new byte[settings.MaxHead * 2];
        _start = _length = front;
        _pseudoLength = _cookiesLength = 0;
        _method = _scheme = _authority = _path = _protocol = _status = _host = default;
        _seen = default;
        _inFields = _acceptsTrailers = _hasContentLength = false;
        _head = new ReceivedHead { ContentLength = -1 };
    }

    /// <summary>One sound field, whose line stands behind what was kept so far.</summary>
    private Http2Reason Take(in HpackField field, PseudoFields allowed)
    {
        Span<byte> line = _text.AsSpan(_length, field.LineLength);
        ReadOnlySpan<byte> value = line.Slice(field.NameLength + 2, field.ValueLength);
        if (line[0] == ':') return TakePseudo(field.Kind, value, allowed);
        _inFields = true;
        if (allowed == PseudoFields.None && (field.Kind != FieldKind.Regular || TrailerRules.IsForbidden(line[..field.NameLength])))
            return Http2Reason.None;
        switch (field.Kind)
        {
            case FieldKind.Cookie when allowed == PseudoFields.Request:
                if (_cookiesLength > 0 && !value.IsEmpty) Append(ref _cookiesLength, _cookies, "; "u8);
                Append(ref _cookiesLength, _cookies, value);
                return Http2Reason.None;
            case FieldKind.Te:
                _acceptsTrailers = true;
                return Http2Reason.None;
            case FieldKind.Host when allowed == PseudoFields.Request:
                if (!_host.IsEmpty) return Http2Reason.DuplicateHost;
                _host = new ByteRange(_length + field.NameLength + 2, field.ValueLength);
                if (!_authority.IsEmpty) return SameHost(value) ? Http2Reason.None : Http2Reason.HostMismatch;
                break;
            case FieldKind.ContentLength:
                Http2Reason reason = TakeContentLength(value);
                if (reason != Http2Reason.None) return reason;
                break;
            case FieldKind.Regular when !_protocol.IsEmpty && line.StartsWith("sec-websocket-key: "u8):
                return Http2Reason.None; // RFC 8441 section 5: means nothing here, and the key is ours
            default: break;
        }

        _length += field.LineLength;
        if (field.NeverIndexed) MarkNeverIndexed(field);
        return Http2Reason.None;
    }

    private Http2Reason TakePseudo(FieldKind kind, ReadOnlySpan<byte> value, PseudoFields allowed)
    {
        var bit = (PseudoFields)(1 << (int)kind);
        if (allowed == PseudoFields.None) return Http2Reason.PseudoFieldInTrailer;
        if (_inFields) return Http2Reason.PseudoFieldAfterField;
        if ((allowed & bit) == 0) return Http2Reason.MisplacedPseudoField;
        if ((_seen & bit) != 0) return Http2Reason.DuplicatePseudoField;
        _seen |= bit;
        var range = new ByteRange(_pseudoLength, value.Length);
        Append(ref _pseudoLength, _pseudo, value);
        switch (kind)
        {
            case FieldKind.Method: _method = range; break;
            case FieldKind.Scheme: _scheme = range; break;
            case FieldKind.Authority: _authority = range; break;
            case FieldKind.Path: _path = range; break;
            case FieldKind.Protocol: _protocol = range; break;
            default: _status = range; break;
        }

        return Http2Reason.None;
    }

    private bool SameHost(ReadOnlySpan<byte> value) => Ascii.EqualsIgnoreCase(_authority.Of(_pseudo), value);

    private Http2Reason TakeContentLength(ReadOnlySpan<byte> value)
    {
        if (_hasContentLength) return Http2Reason.DuplicateContentLength;
        _hasContentLength = true;
        if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return Http2Reason.InvalidContentLength;
        bool parsed = Utf8Parser.TryParse(value, out long length, out int used) && used == value.Length;
        _head.ContentLength = length;
        return parsed ? Http2Reason.None : Http2Reason.InvalidContentLength;
    }

    /// <summary>A second blank behind the colon of the line that was kept last.</summary>
    private void MarkNeverIndexed(in HpackField field)
    {
        Span<byte> line = _text.AsSpan(_length - field.LineLength, field.LineLength + 1);
        line[(field.NameLength + 1)..^1].CopyTo(line[(field.NameLength + 2)..]);
        _length++;
    }

    /// <summary>RFC 9113 sections 8.3.1 and 8.5, RFC 8441 section 4.</summary>
    private Http2Reason RequestFault(Http2Settings settings, bool ends)
    {
        if (_method.IsEmpty) return Http2Reason.MissingMethod;
        if (!HttpBytes.IsToken(_method.Of(_pseudo))) return Http2Reason.InvalidMethod;
        _head.Method = RequestMethods.Parse(_method.Of(_pseudo));
        if (_authority.Of(_pseudo).IndexOfAny(RequestBytes.NotInAuthority) >= 0) return Http2Reason.InvalidAuthority;
        bool hasProtocol = (_seen & PseudoFields.Protocol) != 0;
        if (hasProtocol && (_head.Method != RequestMethod.Connect || !settings.ConnectProtocol)) return Http2Reason.ProtocolNotConnect;
        if (_head.Method == RequestMethod.Connect && !hasProtocol)
        {
            bool plain = (_seen & (PseudoFields.Scheme | PseudoFields.Path)) == 0;
            return plain && !_authority.IsEmpty ? Http2Reason.None : Http2Reason.InvalidConnect;
        }

        if (_scheme.IsEmpty) return Http2Reason.MissingScheme;
        if (!RequestBytes.IsScheme(_scheme.Of(_pseudo))) return Http2Reason.InvalidScheme;
        if (_path.IsEmpty) return Http2Reason.MissingPath;
        if (!IsPath(_path.Of(_pseudo))) return Http2Reason.InvalidPath;
        if (ends && _head.ContentLength > 0) return Http2Reason.ContentLengthMismatch;
        if (!hasProtocol) return Http2Reason.None;
        if (_authority.IsEmpty) return Http2Reason.MissingAuthority;
        _head.IsWebSocket = Ascii.EqualsIgnoreCase(_protocol.Of(_pseudo), "websocket"u8);
        if (!_head.IsWebSocket) return Http2Reason.ProtocolUnknown;
        return ends ? Http2Reason.InvalidConnect : Http2Reason.None;
    }

    /// <summary>
    /// Starts with a slash, or is "*" for OPTIONS. Blanks and controls would end the target in HTTP/1.1; what else a target may not
    /// hold is answered 400 later.
    /// </summary>
    private bool IsPath(ReadOnlySpan<byte> path)
    {
        if (path.IndexOfAny(RequestBytes.NotInPath) >= 0) return false;
        return path[0] == '/' || (path.Length == 1 && path[0] == '*' && _head.Method == RequestMethod.Options);
    }

    /// <summary>RFC 9113 section 8.3.2: three digits, and never 101 (section 8.6).</summary>
    private Http2Reason ResponseFault(bool ends, bool isHead)
    {
        if (_status.IsEmpty) return Http2Reason.MissingStatus;
        ReadOnlySpan<byte> status = _status.Of(_pseudo);
        if (status.Length != 3 || status.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return Http2Reason.InvalidStatus;
        _head.Status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
        if (_head.Status is < 100 or > 599) return Http2Reason.InvalidStatus;
        if (_head.Status == 101) return Http2Reason.SwitchingProtocols;
        if (_head.IsInterim) return ends ? Http2Reason.InterimIsLast : Http2Reason.None;
        bool contentIsDue = ends && _head.ContentLength > 0 && !isHead && _head.Status != 304;
        return contentIsDue ? Http2Reason.ContentLengthMismatch : Http2Reason.None;
    }

    private void FinishRequest(bool ends, ulong keySeed)
    {
        if (_cookiesLength > 0)
        {
            Write("cookie: "u8);
            Write(_cookies.AsSpan(0, _cookiesLength));
            Write("\r\n"u8);
        }

        if (_acceptsTrailers) Write("te: trailers\r\nconnection: te\r\n"u8);
        if (_head.IsWebSocket) WriteUpgrade(keySeed);
        else if (!ends && !_hasContentLength && _head.Method != RequestMethod.Connect) Write("transfer-encoding: chunked\r\n"u8);
        Write("\r\n"u8);

        if (!_authority.IsEmpty)
        {
            Prepend("\r\n"u8);
            Prepend(_authority.Of(_pseudo));
            Prepend("host: "u8);
        }

        Prepend(" HTTP/1.1\r\n"u8);
        Prepend(_head.Method == RequestMethod.Connect && !_head.IsWebSocket ? _authority.Of(_pseudo) : _path.Of(_pseudo));
        Prepend(" "u8);
        Prepend(_head.IsWebSocket ? "GET"u8 : _method.Of(_pseudo));
        _head.Text = ByteRange.Between(_start, _length);
        if (_head.IsWebSocket) _head.Method = RequestMethod.Get;
    }

    private void WriteUpgrade(ulong keySeed)
    {
        Write("connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: "u8);
        WebSocketKey.Write(_text.AsSpan(_length, WebSocketKey.KeyLength), keySeed);
        _length += WebSocketKey.KeyLength;
        Write("\r\n"u8);
    }

    private void FinishResponse(bool ends, bool isHead)
    {
        bool hasContent = !isHead && !_head.IsInterim && _head.Status is not (204 or 304);
        if (hasContent && !_hasContentLength) Write(ends ? "content-length: 0\r\n"u8 : "transfer-encoding: chunked\r\n"u8);
        Write("\r\n"u8);
        PrependStatus(_head.Status);
        _head.Text = ByteRange.Between(_start, _length);
    }

    /// <summary>The server has opened the tunnel: what HTTP/1.1 says with 101.</summary>
    private void FinishWebSocket(in WebSocketKey.Answer answer)
    {
        Write("connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-accept: "u8);
        Write(answer);
        Write("\r\n\r\n"u8);
        _head.Status = 101;
        PrependStatus(101);
        _head.Text = ByteRange.Between(_start, _length);
    }

    private void PrependStatus(int status)
    {
        Span<byte> line = stackalloc byte[64];
        string phrase = StatusText.Of(status);
        "HTTP/1.1 "u8.CopyTo(line);
        Utf8Formatter.TryFormat(status, line[9..], out _);
        line[12] = (byte)' ';
        int length = 13 + Encoding.ASCII.GetBytes(phrase, line[13..]);
        Prepend("\r\n"u8);
        Prepend(line[..length]);
    }

    private void Write(ReadOnlySpan<byte> bytes) => Append(ref _length, _text, bytes);

    private void Prepend(ReadOnlySpan<byte> bytes)
    {
        _start -= bytes.Length;
        bytes.CopyTo(_text.AsSpan(_start));
    }

    private static void Append(ref int length, byte[] destination, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(destination.AsSpan(length));
        length += bytes.Length;
    }
}

using System.Buffers.Text;
using System.Text;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>
/// One request's head, parsed in place (RFC 9110, RFC 9112): everything here is an offset into the bytes that were given to
/// <see cref="TryParse"/>, or a decision made from them. One object for each shard, used again for every request; it is valid
/// until the next call or until the buffer changes.
/// </summary>
public sealed class RequestHead
{
    /// <summary>
    /// Longer ones are answered 501, as RFC 9112 section 3 wants for what is longer than any method that exists.
    /// </summary>
    private const int MaxMethodLength = 32;

    /// <summary>Of a head that rules have written, in bytes: it has to fit beside the received one.</summary>
    private const int MaxEdited = 96 * 1024;

    private readonly FieldTable _table = new();

    public RequestMethod Method { get; private set; }
    public ByteRange MethodRange { get; private set; }

    /// <summary>1 for HTTP/1.1, 0 for HTTP/1.0.</summary>
    public int MinorVersion { get; private set; }

    public bool IsHttp10 => MinorVersion == 0;

    /// <summary>The target as received.</summary>
    public ByteRange Target { get; private set; }
    public TargetForm Form { get; private set; }

    /// <summary>
    /// As received, without query; empty for authority form and for an absolute form without path (then it is "/").
    /// </summary>
    public ByteRange Path { get; private set; }

    /// <summary>Behind the '?', as received.</summary>
    public ByteRange Query { get; private set; }

    /// <summary>Host and port that the request is for: from an absolute target, else from Host; empty only in HTTP/1.0.</summary>
    public ByteRange Authority { get; private set; }

    /// <summary>The host alone; an IPv6 address keeps its brackets.</summary>
    public ByteRange Host { get; private set; }

    /// <summary>-1 when none was given.</summary>
    public int Port { get; private set; }

    /// <summary>Where the first field starts, behind the request line's CRLF.</summary>
    public int FieldsStart => _table.FirstLineEnd + 2;

    public ReadOnlySpan<HeaderField> Fields => _table.Fields;

    public BodyFraming Body { get; private set; }

    /// <summary>Whether the client wants the connection kept after this exchange (RFC 9112 section 9.3).</summary>
    public bool KeepAlive { get; private set; }

    /// <summary>Expect: 100-continue. Never set for HTTP/1.0, where it is to be ignored (RFC 9110 section 10.1.1).</summary>
    public bool ExpectsContinue { get; private set; }

    /// <summary>
    /// Upgrade with Connection: upgrade, HTTP/1.1, no body, and no h2c among the protocols: an h2c tunnel would carry requests
    /// past every route. Otherwise the Upgrade field is ignored, as RFC 9110 section 7.8 allows.
    /// </summary>
    public bool IsUpgrade { get; private set; }

    /// <summary>TE: trailers, nominated by Connection as it has to be (RFC 9110 section 10.1.4).</summary>
    public bool AcceptsTrailers { get; private set; }

    /// <summary>
    /// Max-Forwards of OPTIONS and TRACE, -1 when there is none. At 0 the request must not be forwarded, but answered here
    /// (RFC 9110 section 7.6.2).
    /// </summary>
    public int MaxForwards { get; private set; }

    /// <summary>First field of a known name; false when there is none.</summary>
    public bool TryGet(FieldName name, out HeaderField field)
    {
        int index = _table.IndexOf(name);
        field = index < 0 ? default : Fields[index];
        return index >= 0;
    }

    /// <summary>
    /// Parses a head that rules have written. Fields from <paramref name="ownStart"/> on are theirs: no option of the client's Connection
    /// removes them, and what is said about clients there is not the client's own word.
    /// </summary>
    public bool TryParseEdited(ReadOnlySpan<byte> head, int ownStart, in HttpLimits limits, out RejectReason reason)
    {
        // Rules may add to what a client was allowed to send.
        HttpLimits wider = limits with { RequestLine = MaxEdited, Head = MaxEdited, Fields = limits.Fields + 100 };
        if (!TryParse(head, wider, out reason)) return false;
        _table.MarkOwn(ownStart);
        return true;
    }

    /// <summary>Parses a whole head, up to and including its empty line, as <see cref="HeadScanner"/> found it.</summary>
    public bool TryParse(ReadOnlySpan<byte> head, in HttpLimits limits, out RejectReason reason)
    {
        int start = head.StartsWith("\r\n"u8) ? 2 : 0;
        if (head.Length > limits.Head)
        {
            reason = RejectReason.HeadTooLarge;
            return false;
        }

        return _table.TryIndexLines(head, start, limits.Fields, out reason)
            && TryParseLine(head, start, limits.RequestLine, out reason)
            && _table.TryParseFields(head, out reason)
            && _table.TryReadConnection(head, out reason)
            && TryReadFields(head, limits.Body, out reason);
    }

    private bool TryParseLine(ReadOnlySpan<byte> head, int start, int limit, out RejectReason reason)
    {
        ReadOnlySpan<byte> line = head[start.._table.FirstLineEnd];
        reason = line.Length > limit ? RejectReason.RequestLineTooLong : RejectReason.None;
        if (reason != RejectReason.None) return false;
        int space = line.IndexOf((byte)' ');
        if (!TryParseMethod(line, start, space, out reason)) return false;

        // METHOD SP target SP HTTP/1.1: one space each time, and nothing behind the version.
        int second = line[(space + 1)..].IndexOf((byte)' ');
        if (second <= 0)
        {
            reason = RejectReason.InvalidRequestLine;
            return false;
        }

        Target = new ByteRange(start + space + 1, second);
        reason = ParseVersion(line[(space + second + 2)..], out int minor);
        MinorVersion = minor;
        if (reason != RejectReason.None) return false;
        if (!RequestTarget.TryParse(head, Target, Method, out RequestTarget target) || !TryTakeTarget(head, target))
        {
            reason = RejectReason.InvalidTarget;
            return false;
        }

        return true;
    }

    private bool TryParseMethod(ReadOnlySpan<byte> line, int start, int space, out RejectReason reason)
    {
        reason = RejectReason.None;
        if (space <= 0) reason = line.IndexOfAnyExcept(HttpBytes.Token) == 0 ? RejectReason.InvalidMethod : RejectReason.InvalidRequestLine;
        if (reason != RejectReason.None) return false;
        Method = RequestMethods.Parse(line[..space]);
        MethodRange = new ByteRange(start, space);
        if (Method != RequestMethod.Other) return true;
        if (!HttpBytes.IsToken(line[..space])) reason = RejectReason.InvalidMethod;
        else if (space > MaxMethodLength) reason = RejectReason.MethodTooLong;
        return reason == RejectReason.None;
    }

    /// <summary>RFC 9112 section 2.3: HTTP/digit.digit, case-sensitive.</summary>
    private static RejectReason ParseVersion(ReadOnlySpan<byte> text, out int minor)
    {
        minor = 1;
        if (text.SequenceEqual("HTTP/1.1"u8)) return RejectReason.None;
        minor = 0;
        if (text.SequenceEqual("HTTP/1.0"u8)) return RejectReason.None;
        bool wellFormed = text.Length == 8 && text.StartsWith("HTTP/"u8) && char.IsAsciiDigit((char)text[5]) && text[6] == '.'
            && char.IsAsciiDigit((char)text[7]);
        if (wellFormed) return RejectReason.UnsupportedVersion;

        // A space in the version's place is one inside or after the target.
        return text.StartsWith("HTTP/"u8) && text.IndexOf((byte)' ') < 0 ? RejectReason.InvalidVersion : RejectReason.InvalidRequestLine;
    }

    private bool TryTakeTarget(ReadOnlySpan<byte> head, in RequestTarget target)
    {
        Form = target.Form;
        Path = target.Path;
        Query = target.Query;
        Authority = Host = default;
        Port = -1;
        if (target.Form is not (TargetForm.Absolute or TargetForm.Authority)) return true;
        if (!TryTakeAuthority(head, target.Authority)) return false;

        // CONNECT has no default port (RFC 9110 section 9.3.6).
        return target.Form == TargetForm.Absolute || Port >= 0;
    }

    private bool TryTakeAuthority(ReadOnlySpan<byte> head, ByteRange range)
    {
        if (!Http.Authority.TryParse(range.Of(head), out int hostLength, out int port)) return false;
        Authority = range;
        Host = new ByteRange(range.Start, hostLength);
        Port = port;
        return true;
    }

    private bool TryReadFields(ReadOnlySpan<byte> head, long bodyLimit, out RejectReason reason)
    {
        var framing = new FramingFields();
        int host = -1, upgrade = -1, te = -1;
        ExpectsContinue = false;
        MaxForwards = -1;
        reason = RejectReason.None;
        ReadOnlySpan<HeaderField> fields = Fields;
        for (int i = 0; i < fields.Length && reason == RejectReason.None; i++)
        {
            ref readonly HeaderField field = ref fields[i];
            switch (field.Name)
            {
                case FieldName.Other: break;
                case FieldName.Host:
                    if (host >= 0) reason = RejectReason.DuplicateHost;
                    host = i;
                    break;
                case FieldName.ContentLength or FieldName.TransferEncoding: reason = framing.Add(head, field); break;
                case FieldName.Expect: reason = ReadExpect(field.ValueRange.Of(head)); break;
                case FieldName.Upgrade: upgrade = i; break;
                case FieldName.Te: te = i; break;
                case FieldName.MaxForwards: ReadMaxForwards(field.ValueRange.Of(head)); break;
                default: break;
            }
        }

        if (reason == RejectReason.None) reason = SettleHost(head, host);
        if (reason == RejectReason.None) reason = framing.Settle(MinorVersion);
        if (reason != RejectReason.None) return false;
        Body = framing.IsChunked ? BodyFraming.Chunked : BodyFraming.OfLength(Math.Max(0, framing.Length));
        if (bodyLimit > 0 && Body.Length > bodyLimit) reason = RejectReason.BodyTooLarge;
        KeepAlive = !_table.Close && (MinorVersion > 0 || _table.KeepAlive);
        AcceptsTrailers = te >= 0 && MinorVersion > 0 && _table.TeNominated && AnyMember(head, FieldName.Te, "trailers"u8);
        IsUpgrade = upgrade >= 0 && MinorVersion > 0 && _table.UpgradeNominated && !Body.HasBody
            && !AnyMember(head, FieldName.Upgrade, "h2c"u8);
        return reason == RejectReason.None;
    }

    private RejectReason ReadExpect(ReadOnlySpan<byte> value)
    {
        if (MinorVersion == 0) return RejectReason.None;
        ExpectsContinue = Ascii.EqualsIgnoreCase(value, "100-continue"u8);
        return ExpectsContinue ? RejectReason.None : RejectReason.UnknownExpectation;
    }

    /// <summary>For other methods, and when it is no number, the field means nothing and is passed on.</summary>
    private void ReadMaxForwards(ReadOnlySpan<byte> value)
    {
        if (Method is not (RequestMethod.Options or RequestMethod.Trace)) return;
        if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return;
        MaxForwards = Utf8Parser.TryParse(value, out int hops, out _) ? hops : int.MaxValue;
    }

    /// <summary>RFC 9112 section 3.2: exactly one valid Host in HTTP/1.1, and the target's host before it.</summary>
    private RejectReason SettleHost(ReadOnlySpan<byte> head, int index)
    {
        if (index < 0) return MinorVersion > 0 ? RejectReason.MissingHost : RejectReason.None;
        ByteRange value = Fields[index].ValueRange;
        if (!Authority.IsEmpty)
            return Http.Authority.TryParse(value.Of(head), out _, out _) ? RejectReason.None : RejectReason.InvalidHost;
        return TryTakeAuthority(head, value) ? RejectReason.None : RejectReason.InvalidHost;
    }

    private bool AnyMember(ReadOnlySpan<byte> head, FieldName name, ReadOnlySpan<byte> wanted)
    {
        foreach (ref readonly HeaderField field in Fields)
        {
            if (field.Name != name) continue;
            ReadOnlySpan<byte> list = field.ValueRange.Of(head);
            while (HttpBytes.TryNextMember(ref list, out ReadOnlySpan<byte> member))
                if (Ascii.EqualsIgnoreCase(member, wanted)) return true;
        }

        return false;
    }
}

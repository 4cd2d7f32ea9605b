using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>
/// One response's head, parsed in place and as strictly as a request's: what two receivers could read differently is refused, and
/// the client gets a 502. One object for each shard; valid until the next call or until the buffer changes.
/// </summary>
public sealed class ResponseHead
{
    private readonly FieldTable _table = new();

    /// <summary>100..599.</summary>
    public int Status { get; private set; }

    /// <summary>May be empty.</summary>
    public ByteRange ReasonPhrase { get; private set; }

    /// <summary>1 for HTTP/1.1, 0 for HTTP/1.0.</summary>
    public int MinorVersion { get; private set; }

    public int FieldsStart => _table.FirstLineEnd + 2;

    public ReadOnlySpan<HeaderField> Fields => _table.Fields;

    /// <summary>
    /// The bytes that follow on the connection, given the request's method and the status (RFC 9112 section 6.3).
    /// </summary>
    public BodyFraming Body { get; private set; }

    /// <summary>Whether the server's connection can take another request after this exchange.</summary>
    public bool KeepAlive { get; private set; }

    /// <summary>100 or 103 and the like: the final response is still to come.</summary>
    public bool IsInterim => Status is >= 100 and < 200 and not 101;

    /// <summary>101: from here on the connection is a tunnel.</summary>
    public bool IsUpgrade => Status == 101;

    /// <summary>Content-Length and Transfer-Encoding have to go, because the status has no body (RFC 9110 section 8.6).</summary>
    public bool StatusForbidsFraming => Status is < 200 or 204;

    public bool TryGet(FieldName name, out HeaderField field)
    {
        int index = _table.IndexOf(name);
        field = index < 0 ? default : Fields[index];
        return index >= 0;
    }

    /// <summary>Parses a whole head as <see cref="HeadScanner.TryFindResponseEnd"/> found it.</summary>
    /// <param name="method">Of the request that this answers: a response to HEAD has no body.</param>
    /// <param name="upgradeRequested">Whether Upgrade was forwarded; otherwise a 101 is refused.</param>
    public bool TryParse(
        ReadOnlySpan<byte> head, RequestMethod method, bool upgradeRequested, in HttpLimits limits, out RejectReason reason)
    {
        if (head.Length > limits.Head)
        {
            reason = RejectReason.HeadTooLarge;
            return false;
        }

        if (!_table.TryIndexLines(head, 0, limits.Fields, out reason)) return false;
        if (!TryParseLine(head, out reason)) return false;
        if (!_table.TryParseFields(head, out reason) || !_table.TryReadConnection(head, out reason)) return false;
        reason = IsUpgrade && !upgradeRequested ? RejectReason.UnexpectedUpgrade : SettleBody(head, method);
        if (reason != RejectReason.None) return false;
        KeepAlive = !_table.Close && (MinorVersion > 0 || _table.KeepAlive) && Body.Kind != BodyKind.UntilClose && !IsUpgrade;
        return true;
    }

    /// <summary>RFC 9112 section 4: HTTP/1.x SP 3DIGIT SP [reason]. The second space may be missing when the reason is.</summary>
    private bool TryParseLine(ReadOnlySpan<byte> head, out RejectReason reason)
    {
        ReadOnlySpan<byte> line = head[.._table.FirstLineEnd];
        reason = RejectReason.InvalidStatusLine;
        if (line.Length < 12 || !line.StartsWith("HTTP/"u8)) return false;
        if (!line.StartsWith("HTTP/1."u8) || line[7] is not ((byte)'0' or (byte)'1'))
        {
            reason = RejectReason.UnsupportedVersion;
            return false;
        }

        ReadOnlySpan<byte> digits = line.Slice(9, 3);
        if (line[8] != ' ' || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        if (line.Length > 12 && line[12] != ' ') return false;
        MinorVersion = line[7] - '0';
        Status = (digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0');
        if (Status is < 100 or > 599) return false;
        ReasonPhrase = line.Length > 13 ? ByteRange.Between(13, line.Length) : new ByteRange(line.Length, 0);
        reason = RejectReason.None;
        return true;
    }

    private RejectReason SettleBody(ReadOnlySpan<byte> head, RequestMethod method)
    {
        var framing = new FramingFields();
        foreach (ref readonly HeaderField field in Fields)
        {
            if (field.Name is not (FieldName.ContentLength or FieldName.TransferEncoding)) continue;
            RejectReason reason = framing.Add(head, field);
            if (reason != RejectReason.None) return reason;
        }

        RejectReason doubt = framing.Settle(MinorVersion);
        if (doubt != RejectReason.None) return doubt;

        // Servers do send Content-Length: 0 with 204; a body that the status forbids would be taken for the next response.
        if (StatusForbidsFraming && (framing.IsChunked || framing.Length > 0)) return RejectReason.ForbiddenFraming;
        if (method == RequestMethod.Head || StatusForbidsFraming || Status == 304) Body = BodyFraming.None;
        else if (framing.IsChunked) Body = BodyFraming.Chunked;
        else Body = framing.Length >= 0 ? BodyFraming.OfLength(framing.Length) : BodyFraming.UntilClose;
        return RejectReason.None;
    }
}

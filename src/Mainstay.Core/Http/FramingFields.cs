using System.Buffers.Text;
using System.Text;

namespace Mainstay.Core.Http;

/// <summary>
/// Content-Length and Transfer-Encoding of one message, read so that no two receivers can disagree about them: anything but one
/// of the two, once, in its plainest form, is refused (RFC 9112 sections 6.1 to 6.3).
/// </summary>
internal struct FramingFields
{
    private bool _hasLength;
    private bool _hasTransferEncoding;

    public FramingFields()
    {
    }

    /// <summary>-1 when there is no Content-Length.</summary>
    public long Length { get; private set; } = -1;

    /// <summary>Once a Transfer-Encoding passed, it is "chunked" alone.</summary>
    public readonly bool IsChunked => _hasTransferEncoding;

    public RejectReason Add(ReadOnlySpan<byte> head, in HeaderField field)
    {
        ReadOnlySpan<byte> value = field.ValueRange.Of(head);
        if (field.Name == FieldName.TransferEncoding)
        {
            if (_hasTransferEncoding) return RejectReason.InvalidTransferEncoding;
            _hasTransferEncoding = true;
            return CheckCodings(value);
        }

        // RFC 9110 section 8.6 allows to take identical copies for one; refusing them costs no honest sender anything.
        if (_hasLength) return RejectReason.DuplicateLength;
        _hasLength = true;
        return TryParseLength(value, out long length, out RejectReason reason) ? Keep(length) : reason;
    }

    /// <summary>To be asked after all fields were added.</summary>
    public readonly RejectReason Settle(int minorVersion)
    {
        if (_hasTransferEncoding && minorVersion == 0) return RejectReason.TransferEncodingInHttp10;
        return _hasTransferEncoding && _hasLength ? RejectReason.LengthAndChunked : RejectReason.None;
    }

    private RejectReason Keep(long length)
    {
        Length = length;
        return RejectReason.None;
    }

    private static bool TryParseLength(ReadOnlySpan<byte> value, out long length, out RejectReason reason)
    {
        length = 0;
        reason = RejectReason.None;
        if (value.IndexOf((byte)',') >= 0) reason = RejectReason.DuplicateLength;
        else if (value.IsEmpty || value.ContainsAnyExceptInRange((byte)'0', (byte)'9')) reason = RejectReason.InvalidLength;
        else if (!Utf8Parser.TryParse(value, out length, out int used) || used != value.Length) reason = RejectReason.InvalidLength;
        return reason == RejectReason.None;
    }

    /// <summary>
    /// 501 for a coding that is not implemented below a final "chunked"; 400 for everything that leaves the length in doubt.
    /// </summary>
    private static RejectReason CheckCodings(ReadOnlySpan<byte> value)
    {
        if (Ascii.EqualsIgnoreCase(value, "chunked"u8)) return RejectReason.None;
        int comma = value.LastIndexOf((byte)',');
        if (comma < 0 || !Ascii.EqualsIgnoreCase(HttpBytes.Trim(value[(comma + 1)..]), "chunked"u8))
            return RejectReason.InvalidTransferEncoding;
        ReadOnlySpan<byte> others = value[..comma];
        int count = 0;
        while (HttpBytes.TryNextMember(ref others, out ReadOnlySpan<byte> coding))
        {
            count++;
            if (!HttpBytes.IsToken(coding) || Ascii.EqualsIgnoreCase(coding, "chunked"u8)) return RejectReason.InvalidTransferEncoding;
        }

        return count == 0 ? RejectReason.InvalidTransferEncoding : RejectReason.UnsupportedTransferCoding;
    }
}

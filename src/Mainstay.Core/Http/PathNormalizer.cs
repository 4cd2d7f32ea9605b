namespace Mainstay.Core.Http;

/// <summary>
/// The path that rules see: percent-encoding decoded, "//" taken for "/", and dot segments resolved (RFC 3986 section 6.2.2), so
/// that /a/../admin and /%61dmin meet the rule for /admin. The server gets the path as it was received.
/// </summary>
/// <remarks>
/// An encoded '/', '\' or '%' stays encoded. Refused is what servers read differently: dot segments that lead above the root,
/// that show only once an encoded slash or backslash is decoded, or that carry a parameter ("..;"), broken encoding, and an
/// encoded NUL.
/// </remarks>
public static class PathNormalizer
{
    /// <summary>Writes the normalised path, which is never longer than the received one.</summary>
    /// <param name="normalized">Either <paramref name="path"/> itself or the start of <paramref name="scratch"/>.</param>
    /// <param name="scratch">At least as long as the path.</param>
    public static bool TryNormalize(
        ReadOnlySpan<byte> path, Span<byte> scratch, out ReadOnlySpan<byte> normalized, out RejectReason reason)
    {
        reason = RejectReason.None;
        normalized = path;
        if (path.IsEmpty || path[0] != '/')
        {
            // "*", and an absolute target without a path, which means "/".
            if (path.IsEmpty) normalized = "/"u8;
            return true;
        }

        if (path.IndexOf((byte)'%') < 0 && path.IndexOf("/."u8) < 0 && path.IndexOf("//"u8) < 0) return true;
        reason = Rewrite(path, scratch, out int length);
        normalized = scratch[..length];
        return reason == RejectReason.None;
    }

    private static RejectReason Rewrite(ReadOnlySpan<byte> path, Span<byte> output, out int length)
    {
        output[0] = (byte)'/';
        length = 1;
        int at = 1;
        while (at < path.Length)
        {
            int slash = path[at..].IndexOf((byte)'/');
            int end = slash < 0 ? path.Length : at + slash;
            RejectReason reason = AddSegment(path[at..end], output, ref length, last: slash < 0);
            if (reason != RejectReason.None) return reason;
            at = end + 1;
        }

        return RejectReason.None;
    }

    /// <summary>The output ends with '/' before and, unless it was the last segment, after.</summary>
    private static RejectReason AddSegment(ReadOnlySpan<byte> segment, Span<byte> output, ref int length, bool last)
    {
        if (!TryDecode(segment, output[length..], out int added)) return RejectReason.InvalidPathEncoding;
        ReadOnlySpan<byte> decoded = output.Slice(length, added);
        if (added == 0 || decoded is [(byte)'.']) return RejectReason.None;
        if (decoded is [(byte)'.', (byte)'.'])
        {
            if (length == 1) return RejectReason.AmbiguousPath;
            length = output[..(length - 1)].LastIndexOf((byte)'/') + 1;
            return RejectReason.None;
        }

        if (HidesDots(decoded)) return RejectReason.AmbiguousPath;
        length += added;
        if (!last) output[length++] = (byte)'/';
        return RejectReason.None;
    }

    /// <summary>Whether a server that decodes %2F or %5C, or cuts parameters off, would see a dot segment in here.</summary>
    private static bool HidesDots(ReadOnlySpan<byte> segment)
    {
        while (true)
        {
            int escape = IndexOfEncodedSlash(segment);
            ReadOnlySpan<byte> piece = escape < 0 ? segment : segment[..escape];
            int parameter = piece.IndexOf((byte)';');
            if ((parameter < 0 ? piece : piece[..parameter]) is [(byte)'.'] or [(byte)'.', (byte)'.']) return true;
            if (escape < 0) return false;
            segment = segment[(escape + 3)..];
        }
    }

    private static int IndexOfEncodedSlash(ReadOnlySpan<byte> segment)
    {
        int slash = segment.IndexOf("%2F"u8), backslash = segment.IndexOf("%5C"u8);
        return slash < 0 ? backslash : backslash < 0 ? slash : Math.Min(slash, backslash);
    }

    private static bool TryDecode(ReadOnlySpan<byte> segment, Span<byte> output, out int length)
    {
        length = 0;
        for (int i = 0; i < segment.Length; i++)
        {
            byte value = segment[i];
            if (value != '%')
            {
                output[length++] = value;
                continue;
            }

            if (!PercentEncoding.TryDecode(segment, i, out value) || value == 0) return false;
            i += 2;
            if (value is (byte)'/' or (byte)'\\' or (byte)'%')
            {
                ReadOnlySpan<byte> kept = value == '/' ? "%2F"u8 : value == '%' ? "%25"u8 : "%5C"u8;
                kept.CopyTo(output[length..]);
                length += 3;
            }
            else
            {
                output[length++] = value;
            }
        }

        return true;
    }
}

/// <summary>RFC 3986 section 2.1.</summary>
internal static class PercentEncoding
{
    /// <summary>The byte that "%XX" at <paramref name="at"/> stands for.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> text, int at, out byte value)
    {
        value = 0;
        if (at + 2 >= text.Length) return false;
        int high = HttpBytes.HexValue(text[at + 1]), low = HttpBytes.HexValue(text[at + 2]);
        if (high < 0 || low < 0) return false;
        value = (byte)(high << 4 | low);
        return true;
    }
}

using System.Text;

namespace Mainstay.Core.Http;

/// <summary>The four forms of RFC 9112 section 3.2.</summary>
public enum TargetForm : byte
{
    /// <summary>/path?query</summary>
    Origin,

    /// <summary>http://host/path?query; its host wins over the Host field.</summary>
    Absolute,

    /// <summary>host:port, with CONNECT only.</summary>
    Authority,

    /// <summary>*, with OPTIONS only.</summary>
    Asterisk,
}

/// <summary>A request target taken apart; all ranges are offsets into the head.</summary>
internal readonly record struct RequestTarget
{
    public TargetForm Form { get; init; }

    /// <summary>Host and port as written; empty in origin and asterisk form.</summary>
    public ByteRange Authority { get; init; }

    /// <summary>Empty where the target has no path: authority form, and an absolute form that is to become "/" or "*".</summary>
    public ByteRange Path { get; init; }

    /// <summary>Behind the '?'; empty also when there is none.</summary>
    public ByteRange Query { get; init; }

    public static bool TryParse(ReadOnlySpan<byte> head, ByteRange range, RequestMethod method, out RequestTarget target)
    {
        target = default;
        ReadOnlySpan<byte> text = range.Of(head);
        if (text.IsEmpty || text.IndexOfAnyExcept(HttpBytes.Target) >= 0) return false;
        if (method == RequestMethod.Connect)
        {
            target = new RequestTarget { Form = TargetForm.Authority, Authority = range };
            return true;
        }

        if (text[0] == '/') return TrySplit(text, range, default, TargetForm.Origin, out target);
        if (text.Length == 1 && text[0] == '*')
        {
            target = new RequestTarget { Form = TargetForm.Asterisk, Path = range };
            return method == RequestMethod.Options;
        }

        return TryParseAbsolute(text, range, out target);
    }

    private static bool TryParseAbsolute(ReadOnlySpan<byte> text, ByteRange range, out RequestTarget target)
    {
        target = default;
        int scheme = text.Length >= 7 && Ascii.EqualsIgnoreCase(text[..7], "http://"u8) ? 7
            : text.Length >= 8 && Ascii.EqualsIgnoreCase(text[..8], "https://"u8) ? 8 : 0;
        if (scheme == 0) return false;
        int length = text[scheme..].IndexOfAny((byte)'/', (byte)'?');
        if (length < 0) length = text.Length - scheme;
        var authority = new ByteRange(range.Start + scheme, length);
        return TrySplit(text[(scheme + length)..], ByteRange.Between(authority.End, range.End), authority, TargetForm.Absolute, out target);
    }

    /// <summary>Splits path and query. A backslash in the path is refused: some servers take it for a slash.</summary>
    private static bool TrySplit(
        ReadOnlySpan<byte> text, ByteRange range, ByteRange authority, TargetForm form, out RequestTarget target)
    {
        int mark = text.IndexOf((byte)'?');
        int pathLength = mark < 0 ? text.Length : mark;
        int queryStart = mark < 0 ? text.Length : mark + 1;
        target = new RequestTarget
        {
            Form = form,
            Authority = authority,
            Path = new ByteRange(range.Start, pathLength),
            Query = ByteRange.Between(range.Start + queryStart, range.End),
        };
        return text[..pathLength].IndexOf((byte)'\\') < 0;
    }
}

using System.Buffers;
using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>What pseudo-fields of a request may not hold (RFC 9113 section 8.3.1), so that an HTTP/1.1 line can be made of them.</summary>
internal static class RequestBytes
{
    public static readonly SearchValues<byte> NotInPath = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, (byte)' ', 127]);

    /// <summary>Blanks and controls, what would end the authority, and '@': user information is deprecated.</summary>
    public static readonly SearchValues<byte> NotInAuthority = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127,
         .. " @/?#\\,"u8]);

    /// <summary>RFC 3986 section 3.1.</summary>
    public static bool IsScheme(ReadOnlySpan<byte> text) =>
        char.IsAsciiLetter((char)text[0]) && HttpBytes.IsToken(text) && text.IndexOfAny("!#$%&'*^_`|~"u8) < 0;
}

using System.Buffers;

namespace Mainstay.Core.Http;

/// <summary>The byte classes of RFC 9110 and RFC 3986, as vectorised sets.</summary>
internal static class HttpBytes
{
    /// <summary>tchar (RFC 9110 section 5.6.2).</summary>
    public static readonly SearchValues<byte> Token = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>
    /// What a request target may consist of: RFC 3986 and the further visible characters that browsers send unencoded. Never
    /// '"', '#', '&lt;', '&gt;' or anything that is not ASCII.
    /// </summary>
    public static readonly SearchValues<byte> Target = SearchValues.Create(
        "!$%&'()*+,-./0123456789:;=?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    /// <summary>
    /// A registered name (RFC 3986 section 3.2.2) without its sub-delims and percent-encoding: no name on the Internet has them,
    /// and the host goes into log lines, Forwarded and Location.
    /// </summary>
    public static readonly SearchValues<byte> RegisteredName = SearchValues.Create(
        "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>What a request id from outside may consist of: UUIDs, ULIDs, base64, trace ids.</summary>
    public static readonly SearchValues<byte> RequestId = SearchValues.Create(
        "+-./:=@_~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    public static bool IsToken(byte value) => Token.Contains(value);

    public static bool IsToken(ReadOnlySpan<byte> text) => text.Length > 0 && text.IndexOfAnyExcept(Token) < 0;

    /// <summary>Optional whitespace (RFC 9110 section 5.6.3).</summary>
    public static bool IsBlank(byte value) => value is (byte)' ' or (byte)'\t';

    /// <summary>
    /// A byte that no field value, chunk extension or line may hold: a control other than HTAB (RFC 9110 section 5.5).
    /// </summary>
    public static bool IsForbiddenControl(byte value) => (value < 0x20 && value != '\t') || value == 0x7F;

    /// <summary>0..15, or -1 for anything but a hexadecimal digit.</summary>
    public static int HexValue(byte digit) => digit switch
    {
        >= (byte)'0' and <= (byte)'9' => digit - '0',
        >= (byte)'a' and <= (byte)'f' => digit - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => digit - 'A' + 10,
        _ => -1,
    };

    /// <summary>
    /// Takes the next member of a comma-separated list (RFC 9110 section 5.6.1), trimmed; empty members are passed over.
    /// </summary>
    public static bool TryNextMember(ref ReadOnlySpan<byte> list, out ReadOnlySpan<byte> member)
    {
        while (!list.IsEmpty)
        {
            int comma = list.IndexOf((byte)',');
            member = Trim(comma < 0 ? list : list[..comma]);
            list = comma < 0 ? default : list[(comma + 1)..];
            if (!member.IsEmpty) return true;
        }

        member = default;
        return false;
    }

    public static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> text)
    {
        int start = 0, end = text.Length;
        while (start < end && IsBlank(text[start])) start++;
        while (end > start && IsBlank(text[end - 1])) end--;
        return text[start..end];
    }
}

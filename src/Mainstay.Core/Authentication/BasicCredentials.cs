using System.Buffers;
using System.Buffers.Text;

namespace Mainstay.Core.Authentication;

/// <summary>The value of Authorization: Basic (RFC 7617), in place.</summary>
public readonly ref struct BasicCredentials
{
    /// <summary>Of name and password together; a longer one is refused.</summary>
    public const int MaxLength = 1024;

    public ReadOnlySpan<byte> User { get; private init; }
    public ReadOnlySpan<byte> Password { get; private init; }

    /// <param name="value">The field's value.</param>
    /// <param name="room">At least <see cref="MaxLength"/> bytes; the result points into it.</param>
    public static bool TryRead(ReadOnlySpan<byte> value, Span<byte> room, out BasicCredentials credentials)
    {
        credentials = default;
        if (!AuthScheme.TryTake(value, "basic"u8, out ReadOnlySpan<byte> encoded)) return false;
        if (encoded.Length > MaxLength / 3 * 4 || encoded.ContainsAny(" \t\r\n"u8)) return false;
        if (Base64.DecodeFromUtf8(encoded, room, out _, out int length) != OperationStatus.Done) return false;
        ReadOnlySpan<byte> text = room[..length];
        int colon = text.IndexOf((byte)':');

        // Neither may hold control characters (section 2); a NUL would end the password where crypt(3) reads it.
        if (colon <= 0 || text.ContainsAnyInRange<byte>(0, 31) || text.Contains((byte)127)) return false;
        credentials = new BasicCredentials { User = text[..colon], Password = text[(colon + 1)..] };
        return true;
    }
}

/// <summary>The scheme at the beginning of an Authorization field (RFC 9110 section 11.4).</summary>
public static class AuthScheme
{
    /// <param name="lower">The scheme in lower case.</param>
    /// <param name="rest">What follows, without blanks around it.</param>
    public static bool TryTake(ReadOnlySpan<byte> value, ReadOnlySpan<byte> lower, out ReadOnlySpan<byte> rest)
    {
        rest = default;
        if (value.Length <= lower.Length || value[lower.Length] != ' ') return false;
        if (!System.Text.Ascii.EqualsIgnoreCase(value[..lower.Length], lower)) return false;
        rest = value[lower.Length..].Trim((byte)' ');
        return !rest.IsEmpty;
    }
}

using System.Text;

namespace Mainstay.Core.Http;

/// <summary>Walks over the query parameters and cookies of a request, in place.</summary>
internal static class RequestValues
{
    /// <summary>Takes the next name=value of a query off its front; undecoded. Without '=' the value is empty.</summary>
    public static bool TryNextParameter(scoped ref ReadOnlySpan<byte> query, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value) =>
        TryNextPair(ref query, (byte)'&', out name, out value);

    /// <summary>
    /// Takes the next name=value of a Cookie field off its front (RFC 6265 section 4.2.1); quotes around the value are part of
    /// it.
    /// </summary>
    public static bool TryNextCookie(scoped ref ReadOnlySpan<byte> cookies, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        bool found = TryNextPair(ref cookies, (byte)';', out name, out value);
        name = HttpBytes.Trim(name);
        value = HttpBytes.Trim(value);
        return found;
    }

    /// <summary>
    /// Decodes a query name or value: %XX, and '+' for a space. Broken encoding stays as it is. The result is never longer than
    /// the text.
    /// </summary>
    public static ReadOnlySpan<byte> DecodeParameter(ReadOnlySpan<byte> text, Span<byte> scratch)
    {
        if (text.IndexOfAny((byte)'%', (byte)'+') < 0) return text;
        int length = 0;
        for (int i = 0; i < text.Length; i++)
        {
            byte value = text[i];
            if (value == '+') value = (byte)' ';
            else if (value == '%' && PercentEncoding.TryDecode(text, i, out byte decoded)) (value, i) = (decoded, i + 2);
            scratch[length++] = value;
        }

        return scratch[..length];
    }

    public static bool HasName(in HeaderField field, ReadOnlySpan<byte> head, ReadOnlySpan<byte> name) =>
        field.NameLength == name.Length && Ascii.EqualsIgnoreCase(field.NameRange.Of(head), name);

    private static bool TryNextPair(
        scoped ref ReadOnlySpan<byte> text, byte separator, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        name = value = default;
        if (text.IsEmpty) return false;
        int end = text.IndexOf(separator);
        ReadOnlySpan<byte> pair = end < 0 ? text : text[..end];
        text = end < 0 ? default : text[(end + 1)..];
        int equals = pair.IndexOf((byte)'=');
        name = equals < 0 ? pair : pair[..equals];
        value = equals < 0 ? default : pair[(equals + 1)..];
        return true;
    }
}

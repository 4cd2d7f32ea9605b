using System.Buffers;
using System.Text;

namespace Mainstay.Core.Http;

/// <summary>
/// Escapes what came from outside, so that a log line stays one line of harmless ASCII whatever a client sends.
/// </summary>
internal static class LogText
{
    /// <summary>Printable ASCII without '"' and '\': copied as it is into both formats.</summary>
    private static readonly SearchValues<byte> s_plain = SearchValues.Create(
        " !#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[]^_`abcdefghijklmnopqrstuvwxyz{|}~"u8);

    private static ReadOnlySpan<byte> HexDigits => "0123456789abcdef"u8;

    /// <summary>
    /// A JSON member whose name and opening quote are in <paramref name="name"/>; most values need no escape and are copied.
    /// </summary>
    public static void WriteMember(ref HeadBuffer buffer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (value.IndexOfAnyExcept(s_plain) >= 0)
        {
            buffer.Write(name);
            WriteJson(ref buffer, value);
            buffer.Write("\""u8);
            return;
        }

        Span<byte> room = buffer.Reserve(name.Length + value.Length + 1);
        if (room.IsEmpty) return;
        name.CopyTo(room);
        value.CopyTo(room[name.Length..]);
        room[^1] = (byte)'"';
    }

    /// <summary>
    /// The inside of a JSON string (RFC 8259 section 7); all that is not ASCII as \uXXXX, invalid UTF-8 as \ufffd.
    /// </summary>
    public static void WriteJson(ref HeadBuffer buffer, ReadOnlySpan<byte> text)
    {
        Span<char> units = stackalloc char[2];
        while (true)
        {
            int run = text.IndexOfAnyExcept(s_plain);
            buffer.Write(run < 0 ? text : text[..run]);
            if (run < 0) return;
            text = text[run..];
            if (text[0] is (byte)'"' or (byte)'\\')
            {
                buffer.Write([(byte)'\\', text[0]]);
                text = text[1..];
                continue;
            }

            Rune.DecodeFromUtf8(text, out Rune rune, out int used);
            foreach (char unit in units[..rune.EncodeToUtf16(units)]) WriteUnit(ref buffer, unit);
            text = text[used..];
        }
    }

    /// <summary>As Apache does inside of quotes: \" and \\, and every byte outside of printable ASCII as \xhh.</summary>
    public static void WriteQuoted(ref HeadBuffer buffer, scoped ReadOnlySpan<byte> text)
    {
        while (true)
        {
            int run = text.IndexOfAnyExcept(s_plain);
            buffer.Write(run < 0 ? text : text[..run]);
            if (run < 0) return;
            byte value = text[run];
            if (value is (byte)'"' or (byte)'\\') buffer.Write([(byte)'\\', value]);
            else buffer.Write([(byte)'\\', (byte)'x', HexDigits[value >> 4], HexDigits[value & 15]]);
            text = text[(run + 1)..];
        }
    }

    private static void WriteUnit(ref HeadBuffer buffer, char unit) => buffer.Write(
        [(byte)'\\', (byte)'u', HexDigits[unit >> 12], HexDigits[unit >> 8 & 15], HexDigits[unit >> 4 & 15], HexDigits[unit & 15]]);
}

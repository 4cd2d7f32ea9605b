using System.Globalization;
using System.Text;

namespace Mainstay.Core.Probing;

/// <summary>Bytes from outside as text that is safe in a log, a page and a terminal.</summary>
public static class WireText
{
    /// <summary>Bytes that are shown before the rest is cut.</summary>
    public const int Shown = 48;

    /// <summary>In quotes, ASCII only, everything else as \xNN, cut after <see cref="Shown"/> bytes.</summary>
    public static string Quote(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(64).Append('"');
        foreach (byte b in bytes[..Math.Min(bytes.Length, Shown)])
        {
            if (b is >= 0x20 and < 0x7F and not (byte)'"' and not (byte)'\\') text.Append((char)b);
            else text.Append(CultureInfo.InvariantCulture, $"\\x{b:x2}");
        }

        return text.Append(bytes.Length > Shown ? "\"..." : "\"").ToString();
    }

    /// <summary>A duration as it is written in the configuration: 500ms, 2s, 1.5s.</summary>
    public static string Duration(TimeSpan span) => span < TimeSpan.FromSeconds(1)
        ? string.Create(CultureInfo.InvariantCulture, $"{span.TotalMilliseconds:0.###}ms")
        : string.Create(CultureInfo.InvariantCulture, $"{span.TotalSeconds:0.###}s");
}

using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Http;

/// <summary>Chunked bodies, sound and damaged, and a decoder that knows them only as a whole.</summary>
internal static partial class ChunkedCorpus
{
    private static readonly string[] s_extensions = ["", "", "", ";a", ";a=b", " ;a=\"b;c\"", ";", "\t;x", " ", ";\0", ";\n"];
    private static readonly string[] s_trailers = ["", "", "", "X: y\r\n", "A:\r\nB: c\r\n", "Host: h\r\n", "A : b\r\n", " x\r\n", "content-length: 1\r\n"];

    public static byte[] Make(Random random)
    {
        var text = new StringBuilder();
        bool sound = random.Next(2) == 0;
        for (int count = random.Next(4); count > 0; count--)
        {
            int size = random.Next(1, 20);
            text.Append(size.ToString(random.Next(2) == 0 ? "x" : "X3", CultureInfo.InvariantCulture));
            text.Append(s_extensions[random.Next(sound ? 6 : s_extensions.Length)]).Append("\r\n");
            for (int i = 0; i < size; i++) text.Append((char)random.Next(256));
            text.Append("\r\n");
        }

        text.Append('0').Append("\r\n").Append(s_trailers[random.Next(sound ? 5 : s_trailers.Length)]).Append("\r\nGET / HTTP/1.1\r\n");
        byte[] bytes = Encoding.Latin1.GetBytes(text.ToString());
        if (!sound && random.Next(2) == 0) bytes[random.Next(bytes.Length)] = "\r\n0;f: "u8[random.Next(7)];
        return random.Next(10) == 0 ? bytes[..random.Next(bytes.Length)] : bytes;
    }

    /// <summary>Refused, or the body's length and content; -1 when it has no end yet.</summary>
    public static (bool Refused, int Length, string Content) Decode(byte[] bytes, HttpLimits limits)
    {
        string text = Encoding.Latin1.GetString(bytes);
        var content = new StringBuilder();
        int at = 0, extensions = 0;
        while (true)
        {
            Match line = SizeLine().Match(text, at);
            if (!line.Success) return Unfinished(SizeLineStart(), text, at);
            extensions += line.Groups[2].Length;
            if (extensions > limits.Head) return (true, -1, "");
            int size = int.Parse(line.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            at += line.Length;
            if (size == 0) break;
            int end = at + size;
            if (end >= text.Length) return (false, -1, "");
            if (text[end] != '\r' || (end + 1 < text.Length && text[end + 1] != '\n')) return (true, -1, "");
            if (end + 1 == text.Length) return (false, -1, "");
            content.Append(text, at, size);
            at = end + 2;
        }

        for (Match field = TrailerLine().Match(text, at); field.Success; field = TrailerLine().Match(text, at))
        {
            if (Forbidden().IsMatch(field.Groups[1].Value)) return (true, -1, "");
            at += field.Length;
        }

        if (text.AsSpan(at).StartsWith("\r\n")) return (false, at + 2, content.ToString());
        (bool refused, int, string) rest = Unfinished(TrailerStart(), text, at);
        return rest.refused || !ForbiddenStart().Match(text, at).Success ? rest : (true, -1, "");
    }

    /// <summary>Not a whole line: refused unless all that is there could be the start of one.</summary>
    private static (bool Refused, int Length, string Content) Unfinished(Regex start, string text, int at)
    {
        Match match = start.Match(text, at);
        return (!match.Success || at + match.Length < text.Length, -1, "");
    }

    [GeneratedRegex(@"\G([0-9a-fA-F]{1,7})((?:[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*)?)\r\n")]
    private static partial Regex SizeLine();

    [GeneratedRegex(@"\G(?:[0-9a-fA-F]{1,7}(?:\r|[ \t]*;[^\x00-\x08\x0a-\x1f\x7f]*\r?|[ \t]*))?")]
    private static partial Regex SizeLineStart();

    [GeneratedRegex(@"\G([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[^\x00-\x08\x0a-\x1f\x7f]*\r\n")]
    private static partial Regex TrailerLine();

    [GeneratedRegex(@"\G(?:\r|[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?::[^\x00-\x08\x0a-\x1f\x7f]*\r?)?)?")]
    private static partial Regex TrailerStart();

    [GeneratedRegex("^(host|content-length)$", RegexOptions.IgnoreCase)]
    private static partial Regex Forbidden();

    [GeneratedRegex(@"\G(host|content-length):", RegexOptions.IgnoreCase)]
    private static partial Regex ForbiddenStart();
}

using System.Text;
using Mainstay.Core.Config;
using YamlDotNet.Core;

namespace Mainstay.Configuration;

/// <summary>From the bytes of a configuration file to nodes with positions, or to the one place where it is not YAML.</summary>
internal static class YamlReader
{
    /// <summary>Far beyond any configuration written by hand or by a template.</summary>
    public const int LargestFile = 4 * 1024 * 1024;

    /// <summary>What the parser counts lines by: YAML 1.1 section 5.4.</summary>
    private static readonly string[] LineBreaks = ["\r\n", "\n", "\r", "\u0085", "\u2028", "\u2029"];

    /// <returns>False with <paramref name="error"/>; true with <paramref name="root"/>.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, string file, out ConfigNode? root, out ConfigDiagnostic? error)
    {
        root = null;
        if (!TryDecode(bytes, file, out string text, out error)) return false;
        return TryRead(text, file, out root, out error);
    }

    public static bool TryRead(string text, string file, out ConfigNode? root, out ConfigDiagnostic? error)
    {
        root = null;
        error = FindControlCharacter(text, file);
        if (error is not null) return false;
        try
        {
            root = new YamlNodes(new Parser(new StringReader(text)), file, LineCount(text)).ReadDocument();
            return true;
        }
        catch (YamlException problem)
        {
            error = Describe(problem, text, file);
        }
        catch (Exception problem) when (problem is ArgumentException or InvalidOperationException or FormatException or OverflowException)
        {
            // The parser reports some malformed escapes and directives without a position.
            error = new ConfigDiagnostic(new SourcePosition(file, 1, 1), $"not valid YAML: {OneLine(problem.Message)}");
        }

        return false;
    }

    private static bool TryDecode(ReadOnlySpan<byte> bytes, string file, out string text, out ConfigDiagnostic? error)
    {
        (text, error) = ("", null);
        if (bytes.Length > LargestFile)
        {
            error = new ConfigDiagnostic(new SourcePosition(file, 1, 1), $"the file is larger than {LargestFile / 1024 / 1024} MiB");
            return false;
        }

        if (bytes.StartsWith(Encoding.UTF8.Preamble)) bytes = bytes[Encoding.UTF8.Preamble.Length..];
        bool wide = bytes.Length >= 2 && (bytes[0], bytes[1]) is (0xFE, 0xFF) or (0xFF, 0xFE);
        if (!wide && System.Text.Unicode.Utf8.IsValid(bytes))
        {
            text = Encoding.UTF8.GetString(bytes);
            return true;
        }

        int valid = ValidPrefix(bytes);
        string message = wide ? "the file is encoded in UTF-16 (save it as UTF-8)" : "not valid UTF-8 here (save the file as UTF-8)";
        error = new ConfigDiagnostic(PositionAt(Encoding.UTF8.GetString(bytes[..valid]), int.MaxValue, file), message);
        return false;
    }

    private static int ValidPrefix(ReadOnlySpan<byte> bytes)
    {
        int at = 0;
        while (at < bytes.Length && Rune.DecodeFromUtf8(bytes[at..], out _, out int length) == System.Buffers.OperationStatus.Done) at += length;
        return at;
    }

    /// <summary>YAML 1.2 section 5.1 allows no control characters but tab and line breaks.</summary>
    private static ConfigDiagnostic? FindControlCharacter(string text, string file)
    {
        for (int i = 0; i < text.Length; i++)
        {
            bool allowed = !char.IsControl(text[i]) || text[i] is '\t' or '\n' or '\r' or '\u0085';
            if (allowed) continue;
            string message = $"a control character (\\x{(int)text[i]:x2}), which YAML does not allow; inside double quotes it is written so";
            return new ConfigDiagnostic(PositionAt(text, i, file), message);
        }

        return null;
    }

    private static ConfigDiagnostic Describe(YamlException problem, string text, string file)
    {
        Mark at = problem.Start;
        var position = new SourcePosition(file, (int)Math.Clamp(at.Line, 1, LineCount(text)), (int)Math.Max(1, at.Column));
        if (problem is RefusedYamlException) return new ConfigDiagnostic(position, problem.Message);
        string[] lines = text.Split(LineBreaks, StringSplitOptions.None);

        // The parser points to where the block began when the line after it is indented with a tab.
        int tabbed = Array.FindIndex(lines, position.Line - 1, Math.Min(2, lines.Length - position.Line + 1), IsIndentedWithTab);
        if (tabbed >= 0) return new ConfigDiagnostic(new SourcePosition(file, tabbed + 1, 1), "the line is indented with a tab (YAML takes spaces)");
        string hint = Hint(lines[position.Line - 1]);
        if (hint.Length == 0 && IsMisplaced(problem)) hint = " (is the line indented exactly like those it belongs to?)";
        return new ConfigDiagnostic(position, $"not valid YAML: {OneLine(problem.Message)}{hint}");
    }

    /// <summary>The parser's words for a line that begins in a column where nothing can.</summary>
    private static bool IsMisplaced(YamlException problem) =>
        problem.Message.Contains("parsing a block", StringComparison.Ordinal)
        || problem.Message.Contains("mapping values are not allowed", StringComparison.OrdinalIgnoreCase);

    private static int LineCount(string text) => text.Split(LineBreaks, StringSplitOptions.None).Length;

    private static bool IsIndentedWithTab(string line) => line.AsSpan(0, line.Length - line.TrimStart().Length).Contains('\t');

    /// <summary>What is most often meant where YAML reads something else.</summary>
    private static string Hint(string line)
    {
        if (line.Contains(": *") || line.Contains("- *") || line.Contains("[*") || line.Contains(", *"))
            return " (text that begins with a star goes in quotes: \"*.example.com\")";
        if (line.Contains(": [") || line.Contains("- [")) return " (an IPv6 address with port goes in quotes: \"[::]:80\")";
        return line.Contains(": %") || line.Contains(": @") || line.Contains(": `") ? " (text that begins with %, @ or ` goes in quotes)" : "";
    }

    private static SourcePosition PositionAt(string text, int index, string file)
    {
        ReadOnlySpan<char> before = text.AsSpan(0, Math.Min(index, text.Length));
        return new SourcePosition(file, before.Count('\n') + 1, before.Length - before.LastIndexOf('\n'));
    }

    private static string OneLine(string message)
    {
        string line = message.ReplaceLineEndings(" ").Trim();
        return string.Concat(line.Select(c => char.IsControl(c) ? '?' : c));
    }
}

using System.Text;
using Mainstay.Core.Config;

namespace Mainstay.Core.Rules;

/// <summary>What is wrong with a line of a map or list file.</summary>
public readonly record struct TableError(int Line, string Message);

/// <summary>
/// Reads a map file: one key and its value a line, with blanks between them; blank lines and lines that begin with '#' mean nothing.
/// The value goes to the end of the line.
/// </summary>
public static class MapFile
{
    /// <summary>Errors that are worth reading at once.</summary>
    private const int MostErrors = 20;

    /// <summary>False after at least one error; the entries are then of no use.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> file, MapKind kind, out List<KeyValuePair<byte[], byte[]>> entries, out IReadOnlyList<TableError> errors)
    {
        entries = [];
        var problems = new List<TableError>();
        var lines = new TableLines(file);
        while (lines.TryNext(out ReadOnlySpan<byte> line))
        {
            int blank = line.IndexOfAny((byte)' ', (byte)'\t');
            ReadOnlySpan<byte> key = blank < 0 ? line : line[..blank], value = blank < 0 ? default : line[blank..].Trim(" \t"u8);
            string? problem = blank < 0 ? "a key without a value (KEY VALUE)" : Check(key, value, kind);
            if (problem is null) entries.Add(new KeyValuePair<byte[], byte[]>(KeyOf(key, kind), value.ToArray()));
            else problems.Add(new TableError(lines.Number, problem));
            if (problems.Count == MostErrors) break;
        }

        errors = problems;
        return problems.Count == 0;
    }

    /// <summary>Null, or why the entry cannot be in such a map.</summary>
    public static string? Check(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, MapKind kind)
    {
        if (key.IsEmpty) return "the key is empty";
        if (value.IsEmpty) return "the value is empty";
        if (key.Length > MapContent.LongestText || value.Length > MapContent.LongestText) return $"longer than {MapContent.LongestText} bytes";
        if (ContainsControls(key) || ContainsControls(value) || key.IndexOfAny((byte)' ', (byte)'\t') >= 0) return "contains control characters, or a blank in the key";
        if (kind == MapKind.Prefix && key.Length > MapContent.LongestPrefix) return $"longer than {MapContent.LongestPrefix} bytes";
        if (kind != MapKind.Host) return null;
        ReadOnlySpan<byte> name = key.StartsWith("*."u8) ? key[2..] : key;
        bool valid = name.Length is > 0 and < Http.HostIndex.MaxLength && name.IndexOf((byte)'*') < 0 && name.IndexOf((byte)':') < 0;
        return valid ? null : "not a host name without port, or \"*.\" and a domain";
    }

    /// <summary>The key as the map has it: hosts are compared without case and without a final dot.</summary>
    public static byte[] KeyOf(ReadOnlySpan<byte> key, MapKind kind)
    {
        byte[] copy = key.ToArray();
        if (kind != MapKind.Host) return copy;
        Ascii.ToLowerInPlace(copy, out _);
        return copy is [.., _, (byte)'.'] ? copy[..^1] : copy;
    }

    private static bool ContainsControls(ReadOnlySpan<byte> text) => text.IndexOfAnyInRange((byte)0, (byte)0x1F) >= 0 || text.IndexOf((byte)0x7F) >= 0;
}

/// <summary>Reads an address list: one address or range a line; <c>!</c> before it makes it an exception from a larger one.</summary>
public static class AddressListFile
{
    private const int MostErrors = 20;

    public static bool TryRead(ReadOnlySpan<byte> file, out List<AddressListEntry> entries, out IReadOnlyList<TableError> errors)
    {
        entries = [];
        var problems = new List<TableError>();
        var lines = new TableLines(file);
        while (lines.TryNext(out ReadOnlySpan<byte> line))
        {
            // What follows the address is for people.
            int end = line.IndexOfAny((byte)' ', (byte)'\t', (byte)'#');
            string text = Encoding.UTF8.GetString(end < 0 ? line : line[..end]);
            if (TryParse(text, out AddressListEntry entry)) entries.Add(entry);
            else problems.Add(new TableError(lines.Number, $"{Config.Vocabulary.Compilation.Show(text)} is not an address or range such as 192.0.2.1, 10.0.0.0/8 or !10.9.0.0/16"));
            if (problems.Count == MostErrors) break;
        }

        errors = problems;
        return problems.Count == 0;
    }

    public static bool TryParse(string text, out AddressListEntry entry)
    {
        bool isException = text.StartsWith('!');
        bool valid = Net.AddressRange.TryParse(isException ? text.AsSpan(1) : text, out Net.AddressRange range);
        entry = new AddressListEntry(range, !isException);
        return valid;
    }

    public static string Write(AddressListEntry entry) => entry.IsListed ? entry.Range.ToString() : $"!{entry.Range}";
}

/// <summary>The lines of a file that say something, trimmed.</summary>
internal ref struct TableLines(ReadOnlySpan<byte> file)
{
    private ReadOnlySpan<byte> _rest = file.StartsWith("\ufeff"u8) ? file[3..] : file;

    /// <summary>Of the line given last, from 1.</summary>
    public int Number { get; private set; }

    public bool TryNext(out ReadOnlySpan<byte> line)
    {
        while (!_rest.IsEmpty)
        {
            Number++;
            int end = _rest.IndexOf((byte)'\n');
            line = (end < 0 ? _rest : _rest[..end]).Trim(" \t\r"u8);
            _rest = end < 0 ? default : _rest[(end + 1)..];
            if (!line.IsEmpty && line[0] != '#') return true;
        }

        line = default;
        return false;
    }
}

using System.Text;

namespace Mainstay.Core.Http2;

/// <summary>The static table (RFC 7541 appendix A): index 1 to 61.</summary>
internal static class StaticTable
{
    public const int Count = 61;

    private static readonly (string Name, string Value)[] s_fields =
    [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"), (":scheme", "http"),
        (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"),
        (":status", "404"), (":status", "500"), ("accept-charset", ""), ("accept-encoding", "gzip, deflate"), ("accept-language", ""),
        ("accept-ranges", ""), ("accept", ""), ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""),
        ("cache-control", ""), ("content-disposition", ""), ("content-encoding", ""), ("content-language", ""), ("content-length", ""),
        ("content-location", ""), ("content-range", ""), ("content-type", ""), ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""),
        ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""), ("if-none-match", ""), ("if-range", ""),
        ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
        ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""), ("retry-after", ""),
        ("server", ""), ("set-cookie", ""), ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""),
        ("via", ""), ("www-authenticate", ""),
    ];

    private static readonly byte[] s_text;
    private static readonly HpackEntry[] s_entries = new HpackEntry[Count + 1];

    /// <summary>Indexes of the first entries of their names, by hash; 0 is free.</summary>
    private static readonly byte[] s_byName = new byte[256];

    static StaticTable()
    {
        var text = new StringBuilder();
        for (int i = 0; i < Count; i++)
        {
            (string name, string value) = s_fields[i];
            byte[] nameBytes = Encoding.ASCII.GetBytes(name);
            ref HpackEntry entry = ref s_entries[i + 1];
            entry = new HpackEntry { Start = (uint)text.Length, NameLength = name.Length, ValueLength = value.Length };
            entry.Fault = FieldCheck.Classify(nameBytes, Encoding.ASCII.GetBytes(value), out entry.Kind);
            text.Append(name).Append(": ").Append(value).Append("\r\n");
            if (i > 0 && s_fields[i - 1].Name == name) continue;
            uint slot = FieldHash.Of(nameBytes) % 256;
            while (s_byName[slot] != 0) slot = (slot + 1) % 256;
            s_byName[slot] = (byte)(i + 1);
        }

        s_text = Encoding.ASCII.GetBytes(text.ToString());
    }

    public static ref readonly HpackEntry Entry(int index) => ref s_entries[index];

    /// <summary>The entry as a line: name, ": ", value, CRLF.</summary>
    public static ReadOnlySpan<byte> Line(scoped in HpackEntry entry) => s_text.AsSpan((int)entry.Start, entry.LineLength);

    public static ReadOnlySpan<byte> Name(int index) => s_text.AsSpan((int)s_entries[index].Start, s_entries[index].NameLength);

    private static ReadOnlySpan<byte> Value(int index)
    {
        HpackEntry entry = s_entries[index];
        return s_text.AsSpan((int)entry.Start + entry.NameLength + 2, entry.ValueLength);
    }

    /// <summary>First index of a name in lower case, or 0.</summary>
    public static int FindName(ReadOnlySpan<byte> name, uint hash)
    {
        for (uint slot = hash % 256; s_byName[slot] != 0; slot = (slot + 1) % 256)
            if (Name(s_byName[slot]).SequenceEqual(name)) return s_byName[slot];
        return 0;
    }

    /// <summary>Index of name and value, given the first index of the name; or 0.</summary>
    public static int FindValue(int nameIndex, ReadOnlySpan<byte> value)
    {
        // Names with values of their own are at the front, save one; the others have an empty value that nobody sends.
        for (int i = nameIndex; i <= Count && (i == nameIndex || s_fields[i - 1].Name == s_fields[nameIndex - 1].Name); i++)
            if (Value(i).SequenceEqual(value)) return i;
        return 0;
    }
}

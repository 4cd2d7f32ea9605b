namespace Mainstay.Core.Http2;

/// <summary>
/// Encodes field blocks (RFC 7541) with a dynamic table. One for each connection. Strings that go into the table are Huffman coded
/// when that is shorter, since they are sent once for many messages; others go as they are: coding them costs more than their
/// bytes.
/// </summary>
internal sealed class HpackEncoder(Http2Shelves shelves)
{
    /// <summary>More than this is not worth storage and searching, whatever the peer would keep.</summary>
    public const int MaxTableSize = 4096;

    /// <summary>Of no entry that can be found: looks for a name alone.</summary>
    private const uint NoHash = 0;

    /// <summary>Hashes of fields sent lately: a power of two, about as many as the table holds entries.</summary>
    private const int SeenCount = 64;

    /// <summary>Bytes that <see cref="BeginBlock"/> writes at most.</summary>
    public const int MaxBlockStart = 2 * HpackInteger.MaxLength;

    private readonly DynamicTable _table = new(shelves, finds: true);
    private readonly uint[] _seen = new uint[SeenCount];

    /// <summary>The smallest and the last maximum that the peer set since the last block; -1: none.</summary>
    private int _smallestLimit = -1;
    private int _lastLimit = -1;

    /// <summary>For a new connection: the peer's table has its initial size (RFC 9113 section 6.5.2).</summary>
    public void Reset()
    {
        _table.Release();
        _table.Resize(MaxTableSize);
        _seen.AsSpan().Clear();
        _smallestLimit = _lastLimit = -1;
    }

    /// <summary>Gives the storage back.</summary>
    public void Release() => _table.Release();

    /// <summary>The peer's SETTINGS_HEADER_TABLE_SIZE has changed; the next block says so (section 4.2).</summary>
    public void OnPeerLimit(uint limit)
    {
        int size = (int)Math.Min(limit, MaxTableSize);
        if (_lastLimit < 0 && size == _table.MaxSize) return;
        _smallestLimit = _lastLimit < 0 ? size : Math.Min(_smallestLimit, size);
        _lastLimit = size;
    }

    /// <summary>Starts a block. Returns the bytes written: size updates, where the peer's limit has changed.</summary>
    public int BeginBlock(Span<byte> destination)
    {
        if (_lastLimit < 0) return 0;
        int written = 0;
        if (_smallestLimit < _lastLimit)
        {
            written = HpackInteger.Write(destination, 5, 0x20, _smallestLimit);
            _table.Resize(_smallestLimit);
        }

        written += HpackInteger.Write(destination[written..], 5, 0x20, _lastLimit);
        _table.Resize(_lastLimit);
        _smallestLimit = _lastLimit = -1;
        return written;
    }

    /// <summary>Room that <see cref="Write"/> may need.</summary>
    public static int MaxLength(int nameLength, int valueLength) => nameLength + valueLength + 3 * HpackInteger.MaxLength;

    /// <summary>Writes one field.</summary>
    /// <param name="name">In lower case.</param>
    /// <param name="neverIndexed">It came as never indexed, or is otherwise known to be sensitive.</param>
    /// <returns>Bytes written.</returns>
    public int Write(Span<byte> destination, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool neverIndexed = false)
    {
        uint nameHash = FieldHash.Of(name);
        int nameIndex = StaticTable.FindName(name, nameHash);
        Indexing indexing = neverIndexed ? Indexing.Never : IndexingRules.Of(nameIndex);
        if (indexing == Indexing.Never) return WriteLiteral(destination, 0x10, 4, NameIndex(name, nameHash, nameIndex), name, value, code: false);
        if (nameIndex is > 0 and <= 16)
        {
            int index = StaticTable.FindValue(nameIndex, value);
            if (index > 0) return HpackInteger.Write(destination, 7, 0x80, index);
        }

        uint pairHash = FieldHash.Of(value, nameHash);
        int found = _table.Find(name, value, nameHash, pairHash, out int named);
        if (found > 0) return HpackInteger.Write(destination, 7, 0x80, StaticTable.Count + found);
        if (nameIndex == 0 && named > 0) nameIndex = StaticTable.Count + named;
        if (!IsWorthIndexing(name, value, pairHash, indexing))
            return WriteLiteral(destination, 0x00, 4, nameIndex, name, value, code: false);
        int written = WriteLiteral(destination, 0x40, 6, nameIndex, name, value, code: true);
        _table.Insert(name, value, default, nameHash, pairHash);
        return written;
    }

    private int NameIndex(ReadOnlySpan<byte> name, uint nameHash, int staticIndex)
    {
        if (staticIndex > 0) return staticIndex;
        _table.Find(name, default, nameHash, NoHash, out int named);
        return named > 0 ? StaticTable.Count + named : 0;
    }

    private bool IsWorthIndexing(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, uint pairHash, Indexing indexing)
    {
        // One that would push out a quarter of the table has to be worth more than all of that.
        if (name.Length + value.Length + HpackEntry.Overhead > _table.MaxSize / 4) return false;
        if (indexing == Indexing.Always) return true;
        ref uint seen = ref _seen[pairHash % SeenCount];
        bool repeated = seen == pairHash;
        seen = pairHash;
        return repeated && !IndexingRules.IsSecret(name);
    }

    /// <param name="code">Use the Huffman code where it is shorter.</param>
    private static int WriteLiteral(
        Span<byte> destination, byte pattern, int prefixBits, int nameIndex, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, bool code)
    {
        int at = HpackInteger.Write(destination, prefixBits, pattern, nameIndex);
        if (nameIndex == 0) at += WriteString(destination[at..], name, code);
        return at + WriteString(destination[at..], value, code);
    }

    private static int WriteString(Span<byte> destination, ReadOnlySpan<byte> text, bool code)
    {
        int length = code ? Huffman.EncodedLength(text) : text.Length;
        if (length >= text.Length)
        {
            int at = HpackInteger.Write(destination, 7, 0, text.Length);
            text.CopyTo(destination[at..]);
            return at + text.Length;
        }

        int start = HpackInteger.Write(destination, 7, 0x80, length);
        Huffman.Encode(text, destination[start..]);
        return start + length;
    }
}

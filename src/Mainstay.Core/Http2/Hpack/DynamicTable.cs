namespace Mainstay.Core.Http2;

/// <summary>One field of a compression table; its text is a line: name, ": ", value, CRLF.</summary>
internal struct HpackEntry
{
    /// <summary>What an entry counts for beyond its text (RFC 7541 section 4.1).</summary>
    public const int Overhead = 32;

    /// <summary>Of the line, as the table counts offsets.</summary>
    public uint Start;
    public int NameLength;
    public int ValueLength;
    public FieldKind Kind;

    /// <summary>Why a message with this field is malformed.</summary>
    public Http2Reason Fault;

    public readonly int LineLength => NameLength + ValueLength + 4;

    /// <summary>As it counts against the table's maximum.</summary>
    public readonly int Size => NameLength + ValueLength + Overhead;
}

/// <summary>
/// The dynamic table of RFC 7541 section 2.3.2, for decoder and encoder: newest entry first, the oldest ones are evicted. Every
/// entry's line lies in one piece, so that a field goes into a head by one copy. Storage grows with what is in it, up to the
/// maximum, and comes from the shard's shelves.
/// </summary>
/// <param name="finds">Keep hashes for <see cref="Find"/>: the encoder's half.</param>
internal sealed class DynamicTable(Http2Shelves shelves, bool finds)
{
    private byte[] _text = [];
    private HpackEntry[] _entries = [];

    /// <summary>Of name and value, and of the name alone, at the place of their entry; 0 where there is none.</summary>
    private uint[] _pairHashes = [];
    private uint[] _nameHashes = [];

    /// <summary>Entries ever inserted; entry n is at n modulo the arrays' length, a power of two.</summary>
    private uint _inserted;

    /// <summary>Offset of the first byte of <see cref="_text"/>: offsets only grow, and wrap around.</summary>
    private uint _textBase;
    private uint _textEnd;

    public int Count { get; private set; }

    /// <summary>As RFC 7541 section 4.1 counts.</summary>
    public int Size { get; private set; }

    public int MaxSize { get; private set; }

    /// <summary>1 is the newest entry; up to <see cref="Count"/>.</summary>
    public ref readonly HpackEntry Entry(int index) => ref _entries[(_inserted - (uint)index) & (uint)(_entries.Length - 1)];

    public ReadOnlySpan<byte> Line(scoped in HpackEntry entry) => _text.AsSpan((int)(entry.Start - _textBase), entry.LineLength);

    /// <summary>Section 4.3: what no longer fits is evicted.</summary>
    public void Resize(int maxSize)
    {
        MaxSize = maxSize;
        EvictTo(maxSize);
    }

    /// <summary>
    /// Section 4.4: makes room and inserts; an entry larger than the table empties it. Name and value must not lie in this table.
    /// </summary>
    /// <param name="entry">What is known of the field; its place is filled in here.</param>
    public void Insert(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, HpackEntry entry, uint nameHash = 0, uint pairHash = 0)
    {
        entry.NameLength = name.Length;
        entry.ValueLength = value.Length;
        if (entry.Size > MaxSize)
        {
            EvictTo(0);
            return;
        }

        EvictTo(MaxSize - entry.Size);
        if (Count == _entries.Length) GrowEntries();
        entry.Start = _textEnd;
        WriteLine(TextRoom(entry.LineLength), name, value);
        _textEnd += (uint)entry.LineLength;
        uint place = _inserted++ & (uint)(_entries.Length - 1);
        _entries[place] = entry;
        if (finds)
        {
            _pairHashes[place] = pairHash;
            _nameHashes[place] = nameHash;
        }

        Count++;
        Size += entry.Size;
    }

    /// <summary>Index of an entry with that name and value, or 0; then <paramref name="nameIndex"/> is one with that name, or 0.</summary>
    /// <param name="pairHash">0: the name alone is looked for.</param>
    public int Find(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, uint nameHash, uint pairHash, out int nameIndex)
    {
        nameIndex = 0;
        for (int from = 0, place; pairHash != 0 && (place = NextPlace(_pairHashes, from, pairHash)) >= 0; from = place + 1)
        {
            ref readonly HpackEntry entry = ref _entries[place];
            ReadOnlySpan<byte> line = Line(entry);
            if (entry.NameLength == name.Length && entry.ValueLength == value.Length && line.StartsWith(name)
                && line.Slice(name.Length + 2, value.Length).SequenceEqual(value)) return IndexAt(place);
        }

        for (int from = 0, place; (place = NextPlace(_nameHashes, from, nameHash)) >= 0; from = place + 1)
        {
            ref readonly HpackEntry entry = ref _entries[place];
            if (entry.NameLength != name.Length || !Line(entry).StartsWith(name)) continue;
            nameIndex = IndexAt(place);
            return 0;
        }

        return 0;
    }

    /// <summary>Gives the storage back; the table is as new.</summary>
    public void Release()
    {
        EvictTo(0);
        shelves.Bytes.Return(_text);
        shelves.Entries.Return(_entries);
        shelves.Hashes.Return(_pairHashes);
        shelves.Hashes.Return(_nameHashes);
        _text = [];
        _entries = [];
        _pairHashes = _nameHashes = [];
        _inserted = _textBase = _textEnd = 0;
        MaxSize = 0;
    }

    private static void WriteLine(Span<byte> destination, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        name.CopyTo(destination);
        ": "u8.CopyTo(destination[name.Length..]);
        value.CopyTo(destination[(name.Length + 2)..]);
        "\r\n"u8.CopyTo(destination[(name.Length + 2 + value.Length)..]);
    }

    private static int NextPlace(uint[] hashes, int from, uint hash)
    {
        int found = hashes.AsSpan(from).IndexOf(hash);
        return found < 0 ? -1 : from + found;
    }

    private int IndexAt(int place) => (int)((_inserted - 1 - (uint)place) & (uint)(_entries.Length - 1)) + 1;

    private void EvictTo(int size)
    {
        while (Size > size)
        {
            uint place = (_inserted - (uint)Count) & (uint)(_entries.Length - 1);
            Size -= _entries[place].Size;
            Count--;
            if (finds) _pairHashes[place] = _nameHashes[place] = 0;
        }
    }

    /// <summary>Room behind the text; the live part moves to the front when there is too little, and grows when that is not enough.</summary>
    private Span<byte> TextRoom(int length)
    {
        int end = (int)(_textEnd - _textBase);
        if (length <= _text.Length - end) return _text.AsSpan(end);
        uint liveStart = Count == 0 ? _textEnd : Entry(Count).Start;
        int live = (int)(_textEnd - liveStart);
        Span<byte> text = _text.AsSpan((int)(liveStart - _textBase), live);
        if (live + length <= _text.Length)
        {
            text.CopyTo(_text);
        }
        else
        {
            byte[] larger = shelves.Bytes.Rent(Math.Max(live + length, 512));
            text.CopyTo(larger);
            shelves.Bytes.Return(_text);
            _text = larger;
        }

        _textBase = liveStart;
        return _text.AsSpan(live);
    }

    private void GrowEntries()
    {
        HpackEntry[] entries = shelves.Entries.Rent(Math.Max(16, _entries.Length * 2));
        uint[] pairs = finds ? shelves.Hashes.Rent(entries.Length) : [], names = finds ? shelves.Hashes.Rent(entries.Length) : [];
        pairs.AsSpan().Clear();
        names.AsSpan().Clear();
        for (uint n = _inserted - (uint)Count; n != _inserted; n++)
        {
            uint from = n & (uint)(_entries.Length - 1), to = n & (uint)(entries.Length - 1);
            entries[to] = _entries[from];
            if (finds) (pairs[to], names[to]) = (_pairHashes[from], _nameHashes[from]);
        }

        shelves.Entries.Return(_entries);
        shelves.Hashes.Return(_pairHashes);
        shelves.Hashes.Return(_nameHashes);
        (_entries, _pairHashes, _nameHashes) = (entries, pairs, names);
    }
}

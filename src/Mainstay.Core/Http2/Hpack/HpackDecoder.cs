namespace Mainstay.Core.Http2;

/// <summary>A decoded field: its line (name, ": ", value, CRLF) is at the front of the destination that was given.</summary>
internal struct HpackField
{
    public int NameLength;
    public int ValueLength;
    public FieldKind Kind;

    /// <summary>Why a message with this field is malformed; the field itself was decoded well.</summary>
    public Http2Reason Fault;

    /// <summary>Must go on as never indexed (RFC 7541 section 6.2.3).</summary>
    public bool NeverIndexed;

    public readonly int LineLength => NameLength + ValueLength + 4;

    /// <summary>As SETTINGS_MAX_HEADER_LIST_SIZE counts (RFC 9113 section 6.5.2).</summary>
    public readonly int Size => NameLength + ValueLength + HpackEntry.Overhead;
}

/// <summary>
/// Decodes field blocks (RFC 7541) field by field. One for each connection; every block has to go through it to its end, also when
/// nobody wants its fields, or the tables of the two sides differ from then on.
/// </summary>
internal sealed class HpackDecoder(Http2Shelves shelves)
{
    /// <summary>Updates that one block may begin with: the smallest maximum meant between two blocks, and the last (section 4.2).</summary>
    private const int MaxSizeUpdates = 2;

    private readonly DynamicTable _table = new(shelves, finds: false);
    private int _tableLimit;
    private int _sizeUpdates;
    private bool _inFields;

    /// <summary>For a new connection.</summary>
    /// <param name="tableLimit">Our SETTINGS_HEADER_TABLE_SIZE.</param>
    public void Reset(int tableLimit)
    {
        _table.Release();
        _table.Resize(tableLimit);
        _tableLimit = tableLimit;
    }

    /// <summary>Gives the storage back.</summary>
    public void Release() => _table.Release();

    /// <summary>Room that the fields of a block of so many bytes may need, each for itself.</summary>
    public static int MaxLineLength(int blockLength, int tableLimit) =>
        Math.Max(tableLimit, 128) + Huffman.MaxDecodedLength(blockLength) + 8;

    public void BeginBlock()
    {
        _sizeUpdates = 0;
        _inFields = false;
    }

    /// <summary>Decodes the next field.</summary>
    /// <param name="destination"><see cref="MaxLineLength"/> bytes at least.</param>
    /// <param name="wantsText">False: the line may be left out, because the message is refused already.</param>
    /// <returns>False: the block has ended, or the connection has, for <paramref name="reason"/>.</returns>
    public bool TryNext(
        ReadOnlySpan<byte> block, ref int at, Span<byte> destination, bool wantsText, out HpackField field, out Http2Reason reason)
    {
        field = default;
        while (at < block.Length)
        {
            byte first = block[at];
            if ((first & 0xE0) == 0x20)
            {
                if (!TryUpdateSize(block, ref at, out reason)) return false;
                continue;
            }

            _inFields = true;
            return first >= 0x80
                ? TryReadIndexed(block, ref at, destination, wantsText, ref field, out reason)
                : TryReadLiteral(block, ref at, destination, ref field, out reason);
        }

        reason = Http2Reason.None;
        return false;
    }

    /// <summary>Section 6.3, at the beginning of a block only (section 4.2).</summary>
    private bool TryUpdateSize(ReadOnlySpan<byte> block, ref int at, out Http2Reason reason)
    {
        if (!HpackInteger.TryRead(block, ref at, 5, out int size, out reason)) return false;
        if (_inFields) reason = Http2Reason.TableSizeUpdateLate;
        else if (size > _tableLimit) reason = Http2Reason.TableSizeTooLarge;
        else if (++_sizeUpdates > MaxSizeUpdates) reason = Http2Reason.TableSizeUpdatesTooMany;
        if (reason != Http2Reason.None) return false;
        _table.Resize(size);
        return true;
    }

    /// <summary>Section 6.1.</summary>
    private bool TryReadIndexed(
        ReadOnlySpan<byte> block, ref int at, Span<byte> destination, bool wantsText, ref HpackField field, out Http2Reason reason)
    {
        if (!HpackInteger.TryRead(block, ref at, 7, out int index, out reason)) return false;
        if (!TryFind(index, out HpackEntry entry, out ReadOnlySpan<byte> line, out reason)) return false;
        if (wantsText) line.CopyTo(destination);
        field.NameLength = entry.NameLength;
        field.ValueLength = entry.ValueLength;
        field.Kind = entry.Kind;
        field.Fault = entry.Fault;
        return true;
    }

    /// <summary>Section 6.2: with incremental indexing (01), without (0000), never (0001).</summary>
    private bool TryReadLiteral(ReadOnlySpan<byte> block, ref int at, Span<byte> destination, ref HpackField field, out Http2Reason reason)
    {
        byte first = block[at];
        bool indexing = (first & 0x40) != 0;
        field.NeverIndexed = (first & 0xF0) == 0x10;
        if (!HpackInteger.TryRead(block, ref at, indexing ? 6 : 4, out int index, out reason)) return false;
        if (index == 0)
        {
            if (!TryReadString(block, ref at, destination, out field.NameLength, out reason)) return false;
        }
        else
        {
            if (!TryFind(index, out HpackEntry named, out ReadOnlySpan<byte> line, out reason)) return false;
            field.NameLength = named.NameLength;
            line[..named.NameLength].CopyTo(destination);
        }

        destination[field.NameLength] = (byte)':';
        destination[field.NameLength + 1] = (byte)' ';
        Span<byte> value = destination[(field.NameLength + 2)..];
        if (!TryReadString(block, ref at, value, out field.ValueLength, out reason)) return false;
        value[field.ValueLength] = (byte)'\r';
        value[field.ValueLength + 1] = (byte)'\n';
        field.Fault = FieldCheck.Classify(destination[..field.NameLength], value[..field.ValueLength], out field.Kind);
        if (!indexing) return true;
        var entry = new HpackEntry { Kind = field.Kind, Fault = field.Fault };
        _table.Insert(destination[..field.NameLength], value[..field.ValueLength], entry);
        return true;
    }

    private bool TryFind(int index, out HpackEntry entry, out ReadOnlySpan<byte> line, out Http2Reason reason)
    {
        line = default;
        entry = default;
        reason = index == 0 ? Http2Reason.HpackIndexZero
            : index > StaticTable.Count + _table.Count ? Http2Reason.HpackIndexTooLarge : Http2Reason.None;
        if (reason != Http2Reason.None) return false;
        if (index <= StaticTable.Count)
        {
            entry = StaticTable.Entry(index);
            line = StaticTable.Line(entry);
        }
        else
        {
            entry = _table.Entry(index - StaticTable.Count);
            line = _table.Line(entry);
        }

        return true;
    }

    /// <summary>Section 5.2.</summary>
    private static bool TryReadString(ReadOnlySpan<byte> block, ref int at, Span<byte> destination, out int length, out Http2Reason reason)
    {
        length = 0;
        reason = Http2Reason.HpackTruncated;
        if (at == block.Length) return false;
        bool huffman = block[at] >= 0x80;
        if (!HpackInteger.TryRead(block, ref at, 7, out int coded, out reason)) return false;
        if (coded > block.Length - at)
        {
            reason = Http2Reason.HpackTruncated;
            return false;
        }

        ReadOnlySpan<byte> text = block.Slice(at, coded);
        at += coded;
        if (huffman) return Huffman.TryDecode(text, destination, out length, out reason);
        text.CopyTo(destination);
        length = coded;
        return true;
    }
}

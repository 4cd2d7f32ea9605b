using System.Numerics;
using System.Text;

namespace Mainstay.Core.Http;

[Flags]
public enum FieldFlags : byte
{
    None = 0,

    /// <summary>For the next hop only, by its name or because Connection nominates it: not forwarded.</summary>
    HopByHop = 1,

    /// <summary>Set by a rule: not the peer's word, and nothing that the peer says removes it.</summary>
    Own = 2,
}

/// <summary>One header field: offsets into the head that was parsed.</summary>
public struct HeaderField
{
    /// <summary>Of the name and of the whole line.</summary>
    public int Start;
    public int ValueStart;

    /// <summary>Of the value without the whitespace around it.</summary>
    public int ValueLength;

    /// <summary>Behind the line's CRLF: where the next field starts.</summary>
    public int End;
    public ushort NameLength;
    public FieldName Name;
    public FieldFlags Flags;

    public readonly bool IsHopByHop => (Flags & FieldFlags.HopByHop) != 0;

    public readonly bool IsOwn => (Flags & FieldFlags.Own) != 0;

    public readonly ByteRange NameRange => new(Start, NameLength);
    public readonly ByteRange ValueRange => new(ValueStart, ValueLength);
}

/// <summary>The lines of one head and the header fields among them, in arrays that are used again for every message.</summary>
internal sealed class FieldTable
{
    /// <summary>
    /// More options in the Connection fields of one message than any sender has use for; each costs a pass over the fields.
    /// </summary>
    private const int MaxConnectionOptions = 32;

    private HeaderField[] _fields = new HeaderField[32];
    private int[] _lineEnds = new int[34];

    public int Count { get; private set; }

    public ReadOnlySpan<HeaderField> Fields => _fields.AsSpan(0, Count);

    /// <summary>Offset of the CR that ends the first line.</summary>
    public int FirstLineEnd => _lineEnds[0];

    // What Connection says (RFC 9110 section 7.6.1).
    public bool Close { get; private set; }
    public bool KeepAlive { get; private set; }
    public bool UpgradeNominated { get; private set; }
    public bool TeNominated { get; private set; }

    /// <summary>
    /// Checks the line structure of a whole head, from <paramref name="start"/> to its end, and notes where its lines end. After
    /// this the head holds no CR or LF but in CRLF, no other controls than HTAB, and ends with its only empty line.
    /// </summary>
    public bool TryIndexLines(ReadOnlySpan<byte> head, int start, int maxFields, out RejectReason reason)
    {
        Reserve(maxFields);
        int lines = 0;
        uint crBefore = 0;
        for (int at = start; at < head.Length; at += HeadBlock.Size)
        {
            HeadBlock block = HeadBlock.Load(head, at, head.Length);
            uint broken = block.Broken(crBefore);
            if (head.Length - at < HeadBlock.Size) broken &= (1u << (head.Length - at)) - 1;
            if (broken != 0)
            {
                reason = HeadBlock.Explain(head, at + BitOperations.TrailingZeroCount(broken));
                return false;
            }

            for (uint cr = block.Cr; cr != 0; cr &= cr - 1)
            {
                if (lines == maxFields + 2)
                {
                    reason = RejectReason.TooManyFields;
                    return false;
                }

                _lineEnds[lines++] = at + BitOperations.TrailingZeroCount(cr);
            }

            crBefore = block.CrCarry;
        }

        // First line, fields, empty line. A head without its end is the caller's mistake: refused, never read past.
        Count = lines - 2;
        bool whole = Count >= 0 && _lineEnds[lines - 1] == head.Length - 2 && _lineEnds[lines - 1] == _lineEnds[lines - 2] + 2;
        reason = whole ? RejectReason.None : RejectReason.InvalidRequestLine;
        return whole;
    }

    /// <summary>Takes the lines after the first one apart into names and values.</summary>
    public bool TryParseFields(ReadOnlySpan<byte> head, out RejectReason reason)
    {
        HeaderField[] fields = _fields;
        int start = FirstLineEnd + 2;
        for (int i = 0; i < Count; i++)
        {
            int end = _lineEnds[i + 1];
            ReadOnlySpan<byte> line = head[start..end];
            int colon = line.IndexOf((byte)':');
            FieldName name = colon > 0 ? FieldNames.Parse(line[..colon]) : FieldName.Other;

            // A variant is known by its start only; every other known name is a token by being what it is.
            bool unknown = name is FieldName.Other or FieldName.ForwardedVariant;
            if (unknown && (colon <= 0 || line[..colon].IndexOfAnyExcept(HttpBytes.Token) >= 0))
            {
                reason = ExplainName(line, colon);
                return false;
            }

            int valueStart = colon + 1, valueEnd = line.Length;
            while (valueStart < valueEnd && HttpBytes.IsBlank(line[valueStart])) valueStart++;
            while (valueEnd > valueStart && HttpBytes.IsBlank(line[valueEnd - 1])) valueEnd--;
            if (colon > ushort.MaxValue)
            {
                reason = RejectReason.InvalidFieldName;
                return false;
            }

            ref HeaderField field = ref fields[i];
            field.Start = start;
            field.NameLength = (ushort)colon;
            field.ValueStart = start + valueStart;
            field.ValueLength = valueEnd - valueStart;
            field.End = end + 2;
            field.Name = name;
            field.Flags = FieldNames.IsHopByHop(name) ? FieldFlags.HopByHop : FieldFlags.None;
            start = end + 2;
        }

        reason = RejectReason.None;
        return true;
    }

    /// <summary>Reads all Connection fields and marks the fields that they nominate.</summary>
    public bool TryReadConnection(ReadOnlySpan<byte> head, out RejectReason reason)
    {
        Close = KeepAlive = UpgradeNominated = TeNominated = false;
        int options = 0;
        foreach (ref readonly HeaderField field in Fields)
        {
            if (field.Name != FieldName.Connection) continue;
            ReadOnlySpan<byte> list = field.ValueRange.Of(head);
            while (HttpBytes.TryNextMember(ref list, out ReadOnlySpan<byte> option))
            {
                if (++options > MaxConnectionOptions || !HttpBytes.IsToken(option))
                {
                    reason = RejectReason.InvalidConnection;
                    return false;
                }

                OnConnectionOption(head, option);
            }
        }

        reason = RejectReason.None;
        return true;
    }

    /// <summary>The fields from there on were written by rules.</summary>
    public void MarkOwn(int start)
    {
        foreach (ref HeaderField field in _fields.AsSpan(0, Count))
            if (field.Start >= start) field.Flags = FieldFlags.Own;
    }

    /// <summary>Index of the first field of that name, or -1.</summary>
    public int IndexOf(FieldName name)
    {
        ReadOnlySpan<HeaderField> fields = Fields;
        for (int i = 0; i < fields.Length; i++)
            if (fields[i].Name == name) return i;
        return -1;
    }

    private void OnConnectionOption(ReadOnlySpan<byte> head, ReadOnlySpan<byte> option)
    {
        if (Ascii.EqualsIgnoreCase(option, "close"u8)) Close = true;
        else if (Ascii.EqualsIgnoreCase(option, "keep-alive"u8)) KeepAlive = true;
        else if (Ascii.EqualsIgnoreCase(option, "upgrade"u8)) UpgradeNominated = true;
        else if (Ascii.EqualsIgnoreCase(option, "te"u8)) TeNominated = true;
        else Nominate(head, option);
    }

    private void Nominate(ReadOnlySpan<byte> head, ReadOnlySpan<byte> option)
    {
        foreach (ref HeaderField field in _fields.AsSpan(0, Count))
        {
            // Nobody may have the target or the framing of a message removed on its way.
            if (field.NameLength != option.Length
                || field.Name is FieldName.Host or FieldName.ContentLength or FieldName.TransferEncoding) continue;
            if (Ascii.EqualsIgnoreCase(field.NameRange.Of(head), option)) field.Flags |= FieldFlags.HopByHop;
        }
    }

    private static RejectReason ExplainName(ReadOnlySpan<byte> line, int colon)
    {
        if (line.Length > 0 && HttpBytes.IsBlank(line[0])) return RejectReason.FoldedLine;
        if (colon < 0) return RejectReason.MissingColon;
        if (colon == 0) return RejectReason.EmptyFieldName;
        return HttpBytes.IsBlank(line[colon - 1]) ? RejectReason.SpaceBeforeColon : RejectReason.InvalidFieldName;
    }

    /// <summary>Only a configuration with a higher limit than any before makes the arrays grow.</summary>
    private void Reserve(int maxFields)
    {
        if (_lineEnds.Length >= maxFields + 2) return;
        _lineEnds = new int[maxFields + 2];
        _fields = new HeaderField[maxFields];
    }
}

using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace Mainstay.Core.Http.Files;

public enum RangeResult : byte
{
    /// <summary>The whole representation is sent, as if there were no Range (RFC 9110 section 14.2).</summary>
    Ignored,

    /// <summary>206.</summary>
    Satisfiable,

    /// <summary>416.</summary>
    Unsatisfiable,
}

/// <summary>A part of a representation: bytes <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
public readonly record struct ContentRange(long First, long Last)
{
    public long Length => Last - First + 1;
}

/// <summary>
/// The parts that a Range field asks for, overlapping and neighbouring ones joined. More than <see cref="MaxRanges"/> are ignored: many small
/// ranges cost more than the whole.
/// </summary>
public struct RangeSet
{
    public const int MaxRanges = 16;

    /// <summary>A gap smaller than the head of a part costs less than a part of its own (RFC 9110 section 15.3.7.2).</summary>
    private const int Gap = 80;

    private Ranges _ranges;

    [InlineArray(MaxRanges)]
    private struct Ranges
    {
        private ContentRange _first;
    }

    public int Count { get; private set; }

    public readonly ContentRange this[int index] => _ranges[index];

    /// <summary>Bytes of all parts together.</summary>
    public readonly long TotalLength
    {
        get
        {
            long total = 0;
            for (int i = 0; i < Count; i++) total += _ranges[i].Length;
            return total;
        }
    }

    /// <param name="value">Of the Range field.</param>
    /// <param name="size">Of the whole representation, in bytes.</param>
    public static RangeResult Parse(ReadOnlySpan<byte> value, long size, out RangeSet ranges)
    {
        ranges = new RangeSet();
        if (value.Length < 6 || !Ascii.EqualsIgnoreCase(value[..6], "bytes="u8)) return RangeResult.Ignored;
        ReadOnlySpan<byte> list = value[6..];
        int asked = 0;
        while (HttpBytes.TryNextMember(ref list, out ReadOnlySpan<byte> member))
        {
            if (++asked > MaxRanges || !TryParse(member, size, out ContentRange range, out bool satisfiable))
            {
                ranges = new RangeSet();
                return RangeResult.Ignored;
            }

            if (satisfiable) ranges.Add(range);
        }

        if (asked == 0) return RangeResult.Ignored;
        if (ranges.Count == 0) return RangeResult.Unsatisfiable;

        // All of it, said in a roundabout way: the whole representation is simpler for everybody.
        return ranges.Count > 1 && ranges.TotalLength >= size ? RangeResult.Ignored : RangeResult.Satisfiable;
    }

    /// <summary>first-last, first-, -suffix (RFC 9110 section 14.1.2). False: not one of these, and the field means nothing.</summary>
    private static bool TryParse(ReadOnlySpan<byte> spec, long size, out ContentRange range, out bool satisfiable)
    {
        range = default;
        satisfiable = false;
        int dash = spec.IndexOf((byte)'-');
        if (dash < 0) return false;
        ReadOnlySpan<byte> before = spec[..dash], after = spec[(dash + 1)..];
        long last = long.MaxValue;
        if (!after.IsEmpty && !TryNumber(after, out last)) return false;
        if (before.IsEmpty)
        {
            if (after.IsEmpty) return false;
            satisfiable = last > 0 && size > 0;
            range = new ContentRange(Math.Max(0, size - last), size - 1);
            return true;
        }

        if (!TryNumber(before, out long first) || last < first) return false;
        satisfiable = first < size;
        range = new ContentRange(first, Math.Min(last, size - 1));
        return true;
    }

    /// <summary>A number that no file has as its size counts as the largest one.</summary>
    private static bool TryNumber(ReadOnlySpan<byte> digits, out long value)
    {
        value = long.MaxValue;
        if (digits.IsEmpty || digits.ContainsAnyExceptInRange((byte)'0', (byte)'9')) return false;
        if (!Utf8Parser.TryParse(digits, out value, out _)) value = long.MaxValue;
        return true;
    }

    /// <summary>Joins a range with those that it touches, at the place of the first of them.</summary>
    private void Add(ContentRange range)
    {
        int place = Count;
        for (int i = 0; i < Count;)
        {
            ContentRange other = _ranges[i];
            if (range.First > other.Last + Gap || other.First > range.Last + Gap)
            {
                i++;
                continue;
            }

            range = new ContentRange(Math.Min(range.First, other.First), Math.Max(range.Last, other.Last));
            place = Math.Min(place, i);
            Remove(i);

            // The larger one may now touch others that were looked at before.
            i = 0;
        }

        place = Math.Min(place, Count);
        for (int i = Count; i > place; i--) _ranges[i] = _ranges[i - 1];
        _ranges[place] = range;
        Count++;
    }

    private void Remove(int index)
    {
        Count--;
        for (int i = index; i < Count; i++) _ranges[i] = _ranges[i + 1];
    }
}

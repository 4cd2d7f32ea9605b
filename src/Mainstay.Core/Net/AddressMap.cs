using System.Collections.Immutable;
using System.Numerics;

namespace Mainstay.Core.Net;

/// <summary>
/// Ranges and a number for each; of ranges that contain an address the most specific decides (longest prefix). Immutable: nested
/// ranges are cut into intervals that follow each other, so that a look-up is one binary search, some 50 ns in a hundred thousand.
/// </summary>
public sealed class AddressMap
{
    /// <summary>What an address in no range has.</summary>
    public const int None = -1;

    private readonly uint[] _starts4;
    private readonly int[] _values4;
    private readonly UInt128[] _starts6;
    private readonly int[] _values6;

    /// <param name="ranges">Values from 0 on. Of the same range twice the later one counts.</param>
    public AddressMap(IEnumerable<(AddressRange Range, int Value)> ranges)
    {
        (AddressRange Range, int Value)[] sorted = [.. ranges.OrderBy(r => r.Range.Address.Value).ThenBy(r => r.Range.PrefixLength)];
        Count = sorted.Length;
        (_starts4, _values4) = Cut(sorted.Where(r => r.Range.Address.IsV4), value => (uint)value, uint.MaxValue);
        (_starts6, _values6) = Cut(sorted.Where(r => r.Range.Address.IsV6), value => value, UInt128.MaxValue);
    }

    /// <summary>Ranges it was made of.</summary>
    public int Count { get; }

    public int Find(NetAddress address)
    {
        if (address.IsV4) return At(_starts4, _values4, (uint)address.Value);
        return address.IsV6 ? At(_starts6, _values6, address.Value) : None;
    }

    private static int At<T>(T[] starts, int[] values, T address)
        where T : IComparable<T>
    {
        int index = starts.AsSpan().BinarySearch(address);
        if (index < 0) index = ~index - 1;
        return index < 0 ? None : values[index];
    }

    private static (T[] Starts, int[] Values) Cut<T>(IEnumerable<(AddressRange Range, int Value)> sorted, Func<UInt128, T> convert, T last)
        where T : struct, IBinaryInteger<T>
    {
        var starts = new List<T>();
        var values = new List<int>();
        var open = new Stack<(T End, int Value)>();
        foreach ((AddressRange range, int value) in sorted)
        {
            T start = convert(range.Address.Value);
            CloseBefore(start);
            int free = range.Address.Bits - range.PrefixLength;
            T end = free >= range.Address.Bits ? last : start | ((T.One << free) - T.One);
            open.Push((end, value));
            Emit(start, value);
        }

        while (open.Count > 0) CloseTop();
        return ([.. starts], [.. values]);

        void CloseBefore(T start)
        {
            while (open.TryPeek(out var top) && top.End < start) CloseTop();
        }

        void CloseTop()
        {
            T end = open.Pop().End;
            if (end != last) Emit(end + T.One, open.TryPeek(out var outer) ? outer.Value : None);
        }

        void Emit(T start, int value)
        {
            if (starts.Count > 0 && starts[^1] == start)
            {
                starts.RemoveAt(starts.Count - 1);
                values.RemoveAt(values.Count - 1);
            }

            if (values.Count > 0 && values[^1] == value) return;
            starts.Add(start);
            values.Add(value);
        }
    }
}

/// <summary>A set of addresses, given as ranges.</summary>
public sealed class AddressSet(IEnumerable<AddressRange> ranges)
{
    public static readonly AddressSet Empty = new([]);

    private readonly AddressMap _map = new(ranges.Select(range => (range, 0)));

    public bool IsEmpty => _map.Count == 0;

    public bool Contains(NetAddress address) => _map.Find(address) == 0;
}

/// <summary>Who is let in: the most specific range that contains the address decides.</summary>
/// <param name="others">Addresses in no range are let in.</param>
public sealed class AddressAccess(ImmutableArray<AddressRange> allow, ImmutableArray<AddressRange> deny, bool others)
{
    // Denied behind allowed: of the same range in both lists the refusal counts.
    private readonly AddressMap _map = new([.. allow.Select(range => (range, 1)), .. deny.Select(range => (range, 0))]);

    public bool Admits(NetAddress address) => _map.Find(address) switch { 0 => false, 1 => true, _ => others };
}

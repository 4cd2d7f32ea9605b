using System.Buffers.Binary;
using System.Numerics;
using Mainstay.Core.Config;

namespace Mainstay.Core.Rules;

/// <summary>
/// Keys and values of a map in two arrays, whatever their number: one with all texts, one with an open hash table of offsets into it.
/// Immutable; looking up allocates nothing.
/// </summary>
/// <remarks>An entry is [length of the key: 2][length of the value: 2][key][value].</remarks>
public sealed class MapContent
{
    /// <summary>Of a key or a value, in bytes.</summary>
    public const int LongestText = 8 * 1024;

    /// <summary>Of a key that prefixes are compared with.</summary>
    public const int LongestPrefix = 1024;

    private const int Header = 4;
    private const uint Basis = 2166136261;

    private readonly int[] _slots;

    /// <summary>Lengths that keys have, ascending; for the longest prefix.</summary>
    private readonly int[] _lengths;

    private MapContent(MapKind kind, byte[] memory, int[] slots, int[] lengths, int count) =>
        (Kind, Memory, _slots, _lengths, Count) = (kind, memory, slots, lengths, count);

    public MapKind Kind { get; }

    /// <summary>What offsets of values point into.</summary>
    public byte[] Memory { get; }

    public int Count { get; }

    /// <summary>Bytes that the map takes.</summary>
    public long Size => Memory.LongLength + (_slots.LongLength + _lengths.LongLength) * sizeof(int);

    public static MapContent Empty(MapKind kind) => Build(kind, []);

    /// <summary>Keys are unique; the last one of equal ones wins.</summary>
    public static MapContent Build(MapKind kind, IReadOnlyCollection<KeyValuePair<byte[], byte[]>> entries)
    {
        long bytes = entries.Sum(entry => (long)Header + entry.Key.Length + entry.Value.Length);
        byte[] memory = new byte[bytes];
        int[] slots = new int[BitOperations.RoundUpToPowerOf2((uint)entries.Count * 2 + 1)];
        Array.Fill(slots, -1);
        var lengths = new SortedSet<int>();
        int at = 0, count = 0;
        foreach ((byte[] key, byte[] value) in entries)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(memory.AsSpan(at), (ushort)key.Length);
            BinaryPrimitives.WriteUInt16LittleEndian(memory.AsSpan(at + 2), (ushort)value.Length);
            key.CopyTo(memory, at + Header);
            value.CopyTo(memory, at + Header + key.Length);
            int slot = FindSlot(memory, slots, key, Hash(key));
            if (slots[slot] < 0) count++;
            slots[slot] = at;
            at += Header + key.Length + value.Length;
            lengths.Add(key.Length);
        }

        return new MapContent(kind, memory, slots, [.. lengths], count);
    }

    /// <summary>The value for a text, by the map's kind, as a place in <see cref="Memory"/>.</summary>
    public bool TryFind(ReadOnlySpan<byte> text, out int start, out int length)
    {
        start = length = 0;
        return Kind switch
        {
            MapKind.Exact => TryFindExact(text, out start, out length),
            MapKind.Prefix => TryFindPrefix(text, out start, out length),
            _ => TryFindHost(text, out start, out length),
        };
    }

    /// <summary>All entries, in no particular order; for listings.</summary>
    public IEnumerable<(string Key, string Value)> Entries()
    {
        foreach (int at in _slots)
        {
            if (at < 0) continue;
            ReadOnlySpan<byte> key = KeyAt(Memory, at);
            yield return (System.Text.Encoding.UTF8.GetString(key), System.Text.Encoding.UTF8.GetString(ValueAt(at, key.Length)));
        }
    }

    private ReadOnlySpan<byte> ValueAt(int at, int keyLength) =>
        Memory.AsSpan(at + Header + keyLength, BinaryPrimitives.ReadUInt16LittleEndian(Memory.AsSpan(at + 2)));

    private bool TryFindExact(ReadOnlySpan<byte> text, out int start, out int length) => TryFind(text, Hash(text), out start, out length);

    /// <summary>The longest key that the text begins with.</summary>
    private bool TryFindPrefix(ReadOnlySpan<byte> text, out int start, out int length)
    {
        // One pass gives the hashes of all prefixes that can be keys; the longest is asked first.
        Span<uint> hashes = stackalloc uint[LongestPrefix];
        int prefixes = 0;
        uint hash = Basis;
        int at = 0;
        foreach (int candidate in _lengths)
        {
            if (candidate > text.Length) break;
            for (; at < candidate; at++) hash = (hash ^ text[at]) * 16777619;
            hashes[prefixes++] = hash;
        }

        for (int i = prefixes - 1; i >= 0; i--)
            if (TryFind(text[.._lengths[i]], hashes[i], out start, out length)) return true;
        start = length = 0;
        return false;
    }

    /// <summary>The host itself, then "*.": the nearest domain above it first. Keys are lower case.</summary>
    private bool TryFindHost(ReadOnlySpan<byte> text, out int start, out int length)
    {
        start = length = 0;
        Span<byte> host = stackalloc byte[Http.HostIndex.MaxLength + 1];
        ReadOnlySpan<byte> name = Http.HostIndex.Normalize(text, host[1..]);
        if (name.IsEmpty) return false;
        if (TryFindExact(name, out start, out length)) return true;
        for (int from = 0; ; from++)
        {
            int dot = name[from..].IndexOf((byte)'.');
            if (dot < 0) return false;
            from += dot;

            // The byte before a dot is not needed any more: "*.example.com" stands there in place.
            Span<byte> wildcard = host[from..(name.Length + 1)];
            wildcard[0] = (byte)'*';
            if (TryFindExact(wildcard, out start, out length)) return true;
        }
    }

    private bool TryFind(ReadOnlySpan<byte> key, uint hash, out int start, out int length)
    {
        int at = _slots[FindSlot(Memory, _slots, key, hash)];
        start = at < 0 ? 0 : at + Header + key.Length;
        length = at < 0 ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(Memory.AsSpan(at + 2));
        return at >= 0;
    }

    /// <summary>Where the key is, or where it would be.</summary>
    private static int FindSlot(byte[] memory, int[] slots, ReadOnlySpan<byte> key, uint hash)
    {
        int mask = slots.Length - 1;
        int slot = (int)((hash ^ hash >> 15) & (uint)mask);
        while (slots[slot] >= 0 && !KeyAt(memory, slots[slot]).SequenceEqual(key)) slot = (slot + 1) & mask;
        return slot;
    }

    private static ReadOnlySpan<byte> KeyAt(byte[] memory, int at) =>
        memory.AsSpan(at + Header, BinaryPrimitives.ReadUInt16LittleEndian(memory.AsSpan(at)));

    /// <summary>FNV-1a; the keys come from the operator.</summary>
    private static uint Hash(ReadOnlySpan<byte> text)
    {
        uint hash = Basis;
        foreach (byte value in text) hash = (hash ^ value) * 16777619;
        return hash;
    }
}

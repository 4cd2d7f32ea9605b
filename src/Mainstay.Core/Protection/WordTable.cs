using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mainstay.Core.Protection;

/// <summary>What a table keeps of one key: a 64-bit word, and what may be done with it. 0 is a key that nothing is known of.</summary>
public interface IWordRule
{
    /// <summary>Changes the word, or leaves it as it is; the answer is the table's.</summary>
    bool Apply(ref long word, long now);

    /// <summary>
    /// What would be lost if the word were forgotten: nothing up to 0; else the larger, the longer it is kept when room is needed;
    /// <see cref="long.MaxValue"/> is never forgotten.
    /// </summary>
    long Weight(long word, long now);
}

/// <summary>
/// A bounded table of keys and words that all shards share, exact over all of them. 128-byte sets of seven keys under one spinning
/// lock each, which is held for some nanoseconds: the price of a compare-and-swap. A new key takes the place of the one in its set
/// that weighs least, so that a flood of new keys, of which each weighs little, displaces others of the flood and not those that
/// have used up what they may have.
/// </summary>
public sealed class WordTable
{
    private const int Ways = 7;

    private readonly Set[] _sets;
    private readonly int _shift;
    private long _displaced;
    private long _full;

    /// <param name="keys">How many there is room for at least, while they spread evenly.</param>
    public WordTable(int keys)
    {
        int sets = 2;
        while ((long)sets * Ways < keys) sets *= 2;
        _sets = GC.AllocateArray<Set>(sets, pinned: true);
        _shift = 64 - System.Numerics.BitOperations.TrailingZeroCount(sets);
    }

    /// <summary>Places, at seven a set.</summary>
    public int Capacity => _sets.Length * Ways;

    /// <summary>Keys that were forgotten although something was known of them.</summary>
    public long Displaced => Volatile.Read(ref _displaced);

    /// <summary>Times a new key found no place, because nothing in its set may be forgotten.</summary>
    public long Full => Volatile.Read(ref _full);

    /// <summary>
    /// Applies the rule to the key's word, or to 0 for a new key, which is kept only when the word is not 0 afterwards.
    /// </summary>
    /// <param name="key">A keyed hash (<see cref="KeyHash"/>): it is the key's identity here.</param>
    /// <param name="isKept">False: there was no place for the key; the rule has seen a word that is thrown away.</param>
    public bool Apply<TRule>(ulong key, long now, ref TRule rule, out bool isKept)
        where TRule : struct, IWordRule
    {
        if (key == 0) key = 1;
        ref Set set = ref _sets[key >> _shift];
        Enter(ref set.Lock);
        ref Entry entry = ref Find(ref set, key, now, ref rule, out bool isNew, out bool displaces);
        bool answer;
        isKept = true;
        if (Unsafe.IsNullRef(ref entry))
        {
            long lost = 0;
            answer = rule.Apply(ref lost, now);
            isKept = false;
        }
        else
        {
            long word = isNew ? 0 : entry.Word;
            answer = rule.Apply(ref word, now);
            if (!isNew || word != 0)
            {
                entry.Key = word == 0 ? 0 : key;
                entry.Word = word;
            }

            displaces &= isNew && word != 0;
        }

        Volatile.Write(ref set.Lock, 0);
        if (!isKept) Interlocked.Increment(ref _full);
        else if (displaces) Interlocked.Increment(ref _displaced);
        return answer;
    }

    /// <summary>Keys of which something is known. Looks at everything: for reports.</summary>
    public int Count<TRule>(long now, TRule rule)
        where TRule : struct, IWordRule
    {
        int count = 0;
        foreach (ref Set set in _sets.AsSpan())
        {
            foreach (ref readonly Entry entry in (ReadOnlySpan<Entry>)set.Entries)
                if (Volatile.Read(in entry.Key) != 0 && rule.Weight(Volatile.Read(in entry.Word), now) > 0) count++;
        }

        return count;
    }

    /// <summary>The key's place, or the one that it gets; null when there is none.</summary>
    private static ref Entry Find<TRule>(ref Set set, ulong key, long now, ref TRule rule, out bool isNew, out bool displaces)
        where TRule : struct, IWordRule
    {
        Span<Entry> entries = set.Entries;
        isNew = displaces = false;
        foreach (ref Entry entry in entries)
            if (entry.Key == key) return ref entry;
        isNew = true;
        int best = -1;
        long least = long.MaxValue;
        for (int i = 0; i < entries.Length; i++)
        {
            long weight = entries[i].Key == 0 ? long.MinValue : rule.Weight(entries[i].Word, now);
            if (weight >= least) continue;
            (best, least) = (i, weight);
        }

        displaces = least > 0;
        return ref best < 0 ? ref Unsafe.NullRef<Entry>() : ref entries[best];
    }

    private static void Enter(ref int held)
    {
        if (Interlocked.CompareExchange(ref held, 1, 0) == 0) return;
        var spin = default(SpinWait);
        do
        {
            spin.SpinOnce(sleep1Threshold: -1);
        }
        while (Volatile.Read(ref held) != 0 || Interlocked.CompareExchange(ref held, 1, 0) != 0);
    }

    private struct Entry
    {
        public ulong Key;
        public long Word;
    }

    [InlineArray(Ways)]
    private struct EntryBuffer
    {
        private Entry _first;
    }

    [StructLayout(LayoutKind.Sequential, Size = 128)]
    private struct Set
    {
        public int Lock;
        public EntryBuffer Entries;
    }
}

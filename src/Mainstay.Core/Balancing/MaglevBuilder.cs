namespace Mainstay.Core.Balancing;

/// <summary>
/// Makes Maglev tables (Eisenbud et al., NSDI 2016, section 3.4): every server has its own permutation of the slots and the servers
/// claim their next free one in turn. Two steps: the base knows only names and configured weights; what is out of service, or in
/// service with a part of its weight, then gives up slots of the base to the others. So a server that goes or comes back moves no
/// flow between servers that stay, and the result depends on nothing but the present state: two nodes agree.
/// </summary>
internal sealed class MaglevBuilder
{
    private readonly int _size;
    private readonly string[] _names;
    private readonly int[] _weights;
    private readonly Permutation[] _permutations;

    // Turn order: by name, not by place in the list, so that reordering a configuration moves nothing.
    private readonly int[] _order;
    private readonly ushort[] _base;

    // The how manieth slot of its owner each slot is: a server with a part of its weight keeps its first ones.
    private readonly int[] _ranks;
    private readonly int[] _counts;

    /// <param name="size">Slots; a prime, so that every step width walks the whole table.</param>
    /// <param name="weights">Configured weight by server; 0 = has no slot.</param>
    public MaglevBuilder(string[] names, int[] weights, int size)
    {
        _size = size;
        _names = names;
        _weights = weights;
        _permutations = new Permutation[names.Length];
        ulong[] hashes = new ulong[names.Length];
        for (int i = 0; i < names.Length; i++)
        {
            hashes[i] = StableHash.Of(names[i]);
            _permutations[i] = new Permutation(hashes[i], size);
        }

        _order = [.. Enumerable.Range(0, names.Length).OrderBy(i => hashes[i]).ThenBy(i => names[i], StringComparer.Ordinal)];
        _base = new ushort[size];
        _ranks = new int[size];
        _counts = new int[names.Length];
        Array.Fill(_base, SlotTable.Nobody);
        Distribute(_base, size, Array.ConvertAll(weights, w => (long)w), Recorded);
    }

    /// <summary>A reload that changed none of these builds nothing anew.</summary>
    public bool IsFor(string[] names, int[] weights, int size) =>
        size == _size && weights.AsSpan().SequenceEqual(_weights) && names.AsSpan().SequenceEqual(_names);

    /// <param name="inForce">Weight in force by server, in units of 1/256 of a configured weight point.</param>
    public SlotTable Build(int[] inForce)
    {
        int[] quotas = new int[inForce.Length];
        long[] shares = Array.ConvertAll(inForce, w => (long)w);
        bool whole = true;
        for (int i = 0; i < inForce.Length; i++)
        {
            long full = (long)_weights[i] * Availability.FullShare;
            quotas[i] = full == 0 ? 0 : (int)Math.Min(_counts[i], (_counts[i] * shares[i] + full - 1) / full);
            whole &= quotas[i] == _counts[i];
        }

        long total = shares.Sum();
        if (whole) return new SlotTable(_base, total);
        ushort[] owners = (ushort[])_base.Clone();
        int free = 0;
        for (int slot = 0; slot < _size; slot++)
        {
            if (owners[slot] != SlotTable.Nobody && _ranks[slot] < quotas[owners[slot]]) continue;
            owners[slot] = SlotTable.Nobody;
            free++;
        }

        Distribute(owners, free, shares, null);
        return new SlotTable(owners, total);
    }

    private void Recorded(int server, int slot) => _ranks[slot] = _counts[server]++;

    /// <summary>
    /// The servers claim the free slots in turn. The heaviest claims one every turn, the others as often as their weight
    /// is a part of its: kernel's "repeated turns" without the runs of one server that large weights would give.
    /// </summary>
    private void Distribute(ushort[] owners, int free, long[] weights, Action<int, int>? claimed)
    {
        long heaviest = weights.DefaultIfEmpty().Max();
        if (heaviest <= 0) return;
        long[] credit = new long[weights.Length];
        int[] next = Array.ConvertAll(_permutations, p => p.Offset);
        while (free > 0)
        {
            foreach (int server in _order)
            {
                credit[server] += weights[server];
                if (credit[server] < heaviest) continue;
                credit[server] -= heaviest;
                int slot = next[server];
                while (owners[slot] != SlotTable.Nobody) slot = Step(slot, server);
                owners[slot] = (ushort)server;
                claimed?.Invoke(server, slot);
                next[server] = Step(slot, server);
                if (--free == 0) return;
            }
        }
    }

    private int Step(int slot, int server)
    {
        slot += _permutations[server].Skip;
        return slot >= _size ? slot - _size : slot;
    }

    private readonly struct Permutation(ulong hash, int size)
    {
        public readonly int Offset = StableHash.Reduce(StableHash.Again(hash, 1), size);

        /// <summary>1..size-1.</summary>
        public readonly int Skip = 1 + StableHash.Reduce(StableHash.Again(hash, 2), size - 1);
    }
}

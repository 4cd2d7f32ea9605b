namespace Mainstay.Core.Balancing;

/// <summary>
/// Makes Maglev tables (Eisenbud et al., NSDI 2016, section 3.4): every server has its own permutation of the slots, and in
/// turn they claim slots in that order. Two steps: the base knows only names and configured weights; what is out of service, or
/// in service with a part of its weight, then gives up slots of the base to the others. So a server that goes or comes back
/// moves no flow between servers that stay, and the result depends on nothing but the present state: two nodes agree.
/// </summary>
/// <remarks>
/// In one thing this is not the paper's table: a server that finds its next slot taken has used its turn, instead of looking on
/// until it finds a free one. Who gets a slot then hardly depends on third servers. One server more of 1,000 in 65,537 slots
/// moves 1.4 times its share of the keys instead of 6.5 times; the price is shares that are even to a few percent instead of to
/// one slot, with <see cref="Surplus"/> as the bound.
/// </remarks>
internal sealed class MaglevBuilder
{
    // A server takes at most this many percent more slots than its weight gives: less evens out more and moves more.
    private const int Surplus = 5;

    // Divided by weight (below 2^24) and slots left (some 2^20 at most) it keeps 14 bits; times its sum over all
    // slots, which is their harmonic number, it stays below 2^63.
    private const long TimeUnit = 1L << 58;

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
        if (!IsPrime(size)) throw new ArgumentOutOfRangeException(nameof(size), size, "slots of a Maglev table: a prime number");
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
    /// The servers look at the slots in turn, as often as their weights say ("weights as repeated turns"), and claim what is
    /// free.
    /// </summary>
    /// <remarks>
    /// Between two turns of a server lies 1 / (weight * slots it has not looked at): the mean distances of exponentially
    /// distributed times, of which the least belongs to each server as often as its weight says. So no server's turns depend on
    /// another's weight, and a slot goes to who comes to it first. Servers of one weight take their turns together.
    /// </remarks>
    private void Distribute(ushort[] owners, int free, long[] weights, Action<int, int>? claimed)
    {
        int[] room = Rooms(free, weights);
        int[] next = Array.ConvertAll(_permutations, p => p.Offset);
        int[][] groups = [.. Groups(weights)];
        int[] unseen = new int[groups.Length];
        var turns = new PriorityQueue<int, (long Time, int Group)>();
        for (int g = 0; g < groups.Length; g++)
        {
            unseen[g] = _size;
            turns.Enqueue(g, (Distance(weights[groups[g][0]], _size), g));
        }

        while (free > 0 && turns.TryDequeue(out int group, out (long Time, int Group) turn))
        {
            foreach (int server in groups[group])
            {
                if (room[server] == 0) continue;
                int slot = next[server];
                next[server] = Step(slot, server);
                if (owners[slot] != SlotTable.Nobody) continue;
                owners[slot] = (ushort)server;
                claimed?.Invoke(server, slot);
                room[server]--;
                if (--free == 0) return;
            }

            if (--unseen[group] > 0)
                turns.Enqueue(group, (turn.Time + Distance(weights[groups[group][0]], unseen[group]), group));
        }
    }

    private static long Distance(long weight, int unseen) => TimeUnit / (weight * unseen);

    /// <summary>The servers of each weight, in the order of turns; the heaviest first.</summary>
    private IEnumerable<int[]> Groups(long[] weights) =>
        _order.Where(i => weights[i] > 0).GroupBy(i => weights[i]).OrderByDescending(g => g.Key).Select(g => g.ToArray());

    /// <summary>Slots each server may take: together more than there are, so that all find an owner.</summary>
    private static int[] Rooms(int free, long[] weights)
    {
        long total = Math.Max(1, weights.Sum());
        return Array.ConvertAll(weights, w => w == 0 ? 0 : (int)((Int128)free * w * (100 + Surplus) / ((Int128)total * 100)) + 1);
    }

    private static bool IsPrime(int number)
    {
        for (int i = 2; (long)i * i <= number; i++)
            if (number % i == 0) return false;
        return number > 1;
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

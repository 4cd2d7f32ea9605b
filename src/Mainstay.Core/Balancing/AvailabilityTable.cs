namespace Mainstay.Core.Balancing;

/// <summary>
/// The one view of what is alive: a word for every server slot and a tier for every pool slot. One writer (the control side),
/// any number of readers; a reader sees each word whole but not all words of one moment. Slots are given out by the control side
/// and reused only after every shard has acknowledged the configuration that dropped them.
/// </summary>
public sealed class AvailabilityTable(int serverCapacity, int poolCapacity)
{
    private readonly ulong[] _servers = new ulong[serverCapacity];
    private readonly ulong[] _pools = new ulong[poolCapacity];
    private readonly Action?[] _derived = new Action?[poolCapacity];

    public Availability this[int serverSlot]
    {
        get => new(Volatile.Read(ref _servers[serverSlot]));
        set => Volatile.Write(ref _servers[serverSlot], value.Word);
    }

    public PoolTier Tier(int poolSlot) => (PoolTier)(byte)Volatile.Read(ref _pools[poolSlot]);

    /// <summary>
    /// Changes whenever any server of the pool changed: schedulers that derive tables from availability compare it.
    /// 56 bits: does not wrap in practice.
    /// </summary>
    public ulong Version(int poolSlot) => Volatile.Read(ref _pools[poolSlot]) >> 8;

    /// <summary>
    /// Publishes the tier and moves the version on, then brings derived tables up to date (<see cref="Derive"/>). Called after
    /// the words of the pool's servers are written.
    /// </summary>
    public void Publish(int poolSlot, PoolTier tier)
    {
        ulong version = (Volatile.Read(ref _pools[poolSlot]) >> 8) + 1;
        // A full barrier, as in Derive: of a publication and a registration on two threads at least one sees the other.
        Interlocked.Exchange(ref _pools[poolSlot], (version << 8) | (byte)tier);
        Volatile.Read(ref _derived[poolSlot])?.Invoke();
    }

    /// <summary>
    /// Registers what rebuilds the tables that follow from the pool's availability: it runs now and after every
    /// <see cref="Publish"/>, on the publishing thread, until <see cref="Underive"/>. Every plane that balances over the pool has its own,
    /// and two while one configuration follows another.
    /// </summary>
    public void Derive(int poolSlot, Action rebuild)
    {
        Exchange(poolSlot, null, rebuild);
        rebuild();
    }

    public void Underive(int poolSlot, Action rebuild) => Exchange(poolSlot, rebuild, null);

    /// <summary>The pool is gone: its slot is nobody's until the next one takes it.</summary>
    public void Drop(int poolSlot)
    {
        Volatile.Write(ref _derived[poolSlot], null);
        Publish(poolSlot, PoolTier.None);
    }

    private void Exchange(int poolSlot, Action? before, Action? after)
    {
        ref Action? derived = ref _derived[poolSlot];
        while (true)
        {
            Action? seen = Volatile.Read(ref derived);
            Action? next = (Action?)Delegate.Remove(seen, before) + after;
            if (Interlocked.CompareExchange(ref derived, next, seen) == seen) return;
        }
    }
}

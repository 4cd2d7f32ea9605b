using System.Collections.Immutable;

namespace Mainstay.Core.Balancing;

/// <summary>
/// The servers one scheduler chooses from: an immutable list in configuration order, with the tables that say what is alive and
/// what is busy. A pool has one set of all its servers; the tiers (<see cref="Primaries"/>, <see cref="Backups"/>, <see
/// cref="Panic"/>) are sets derived from it.
/// </summary>
public sealed class ServerSet
{
    private readonly ServerEntry[] _entries;

    // Index into the pool's whole list, by index into this set.
    private readonly int[] _poolIndexes;

    // Index into this set by slot - _firstSlot; -1 = the slot is not ours.
    private readonly int[] _indexBySlot;
    private readonly int _firstSlot;
    private readonly bool _healthIgnored;

    /// <param name="servers">At most 65,534, each with a slot of its own.</param>
    /// <param name="poolSlot">The pool's index into the availability table.</param>
    public ServerSet(ImmutableArray<ServerEntry> servers, AvailabilityTable availability, LoadTable loads, int poolSlot)
        : this([.. servers], [.. Enumerable.Range(0, servers.Length)], availability, loads, poolSlot, healthIgnored: false)
    {
    }

    private ServerSet(
        ServerEntry[] entries, int[] poolIndexes, AvailabilityTable availability, LoadTable loads, int poolSlot, bool healthIgnored)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entries.Length, SlotTable.MaxServers);
        _entries = entries;
        _poolIndexes = poolIndexes;
        _healthIgnored = healthIgnored;
        Availability = availability;
        Loads = loads;
        PoolSlot = poolSlot;
        if (entries.Length == 0)
        {
            _indexBySlot = [];
            return;
        }

        _firstSlot = entries.Min(entry => entry.Slot);
        _indexBySlot = new int[entries.Max(entry => entry.Slot) - _firstSlot + 1];
        Array.Fill(_indexBySlot, -1);
        for (int i = 0; i < entries.Length; i++) _indexBySlot[entries[i].Slot - _firstSlot] = i;
    }

    public AvailabilityTable Availability { get; }
    public LoadTable Loads { get; }
    public int PoolSlot { get; }
    public int Count => _entries.Length;
    public ref readonly ServerEntry this[int index] => ref _entries[index];

    /// <summary>Moves whenever the availability of any of the pool's servers changed.</summary>
    public ulong Version => Availability.Version(PoolSlot);

    /// <summary>The servers that are not backups.</summary>
    public ServerSet Primaries() => Where(entry => !entry.Backup, healthIgnored: false);

    public ServerSet Backups() => Where(entry => entry.Backup, healthIgnored: false);

    /// <summary>All servers; any that the operator, or its own agent, did not take out counts as eligible.</summary>
    public ServerSet Panic() => Where(_ => true, healthIgnored: true);

    /// <summary>Index into the pool's whole list.</summary>
    public int PoolIndex(int index) => _poolIndexes[index];

    /// <summary>Index of the server that has the slot, or <see cref="Scheduler.None"/>.</summary>
    public int IndexOfSlot(int slot)
    {
        uint at = (uint)(slot - _firstSlot);
        return at < (uint)_indexBySlot.Length ? _indexBySlot[at] : Scheduler.None;
    }

    public ref ServerLoad Load(int index) => ref Loads[_entries[index].Slot];

    /// <summary>Weight in force, in units of 1/256 (<see cref="Availability.ScaledWeight"/>); 0 = takes no new work.</summary>
    public int Weight(int index)
    {
        Availability word = Availability[_entries[index].Slot];
        if (!_healthIgnored) return word.IsEligible ? word.ScaledWeight : 0;
        return word.State switch
        {
            ServerState.Up => word.ScaledWeight,
            // The share of a server that is not up says nothing: it may stand at the foot of a slow start.
            ServerState.Down or ServerState.Unknown => word.Weight * Balancing.Availability.FullShare,
            _ => 0,
        };
    }

    /// <summary>
    /// The weight without state and share, in whole points: what tables that must not move with health are made of.
    /// </summary>
    public int NominalWeight(int index)
    {
        Availability word = Availability[_entries[index].Slot];
        return word.Word == 0 ? _entries[index].Weight : word.Weight;
    }

    /// <summary>Neither overloaded, nor at its limit of connections, nor tried by this request before.</summary>
    public bool HasRoom(int index, in PickKey key)
    {
        ref readonly ServerEntry entry = ref _entries[index];
        ref ServerLoad load = ref Loads[entry.Slot];
        return Volatile.Read(ref load.Overloaded) == 0
            && (entry.MaxConnections <= 0 || Volatile.Read(ref load.InFlight) < entry.MaxConnections)
            && !key.HasTried(_poolIndexes[index]);
    }

    /// <summary><see cref="Weight"/>, or 0 when the server has no room.</summary>
    public int WeightWithRoom(int index, in PickKey key)
    {
        int weight = Weight(index);
        return weight > 0 && HasRoom(index, key) ? weight : 0;
    }

    /// <summary>
    /// Where a cursor of <paramref name="previous"/> stands in this set: on the same server, or when that is gone on the
    /// nearest one before it which is left; -1 (before the first) when none is.
    /// </summary>
    internal int Locate(ServerSet previous, int index)
    {
        for (int i = Math.Min(index, previous.Count - 1); i >= 0; i--)
        {
            int found = IndexOfSlot(previous[i].Slot);
            if (found >= 0) return found;
        }

        return -1;
    }

    private ServerSet Where(Func<ServerEntry, bool> predicate, bool healthIgnored)
    {
        int[] kept = [.. Enumerable.Range(0, Count).Where(i => predicate(_entries[i]))];
        return new ServerSet(
            [.. kept.Select(i => _entries[i])], [.. kept.Select(i => _poolIndexes[i])], Availability, Loads, PoolSlot, healthIgnored);
    }
}

using System.Collections.Immutable;
using System.Security.Cryptography;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Persistence;

namespace Mainstay.Engine.Pools;

/// <summary>
/// Gives every server and pool its slot in the shared tables and keeps it over reloads. Control side only: one caller at a time.
/// </summary>
public sealed class PoolRegistry
{
    public const int MaxServers = 16384;
    public const int MaxPools = 4096;

    private readonly Dictionary<(string Pool, string Server, Endpoint Address), ServerRuntime> _servers = [];
    private readonly Dictionary<string, int> _poolSlots = [];

    /// <summary>Of the pools in force: what they remember goes on in the next configuration.</summary>
    private Dictionary<string, SessionAffinity> _affinities = [];
    private readonly SlotAllocator _serverSlots = new(MaxServers);
    private readonly SlotAllocator _poolSlotNumbers = new(MaxPools);

    /// <summary>Dropped by the current configuration; their slots are free once no shard and no connection uses them.</summary>
    private readonly List<ServerRuntime> _retired = [];

    public AvailabilityTable Availability { get; } = new(MaxServers, MaxPools);
    public LoadTable Loads { get; } = new(MaxServers);

    /// <summary>
    /// The pools of a snapshot with their slots. New servers start as unknown, or up where the pool has no check; what was there
    /// before keeps slot and state. Nothing that is in use changes: a failed reload calls <see cref="Retire"/> with the old pools.
    /// </summary>
    /// <exception cref="InvalidOperationException">More servers or pools than there are slots.</exception>
    public ImmutableArray<PoolRuntime> Prepare(Snapshot snapshot)
    {
        Reclaim();
        return [.. snapshot.Pools.Select(Prepare)];
    }

    /// <summary>
    /// Every shard has acknowledged the configuration of <paramref name="current"/>: what is not in it gives its slots back as soon as
    /// its last connection has ended.
    /// </summary>
    public void Retire(ImmutableArray<PoolRuntime> current)
    {
        HashSet<ServerRuntime> kept = [.. current.SelectMany(pool => pool.Servers)];
        foreach (((string, string, Endpoint) key, ServerRuntime server) in _servers.Where(entry => !kept.Contains(entry.Value)).ToList())
        {
            _servers.Remove(key);
            server.Retire();
            _retired.Add(server);
        }

        _affinities = current.Where(pool => pool.Affinity is not null).ToDictionary(pool => pool.Snapshot.Name, pool => pool.Affinity!);
        HashSet<string> pools = [.. current.Select(pool => pool.Snapshot.Name)];
        foreach ((string name, int slot) in _poolSlots.Where(entry => !pools.Contains(entry.Key)).ToList())
        {
            _poolSlots.Remove(name);
            Availability.Drop(slot);
            _poolSlotNumbers.Free(slot);
        }

        Reclaim();
    }

    private PoolRuntime Prepare(PoolSnapshot pool)
    {
        if (!_poolSlots.TryGetValue(pool.Name, out int slot))
        {
            slot = _poolSlotNumbers.Take() ?? throw new InvalidOperationException($"more than {MaxPools} pools");
            _poolSlots.Add(pool.Name, slot);
        }

        ImmutableArray<ServerRuntime> servers = [.. pool.Servers.Select(server => Prepare(pool, server))];
        ImmutableArray<ServerEntry> entries =
        [
            .. pool.Servers.Zip(servers, (server, runtime) => new ServerEntry(
                runtime.Slot, server.Name, server.Weight, server.Backup, server.MaxConnections, server.Upper, server.Lower)),
        ];
        return new PoolRuntime(pool, slot, servers, new ServerSet(entries, Availability, Loads, slot)) { Affinity = Affinity(pool) };
    }

    private SessionAffinity? Affinity(PoolSnapshot pool)
    {
        if (pool.Persist is null) return null;
        var hashKey = BitConverter.ToUInt128(RandomNumberGenerator.GetBytes(16));
        string[] servers = [.. pool.Servers.Select(server => server.Name)];
        return new SessionAffinity(pool.Persist, pool.Name, servers, hashKey, _affinities.GetValueOrDefault(pool.Name));
    }

    private ServerRuntime Prepare(PoolSnapshot pool, ServerSnapshot server)
    {
        var key = (pool.Name, server.Name, server.Address);
        if (_servers.TryGetValue(key, out ServerRuntime? known)) return known;
        int slot = _serverSlots.Take() ?? throw new InvalidOperationException($"more than {MaxServers} servers");
        var runtime = new ServerRuntime(pool.Name, server, slot);
        Loads.Forget(slot);
        Availability[slot] = new Availability(pool.Check is null ? ServerState.Up : ServerState.Unknown, server.Weight);
        _servers.Add(key, runtime);
        return runtime;
    }

    private void Reclaim()
    {
        for (int i = _retired.Count - 1; i >= 0; i--)
        {
            ref ServerLoad load = ref Loads[_retired[i].Slot];
            if (Volatile.Read(ref load.InFlight) != 0 || Volatile.Read(ref load.Idle) != 0) continue;
            _serverSlots.Free(_retired[i].Slot);
            _retired.RemoveAt(i);
        }
    }

    /// <summary>Numbers from 0 up, the lowest free one first.</summary>
    private sealed class SlotAllocator(int capacity)
    {
        private readonly PriorityQueue<int, int> _free = new();
        private int _used;

        public int? Take()
        {
            if (_free.TryDequeue(out int slot, out _)) return slot;
            return _used < capacity ? _used++ : null;
        }

        public void Free(int slot) => _free.Enqueue(slot, slot);
    }
}

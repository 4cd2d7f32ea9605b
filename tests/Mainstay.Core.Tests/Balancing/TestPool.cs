using System.Collections.Immutable;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Balancing;

/// <summary>
/// A pool with tables of its own: servers a, b, c... (or s0, s1...) in slots 0, 1, 2..., all up with the given weights.
/// </summary>
internal sealed class TestPool
{
    public TestPool(params int[] weights)
        : this([.. weights.Select((weight, i) => new ServerEntry(i, Name(i, weights.Length), weight))])
    {
    }

    public TestPool(ImmutableArray<ServerEntry> servers, int capacity = 0)
        : this(servers, new AvailabilityTable(Capacity(servers, capacity), 1), new LoadTable(Capacity(servers, capacity)))
    {
        foreach (ServerEntry server in servers) Availability[server.Slot] = new Availability(ServerState.Up, server.Weight);
        Availability.Publish(0, PoolTier.Primary);
    }

    private TestPool(ImmutableArray<ServerEntry> servers, AvailabilityTable availability, LoadTable loads)
    {
        Availability = availability;
        Loads = loads;
        Servers = new ServerSet(servers, availability, loads, 0);
    }

    public AvailabilityTable Availability { get; }
    public LoadTable Loads { get; }
    public ServerSet Servers { get; }

    public static string Name(int index, int count) => count <= 26 ? ((char)('a' + index)).ToString() : $"s{index}";

    /// <summary>The same tables under another list of servers, as after a reload; new slots come up with their weight.</summary>
    public TestPool Reloaded(ImmutableArray<ServerEntry> servers)
    {
        var pool = new TestPool(servers, Availability, Loads);
        foreach (ServerEntry server in servers)
            if (Availability[server.Slot].Word == 0) Availability[server.Slot] = new Availability(ServerState.Up, server.Weight);
        Availability.Publish(0, Availability.Tier(0));
        return pool;
    }

    public Scheduler Create(Algorithm algorithm, int shard = 0, int shards = 1, ulong seed = 1, Scheduler? previous = null) =>
        Create(new BalanceSnapshot(algorithm), shard, shards, seed, previous);

    public Scheduler Create(BalanceSnapshot balance, int shard = 0, int shards = 1, ulong seed = 1, Scheduler? previous = null) =>
        SchedulerFactory.Create(balance, Servers, shard, shards, seed, previous);

    public void Set(int index, ServerState state, int share = 256) => Set(index, new Availability(state, Servers[index].Weight, share));

    public void Set(int index, Availability word)
    {
        Availability[Servers[index].Slot] = word;
        Availability.Publish(0, Availability.Tier(0));
    }

    public void SetLoad(int index, int active, int inactive = 0)
    {
        ref ServerLoad load = ref Servers.Load(index);
        load.InFlight = active;
        load.Idle = inactive;
    }

    /// <summary>Names of the servers of so many picks, with key.Hash and key.Destination mixed from the pick's number.</summary>
    public string Picks(Scheduler scheduler, int count)
    {
        var names = new List<string>();
        for (int i = 0; i < count; i++) names.Add(NameOf(scheduler.Pick(Key(i))));
        return string.Join(' ', names);
    }

    public string NameOf(int index) => index == Scheduler.None ? "-" : Servers[index].Name;

    public static PickKey Key(int number) =>
        new() { Hash = StableHash.Mix((ulong)number + 1), Destination = StableHash.Mix((ulong)number + 1), Now = new Instant(1) };

    private static int Capacity(ImmutableArray<ServerEntry> servers, int capacity) =>
        Math.Max(capacity, servers.IsEmpty ? 1 : servers.Max(server => server.Slot) + 1);
}

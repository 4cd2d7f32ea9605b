using System.Collections.Immutable;
using Mainstay.Core.Config;

namespace Mainstay.Core.Balancing;

/// <summary>
/// Chooses a server of one pool, for one shard: primaries, backups or, in a panic, all, as the pool's tier in the availability
/// table says. Not thread-safe: every shard has its own, made together by <see cref="Prepare"/>.
/// </summary>
public sealed class PoolBalancer
{
    private readonly Scheduler _primaries;
    private readonly Scheduler? _backups;
    private readonly Scheduler _panic;
    private readonly Tables _tables;

    private PoolBalancer(ServerSet servers, Scheduler primaries, Scheduler? backups, Scheduler panic, Tables tables)
    {
        Servers = servers;
        _primaries = primaries;
        _backups = backups;
        _panic = panic;
        _tables = tables;
    }

    /// <summary>All servers of the pool, in configuration order: what <see cref="Pick"/> gives an index into.</summary>
    public ServerSet Servers { get; }

    public PoolTier Tier => Servers.Availability.Tier(Servers.PoolSlot);

    /// <summary>
    /// One balancer for every shard (control side), not in force yet: nobody who uses the pool's balancers of before notices. Builds what
    /// the shards share and keeps it up to date with every <see cref="AvailabilityTable.Publish"/>. Ends in <see cref="PutInForce"/> or
    /// <see cref="Abandon"/>.
    /// </summary>
    /// <param name="seed">Of everything drawn at random.</param>
    /// <param name="previous">
    /// The pool's balancers in the configuration before, which may still be in use: cursors, locality maps and tables go on
    /// where they stand, as far as the algorithm is the same; a server is the same when its slot is. Default = none. </param>
    public static ImmutableArray<PoolBalancer> Prepare(
        BalanceSnapshot balance, ServerSet servers, int shardCount, ulong seed, ImmutableArray<PoolBalancer> previous = default)
    {
        Tables? before = previous.IsDefaultOrEmpty ? null : previous[0]._tables;
        var tables = new Tables(balance, servers, before);
        var balancers = ImmutableArray.CreateBuilder<PoolBalancer>(shardCount);
        for (int shard = 0; shard < shardCount; shard++)
        {
            PoolBalancer? old = !previous.IsDefault && shard < previous.Length ? previous[shard] : null;
            balancers.Add(tables.CreateBalancer(balance, servers, shard, shardCount, seed, old));
        }

        servers.Availability.Derive(servers.PoolSlot, tables.Rebuild);
        return balancers.MoveToImmutable();
    }

    /// <summary>
    /// The servers' overload thresholds and what is remembered about destinations follow these balancers from now on; those of
    /// <paramref name="previous"/>, if any, are kept up to date no longer.
    /// </summary>
    public static void PutInForce(ImmutableArray<PoolBalancer> next, ImmutableArray<PoolBalancer> previous = default)
    {
        ServerSet servers = next[0].Servers;
        for (int i = 0; i < servers.Count; i++)
            servers.Loads.SetThresholds(servers[i].Slot, servers[i].UpperThreshold, servers[i].LowerThreshold);
        next[0]._tables.Retain(servers);
        if (!previous.IsDefaultOrEmpty) servers.Availability.Underive(servers.PoolSlot, previous[0]._tables.Rebuild);
    }

    /// <summary><see cref="Prepare"/> for a configuration that is not put in force after all.</summary>
    public static void Abandon(ImmutableArray<PoolBalancer> prepared)
    {
        ServerSet servers = prepared[0].Servers;
        servers.Availability.Underive(servers.PoolSlot, prepared[0]._tables.Rebuild);
    }

    /// <summary><see cref="Prepare"/> and <see cref="PutInForce"/>.</summary>
    public static ImmutableArray<PoolBalancer> CreateAll(
        BalanceSnapshot balance, ServerSet servers, int shardCount, ulong seed, ImmutableArray<PoolBalancer> previous = default)
    {
        ImmutableArray<PoolBalancer> balancers = Prepare(balance, servers, shardCount, seed, previous);
        PutInForce(balancers, previous);
        return balancers;
    }

    /// <summary>
    /// Index of a server in <see cref="Servers"/> that may take one more, or <see cref="Scheduler.None"/>. Nothing is counted
    /// yet: the caller takes its place with <see cref="TryEnter"/> and, where another shard was faster, picks again.
    /// </summary>
    public int Pick(in PickKey key)
    {
        Scheduler? scheduler = Tier switch
        {
            PoolTier.Primary => _primaries,
            PoolTier.Backup => _backups,
            PoolTier.Panic => _panic,
            _ => null,
        };
        if (scheduler is null) return Scheduler.None;
        int picked = scheduler.Pick(key);
        return picked < 0 ? Scheduler.None : scheduler.Servers.PoolIndex(picked);
    }

    /// <summary>Takes a place at the server, within its limit of connections; given back by <see cref="Leave"/>.</summary>
    public bool TryEnter(int index) => Servers.Loads.TryEnter(Servers[index].Slot, Servers[index].MaxConnections);

    public void Leave(int index) => Servers.Loads.Leave(Servers[index].Slot);

    /// <summary>The sets and shared tables of the three tiers.</summary>
    private sealed class Tables
    {
        private readonly ServerSet _primarySet;
        private readonly ServerSet _backupSet;
        private readonly ServerSet _panicSet;
        private readonly SharedTables _primaries;
        private readonly SharedTables _backups;
        private readonly SharedTables _panic;

        public Tables(BalanceSnapshot balance, ServerSet servers, Tables? previous)
        {
            _primarySet = servers.Primaries();
            _backupSet = servers.Backups();
            _panicSet = servers.Panic();
            _primaries = SharedTables.Create(balance, _primarySet, previous?._primaries);
            _backups = SharedTables.Create(balance, _backupSet, previous?._backups, _primaries);
            _panic = SharedTables.Create(balance, _panicSet, previous?._panic, _primaries);
            Rebuild = Refresh;
        }

        /// <summary>What the availability table calls; one delegate, so that it is found again.</summary>
        public Action Rebuild { get; }

        public void Retain(ServerSet servers) => _primaries.Localities?.Retain(servers);

        public PoolBalancer CreateBalancer(
            BalanceSnapshot balance, ServerSet servers, int shard, int shards, ulong seed, PoolBalancer? old)
        {
            Scheduler primaries = SchedulerFactory.Create(balance, _primarySet, _primaries, shard, shards, seed, old?._primaries);
            Scheduler? backups = _backupSet.Count == 0
                ? null
                : SchedulerFactory.Create(balance, _backupSet, _backups, shard, shards, seed + 1, old?._backups);
            Scheduler panic = SchedulerFactory.Create(balance, _panicSet, _panic, shard, shards, seed + 2, old?._panic);
            return new PoolBalancer(servers, primaries, backups, panic, this);
        }

        /// <summary>
        /// Of the tier in force only: a change of the tier is published, and so comes here before the tables are missed.
        /// </summary>
        private void Refresh()
        {
            SharedTables inForce = _primarySet.Availability.Tier(_primarySet.PoolSlot) switch
            {
                PoolTier.Backup => _backups,
                PoolTier.Panic => _panic,
                _ => _primaries,
            };
            inForce.Refresh();
        }
    }
}

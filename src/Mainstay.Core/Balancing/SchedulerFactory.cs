using Mainstay.Core.Balancing.Algorithms;
using Mainstay.Core.Config;

namespace Mainstay.Core.Balancing;

/// <summary>Makes the scheduler that a pool's `balance` names.</summary>
public static class SchedulerFactory
{
    /// <param name="shared">Of the same algorithm and set, one for all shards.</param>
    /// <param name="shardIndex">0..shardCount-1: cursors start at different offsets on different shards.</param>
    /// <param name="seed">Of everything drawn at random; every shard draws its own.</param>
    /// <param name="previous">Of the same shard and tier in the configuration before; null = none.</param>
    public static Scheduler Create(
        BalanceSnapshot balance,
        ServerSet servers,
        SharedTables shared,
        int shardIndex,
        int shardCount,
        ulong seed,
        Scheduler? previous = null)
    {
        int start = servers.Count == 0 ? 0 : (int)((long)servers.Count * shardIndex / shardCount);
        ulong shardSeed = StableHash.Mix(seed + (ulong)shardIndex * 0x9E3779B97F4A7C15);
        Scheduler scheduler = balance.Algorithm switch
        {
            Algorithm.RoundRobin => new RoundRobin(servers, start),
            Algorithm.WeightedRoundRobin => new WeightedRoundRobin(servers, start),
            Algorithm.LeastConnections => new LeastConnections(servers),
            Algorithm.WeightedLeastConnections => new WeightedLeastConnections(servers),
            Algorithm.ShortestExpectedDelay => new ShortestExpectedDelay(servers),
            Algorithm.NeverQueue => new NeverQueue(servers),
            Algorithm.SourceHash => new SourceHash(servers, balance.Fallback),
            Algorithm.DestinationHash => new DestinationHash(servers),
            Algorithm.Locality => new Locality(servers, shared),
            Algorithm.LocalityReplicated => new LocalityReplicated(servers, shared),
            Algorithm.Maglev => new Maglev(servers, shared, balance.Fallback),
            Algorithm.Failover => new Failover(servers),
            Algorithm.Overflow => new Overflow(servers),
            Algorithm.TwoChoices => new TwoChoices(servers, shardSeed),
            Algorithm.LeastRequest => new LeastRequest(servers, start),
            Algorithm.LeastTime => new LeastTime(servers, start),
            Algorithm.Random => new RandomPair(servers, shardSeed),
            Algorithm.Hash => new BoundedHash(servers, shared, balance.LoadFactor),
            Algorithm.First => new FirstFit(servers),
            _ => throw new ArgumentOutOfRangeException(nameof(balance), balance.Algorithm, "not a scheduling algorithm"),
        };
        if (previous is not null && previous.GetType() == scheduler.GetType()) scheduler.Adopt(previous);
        return scheduler;
    }

    /// <summary>
    /// As above with tables of its own: for one shard alone (tests, benchmarks, the kernel data plane's reference).
    /// </summary>
    public static Scheduler Create(
        BalanceSnapshot balance, ServerSet servers, int shardIndex, int shardCount, ulong seed, Scheduler? previous = null)
    {
        SharedTables shared = SharedTables.Create(balance, servers);
        shared.Refresh();
        return Create(balance, servers, shared, shardIndex, shardCount, seed, previous);
    }
}

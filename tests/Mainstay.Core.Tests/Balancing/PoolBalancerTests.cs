using System.Collections.Immutable;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Balancing;

public class PoolBalancerTests
{
    public static TheoryData<Algorithm> Algorithms => [.. Enum.GetValues<Algorithm>()];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Pick_NobodyEligible_IsNone(Algorithm algorithm)
    {
        var pool = new TestPool(1, 0, 2);
        PoolBalancer balancer = Create(pool, algorithm);
        pool.Set(0, ServerState.Down);
        pool.Set(2, ServerState.Unknown);

        for (int i = 0; i < 100; i++) Assert.Equal(Scheduler.None, balancer.Pick(TestPool.Key(i)));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Pick_EmptyPool_IsNone(Algorithm algorithm)
    {
        foreach (PoolTier tier in Enum.GetValues<PoolTier>())
        {
            var pool = new TestPool(ImmutableArray<ServerEntry>.Empty);
            PoolBalancer balancer = Create(pool, algorithm);
            pool.Availability.Publish(0, tier);
            Assert.Equal(Scheduler.None, balancer.Pick(TestPool.Key(1)));
        }
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Pick_AnyTier_GivesIndexesOfTheWholeList(Algorithm algorithm)
    {
        ImmutableArray<ServerEntry> servers =
            [new(3, "x", 1, Backup: true), new(1, "a", 1), new(0, "y", 1, Backup: true), new(2, "b", 1), new(4, "out", 1)];
        var pool = new TestPool(servers);
        pool.Set(4, ServerState.Maintenance);
        pool.Set(1, ServerState.Down);
        PoolBalancer balancer = Create(pool, algorithm);
        // Without fallback sh and dh give none to the keys of a server that is out.
        string[] none = algorithm is Algorithm.SourceHash or Algorithm.DestinationHash ? ["-"] : [];

        Assert.Equal([.. none, "b"], Picked(pool, balancer));
        pool.Availability.Publish(0, PoolTier.Backup);
        Assert.Subset(new HashSet<string> { "x", "y" }, Picked(pool, balancer));
        pool.Availability.Publish(0, PoolTier.Panic);
        Assert.Subset(new HashSet<string>([.. none, "x", "y", "a", "b"]), Picked(pool, balancer));
        pool.Availability.Publish(0, PoolTier.None);
        Assert.Equal(["-"], Picked(pool, balancer));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Pick_ServersAtTheirLimit_ArePassedOverUntilNobodyIsLeft(Algorithm algorithm)
    {
        ImmutableArray<ServerEntry> servers = [new(0, "a", 50, MaxConnections: 2), new(1, "b", 50, MaxConnections: 3)];
        var pool = new TestPool(servers);
        PoolBalancer balancer = Create(pool, algorithm, new BalanceSnapshot(algorithm, Fallback: true));
        int entered = 0;
        for (int i = 0; i < 400; i++)
        {
            int picked = balancer.Pick(TestPool.Key(i));
            if (picked < 0) continue;
            Assert.True(balancer.TryEnter(picked));
            entered++;
        }

        Assert.Equal(5, entered);
    }

    [Theory]
    [InlineData(Algorithm.Maglev)]
    [InlineData(Algorithm.Hash)]
    public void Pick_TableNotYetMadeForTheChange_NeverGivesAServerThatIsOut(Algorithm algorithm)
    {
        var pool = new TestPool(1, 1, 1, 1);
        PoolBalancer balancer = Create(pool, algorithm);

        // Words are written one after the other; the publication that rebuilds the table comes last.
        pool.Availability[0] = new Availability(ServerState.Down, 1);
        pool.Availability[2] = new Availability(ServerState.Draining, 1);
        Assert.Equal(["b", "d"], Picked(pool, balancer));
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Pick_ManyShardsAtOnce_TogetherNeverExceedTheLimit(Algorithm algorithm)
    {
        const int limit = 4, shards = 4;
        var servers = Enumerable.Range(0, 6).Select(i => new ServerEntry(i, $"s{i}", 50, MaxConnections: limit)).ToImmutableArray();
        var pool = new TestPool(servers);
        ImmutableArray<PoolBalancer> balancers = PoolBalancer.CreateAll(new BalanceSnapshot(algorithm), pool.Servers, shards, 7);
        int broken = 0, served = 0;
        Thread[] threads = [.. balancers.Select(balancer => new Thread(() =>
        {
            for (int i = 0; i < 2000; i++)
            {
                int picked = balancer.Pick(TestPool.Key(i));
                if (picked < 0 || !balancer.TryEnter(picked)) continue;
                if (pool.Loads[picked].InFlight > limit) Interlocked.Increment(ref broken);
                Interlocked.Increment(ref served);
                balancer.Leave(picked);
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();

        Assert.Equal(0, broken);
        Assert.True(served > 1000);
        Assert.All(Enumerable.Range(0, 6), slot => Assert.Equal(0, pool.Loads[slot].InFlight));
    }

    [Fact]
    public void CreateAll_Shards_StartAtDifferentServers()
    {
        foreach (Algorithm algorithm in (Algorithm[])[Algorithm.RoundRobin, Algorithm.WeightedRoundRobin, Algorithm.LeastRequest])
        {
            var pool = new TestPool(1, 1, 1, 1);
            var balancers = PoolBalancer.CreateAll(new BalanceSnapshot(algorithm), pool.Servers, 4, 1);
            Assert.Equal(4, balancers.Select(balancer => balancer.Pick(TestPool.Key(1))).Distinct().Count());
        }
    }

    [Fact]
    public void CreateAll_AnotherAlgorithm_StartsAnew()
    {
        var pool = new TestPool(1, 1, 1);
        ImmutableArray<PoolBalancer> before = default;
        foreach (Algorithm algorithm in Enum.GetValues<Algorithm>())
        {
            before = PoolBalancer.CreateAll(new BalanceSnapshot(algorithm), pool.Servers, 2, 1, before);
            Assert.InRange(before[1].Pick(TestPool.Key(3)), 0, 2);
        }
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void CreateAll_NothingChanged_PicksGoOnAsIfNothingHadHappened(Algorithm algorithm)
    {
        var reloaded = new TestPool(3, 2, 1);
        var untouched = new TestPool(3, 2, 1);
        PoolBalancer one = Create(untouched, algorithm);
        PoolBalancer other = Create(reloaded, algorithm);
        for (int i = 0; i < 60; i++)
        {
            if (i % 7 == 0)
            {
                TestPool next = reloaded.Reloaded([.. Enumerable.Range(0, 3).Select(n => reloaded.Servers[n])]);
                other = PoolBalancer.CreateAll(new BalanceSnapshot(algorithm), next.Servers, 1, seed: 99, [other])[0];
            }

            int expected = one.Pick(TestPool.Key(i % 11));
            Assert.Equal(expected, other.Pick(TestPool.Key(i % 11)));
            if (expected < 0) continue;
            one.TryEnter(expected);
            other.TryEnter(expected);
            if (i % 3 == 0) one.Leave(expected);
            if (i % 3 == 0) other.Leave(expected);
        }
    }

    [Fact]
    public void Publish_TwoPlanesOverOnePool_KeepsTheTablesOfBothUpToDate()
    {
        var pool = new TestPool(1, 1, 1, 1);
        PoolBalancer first = Create(pool, Algorithm.Maglev), second = Create(pool, Algorithm.Maglev);
        second = PoolBalancer.CreateAll(new BalanceSnapshot(Algorithm.Maglev), pool.Servers, 1, 1, [second])[0];
        pool.Set(1, ServerState.Down);
        string[] heirs = [.. Enumerable.Range(0, 300).Select(i => pool.NameOf(first.Pick(TestPool.Key(i))))];

        Assert.DoesNotContain("b", heirs);
        Assert.Equal(heirs, Enumerable.Range(0, 300).Select(i => pool.NameOf(second.Pick(TestPool.Key(i)))));
        pool.Set(1, ServerState.Up);
        Assert.Contains("b", Picked(pool, first));
        Assert.Contains("b", Picked(pool, second));
    }

    /// <summary>After a refused reload the tables in force did not follow the servers' health any more.</summary>
    [Fact]
    public void Abandon_PreparedConfiguration_TablesInForceFollowHealth()
    {
        var pool = new TestPool(1, 1, 1, 1);
        pool.Set(1, ServerState.Down);
        ImmutableArray<PoolBalancer> current = [Create(pool, Algorithm.Maglev)];
        var prepared = PoolBalancer.Prepare(new BalanceSnapshot(Algorithm.Maglev), pool.Servers, 1, 1, current);

        PoolBalancer.Abandon(prepared);

        pool.Set(1, ServerState.Up);
        Assert.Contains("b", Picked(pool, current[0]));
    }

    [Fact]
    public void Prepare_UntilPutInForce_ThresholdsAreThoseOfBefore()
    {
        var pool = new TestPool(1);
        ServerEntry entry = pool.Servers[0];
        ImmutableArray<PoolBalancer> current = [Create(pool, Algorithm.RoundRobin)];
        var limited = new ServerSet([entry with { UpperThreshold = 1 }], pool.Availability, pool.Servers.Loads, pool.Servers.PoolSlot);

        var next = PoolBalancer.Prepare(new BalanceSnapshot(Algorithm.RoundRobin), limited, 1, 1, current);

        Assert.True(current[0].TryEnter(0));
        Assert.Equal(0, current[0].Pick(TestPool.Key(1)));
        PoolBalancer.PutInForce(next, current);
        Assert.Equal(Scheduler.None, next[0].Pick(TestPool.Key(1)));
    }

    [Fact]
    public void Prepare_UntilPutInForce_BothFollowHealth()
    {
        var pool = new TestPool(1, 1, 1, 1);
        ImmutableArray<PoolBalancer> current = [Create(pool, Algorithm.Maglev)];
        pool.Set(1, ServerState.Down);

        var next = PoolBalancer.Prepare(new BalanceSnapshot(Algorithm.Maglev), pool.Servers, 1, 1, current);
        pool.Set(1, ServerState.Up);

        Assert.Contains("b", Picked(pool, current[0]));
        Assert.Contains("b", Picked(pool, next[0]));
    }

    [Fact]
    public void Forget_PlacesTakenAndGivenBackByALateExchange_StayCounted()
    {
        var loads = new LoadTable(1);
        loads.SetThresholds(0, 2, 1);
        loads.OnResponse(0, TimeSpan.FromSeconds(1), new Instant(1));
        Assert.True(loads.TryEnter(0, limit: 0));

        loads.Forget(0);
        loads.Leave(0);

        Assert.Equal((0, 0, 0), (loads[0].InFlight, loads[0].Upper, loads.ResponseTime(0, new Instant(1))));
    }

    [Fact]
    public void Drop_Pool_NobodyIsPickedAnyMore()
    {
        var pool = new TestPool(1, 1);
        PoolBalancer balancer = Create(pool, Algorithm.Maglev);
        pool.Availability.Drop(0);
        Assert.Equal(Scheduler.None, balancer.Pick(TestPool.Key(1)));
    }

    private static PoolBalancer Create(TestPool pool, Algorithm algorithm, BalanceSnapshot? balance = null) =>
        PoolBalancer.CreateAll(balance ?? new BalanceSnapshot(algorithm), pool.Servers, 1, 1)[0];

    private static SortedSet<string> Picked(TestPool pool, PoolBalancer balancer) =>
        [.. Enumerable.Range(0, 300).Select(i => pool.NameOf(balancer.Pick(TestPool.Key(i))))];
}

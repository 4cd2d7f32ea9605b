using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Balancing;

public class LocalityTests
{
    [Theory]
    [InlineData(Algorithm.Locality)]
    [InlineData(Algorithm.LocalityReplicated)]
    public void Pick_ShardsOfOnePool_KnowEachOthersDestinations(Algorithm algorithm)
    {
        var pool = new TestPool(50, 50, 50);
        var balancers = PoolBalancer.CreateAll(new BalanceSnapshot(algorithm), pool.Servers, 2, 1);
        for (int i = 0; i < 100; i++)
        {
            pool.SetLoad(i % 3, i % 7);
            int picked = balancers[0].Pick(TestPool.Key(i));
            pool.SetLoad(picked, 40);
            Assert.Equal(picked, balancers[1].Pick(TestPool.Key(i)));
        }
    }

    [Theory]
    [InlineData(Algorithm.Locality)]
    [InlineData(Algorithm.LocalityReplicated)]
    public void Pick_MoreDestinationsThanTheMapHolds_TheRecentOnesStay(Algorithm algorithm)
    {
        var pool = new TestPool(1, 1);
        Scheduler scheduler = pool.Create(algorithm);
        PickKey loyal = TestPool.Key(-5);
        int home = scheduler.Pick(loyal);
        for (int i = 0; i < 200_000; i++)
        {
            PickKey key = TestPool.Key(i) with { Now = new Instant(i) };
            Assert.InRange(scheduler.Pick(key), 0, 1);
            // Another server would be chosen anew: only the map knows the one before.
            pool.SetLoad(home, 1);
            Assert.Equal(home, scheduler.Pick(loyal with { Now = new Instant(i) }));
            pool.SetLoad(home, 0);
        }
    }

    [Fact]
    public void Pick_Panic_DestinationsKeepTheirServers()
    {
        var pool = new TestPool(9, 9, 9, 9);
        PoolBalancer balancer = PoolBalancer.CreateAll(new BalanceSnapshot(Algorithm.Locality), pool.Servers, 1, 1)[0];
        pool.SetLoad(0, 1);
        int home = balancer.Pick(TestPool.Key(1));
        pool.SetLoad(home, 5);
        pool.Availability.Publish(0, PoolTier.Panic);

        Assert.Equal(home, balancer.Pick(TestPool.Key(1)));
    }

    [Fact]
    public void Pick_ManyThreads_EveryDestinationHasOneServer()
    {
        var pool = new TestPool(100, 100, 100, 100);
        var balancers = PoolBalancer.CreateAll(new BalanceSnapshot(Algorithm.Locality), pool.Servers, 4, 1);
        foreach (PoolBalancer balancer in balancers.Take(1))
            for (int i = 0; i < 500; i++) balancer.Pick(TestPool.Key(i));
        int[][] seen = [.. balancers.Select(_ => new int[500])];
        Thread[] threads = [.. balancers.Select((balancer, shard) => new Thread(() =>
        {
            for (int i = 0; i < 500; i++) seen[shard][i] = balancer.Pick(TestPool.Key(i));
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();

        Assert.All(seen, picks => Assert.Equal(seen[0], picks));
    }
}

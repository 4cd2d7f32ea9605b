using System.Collections.Immutable;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Balancing;

public class AllocationTests
{
    public static TheoryData<Algorithm> Algorithms => [.. Enum.GetValues<Algorithm>()];

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Pick_AnyAlgorithm_AllocatesNothing(Algorithm algorithm)
    {
        var pool = new TestPool(1, 2, 3, 0, 5, 6, 7, 8);
        ImmutableArray<PoolBalancer> balancers = PoolBalancer.CreateAll(new BalanceSnapshot(algorithm), pool.Servers, 1, 1);
        PickRound(pool, balancers[0]);

        long before = GC.GetAllocatedBytesForCurrentThread();
        PickRound(pool, balancers[0]);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void PickRound(TestPool pool, PoolBalancer balancer)
    {
        for (int i = 0; i < 2000; i++)
        {
            PickKey key = TestPool.Key(i) with { Now = new Instant(i * 1_000_000_000_000), Tried = (ulong)i & 1 };
            int picked = balancer.Pick(key);
            if (picked < 0 || !balancer.TryEnter(picked)) continue;
            pool.Loads.OnResponse(picked, TimeSpan.FromMilliseconds(i), key.Now);
            if ((i & 3) != 0) balancer.Leave(picked);
        }

        // Schedulers that keep something derived from the weights look again.
        pool.Availability[0] = new Availability(ServerState.Up, pool.Availability[0].Weight == 1 ? 9 : 1);
    }
}

using FsCheck;
using FsCheck.Fluent;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Balancing;

public class WeightedRoundRobinTests
{
    [Fact]
    public void Pick_OneRound_EveryServerGetsExactlyItsWeight()
    {
        Gen<int[]> pools = Gen.Choose(1, 9).SelectMany(count => Gen.Choose(0, 24).ArrayOf(count)).Where(weights => weights.Sum() > 0);
        Check.One(
            FsCheck.Config.QuickThrowOnFailure.WithQuietOnSuccess(true),
            Prop.ForAll(pools.ToArbitrary(), weights =>
            {
                Scheduler scheduler = new TestPool(weights).Create(Algorithm.WeightedRoundRobin, shard: weights.Length / 2, shards: 9);
                int divisor = weights.Aggregate(Gcd);
                // Any two rounds one after the other, from wherever the first one starts.
                for (int round = 0; round < 2; round++)
                {
                    int[] picked = new int[weights.Length];
                    for (int i = 0; i < weights.Sum() / divisor; i++) picked[scheduler.Pick(TestPool.Key(i))]++;
                    Assert.Equal(weights.Select(weight => weight / divisor), picked);
                }
            }));
    }

    [Fact]
    public void Pick_HeavyServersOut_TakesNoLongerThanAScan()
    {
        var pool = new TestPool(65535, 65534, 1);
        pool.Set(0, ServerState.Down);
        pool.SetLoad(1, 1);
        pool.Loads.SetThresholds(1, 1, 1);
        Scheduler scheduler = pool.Create(Algorithm.WeightedRoundRobin);

        // Level by level this would be 16 million walks over the list for each pick.
        for (int i = 0; i < 100_000; i++) Assert.Equal(2, scheduler.Pick(TestPool.Key(i)));
    }

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);
}

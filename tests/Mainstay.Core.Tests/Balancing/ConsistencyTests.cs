using System.Collections.Immutable;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Balancing;

/// <summary>mh and hash: what changes little moves little, and shares follow weights.</summary>
public class ConsistencyTests
{
    private const int Keys = 100_000;

    public static TheoryData<Algorithm, int> Cases => new()
    {
        { Algorithm.Maglev, 16 }, { Algorithm.Maglev, 1000 }, { Algorithm.Hash, 16 }, { Algorithm.Hash, 1000 },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void Pick_OneServerMore_MovesAboutItsShareOfTheKeys(Algorithm algorithm, int count)
    {
        string[] before = Owners(new TestPool(Equal(count)), algorithm);
        string[] after = Owners(new TestPool(Equal(count + 1)), algorithm);

        int moved = Moved(before, after);
        double share = (double)Keys / (count + 1);
        Assert.InRange(moved, share * 0.7, share * 1.6);
        int elsewhere = before.Zip(after).Count(pair => pair.First != pair.Second && pair.Second != $"s{count}");
        Assert.InRange(elsewhere, 0, share * 0.7);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Pick_OneServerDown_MovesItsKeysOnlyAndEvenly(Algorithm algorithm, int count)
    {
        var pool = new TestPool(Equal(count));
        string[] before = Owners(pool, algorithm);
        pool.Set(3, ServerState.Down);
        string[] during = Owners(pool, algorithm);

        Assert.DoesNotContain("s3", during);
        Assert.All(before.Zip(during), pair => Assert.True(pair.First == pair.Second || pair.First == "s3"));
        int heirs = before.Zip(during).Where(pair => pair.First == "s3").Select(pair => pair.Second).Distinct().Count();
        Assert.InRange(heirs, Math.Min(15, Moved(before, during) / 3), count - 1);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Pick_ServerBackAgain_EveryKeyIsBackToo(Algorithm algorithm, int count)
    {
        var pool = new TestPool(Equal(count));
        string[] before = Owners(pool, algorithm);
        pool.Set(3, ServerState.Draining);
        Owners(pool, algorithm);
        pool.Set(3, ServerState.Up);

        Assert.Equal(before, Owners(pool, algorithm));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Pick_ServersListedInAnotherOrder_MovesNothing(Algorithm algorithm, int count)
    {
        ImmutableArray<ServerEntry> servers = Equal(count);
        string[] before = Owners(new TestPool(servers), algorithm);

        Assert.Equal(before, Owners(new TestPool([.. servers.Reverse()]), algorithm));
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Pick_HalfOfAWeightInForce_KeepsThatHalfAndMovesNoOthers(Algorithm algorithm, int count)
    {
        var pool = new TestPool(Equal(count));
        string[] before = Owners(pool, algorithm);
        pool.Set(3, ServerState.Up, share: 128);
        string[] during = Owners(pool, algorithm);

        Assert.All(before.Zip(during), pair => Assert.True(pair.First == pair.Second || pair.First == "s3"));
        int had = before.Count(name => name == "s3");
        Assert.InRange(during.Count(name => name == "s3"), had * 0.3, had * 0.75);
    }

    [Theory]
    [InlineData(Algorithm.Maglev)]
    [InlineData(Algorithm.Hash)]
    public void Pick_DifferentWeights_SharesFollowThem(Algorithm algorithm)
    {
        int[] weights = [1, 2, 3, 10, 0, 16];
        var pool = new TestPool(weights);
        ILookup<string, string> owners = Owners(pool, algorithm).ToLookup(name => name);

        for (int i = 0; i < weights.Length; i++)
        {
            double due = (double)Keys * weights[i] / weights.Sum();
            Assert.InRange(owners[TestPool.Name(i, weights.Length)].Count(), due * 0.9, due * 1.1);
        }
    }

    [Fact]
    public void Create_ManyServersOfManyWeights_EveryoneOfTheHeavierHalfGetsSlots()
    {
        var servers = Enumerable.Range(0, 200).Select(i => new ServerEntry(i, $"s{i}", 1 + i * 327)).ToImmutableArray();
        string[] owners = Owners(new TestPool(servers), Algorithm.Maglev);

        Assert.Equal(100, owners.Distinct().Count(name => int.Parse(name[1..]) >= 100));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(65536)]
    public void Create_TableSizeNoPrime_IsRefused(int size) =>
        Assert.Throws<ArgumentOutOfRangeException>(
            () => new TestPool(1, 1).Create(new BalanceSnapshot(Algorithm.Maglev, TableSize: size == 0 ? -7 : size)));

    [Fact]
    public void Pick_OneHotKey_NobodyGetsMoreThanTheLoadFactorAllows()
    {
        var pool = new TestPool(1, 1, 1, 1, 2, 2);
        Scheduler scheduler = pool.Create(new BalanceSnapshot(Algorithm.Hash, LoadFactor: 1.25));
        for (int total = 1; total <= 400; total++)
        {
            int picked = scheduler.Pick(TestPool.Key(7));
            pool.Loads.TryEnter(picked, 0);
            Assert.True(pool.Loads[picked].InFlight <= Math.Ceiling(1.25 * total * pool.Servers[picked].Weight / 8));
        }
    }

    private static ImmutableArray<ServerEntry> Equal(int count) =>
        [.. Enumerable.Range(0, count).Select(i => new ServerEntry(i, $"s{i}", 1))];

    private static string[] Owners(TestPool pool, Algorithm algorithm)
    {
        Scheduler scheduler = pool.Create(algorithm);
        return [.. Enumerable.Range(0, Keys).Select(i => pool.NameOf(scheduler.Pick(TestPool.Key(i))))];
    }

    private static int Moved(string[] before, string[] after) => before.Zip(after).Count(pair => pair.First != pair.Second);
}

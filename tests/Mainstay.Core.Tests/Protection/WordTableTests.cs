using Mainstay.Core.Protection;

namespace Mainstay.Core.Tests.Protection;

public class WordTableTests
{
    private const long Second = 1_000_000_000;
    private static readonly KeyHash s_hash = new(new UInt128(1, 2));

    [Fact]
    public void TokenBucket_RandomRequests_AgreesWithABucketThatIsFilledByTheClock()
    {
        var random = new Random(7);
        for (int round = 0; round < 200; round++)
        {
            long interval = random.Next(1, 2_000_000);
            long burst = random.Next(1, 50);
            var rate = new Rate(1, TimeSpan.FromTicks(interval), burst);
            var twin = new FilledBucket(burst * interval * 100);
            long word = 0, now = Second;
            for (int i = 0; i < 300; i++)
            {
                now += random.NextInt64(0, 3 * interval * 100);
                int amount = random.Next(1, 4);
                var rule = new TokenBucket(rate.Depth, rate.Cost(amount));
                bool passes = rule.Apply(ref word, now);
                Assert.Equal(twin.TryTake(amount * interval * 100, now), passes);
                Assert.Equal(twin.Depth - twin.Level, rule.Filling);
                Assert.Equal(passes, rule.Wait == 0);
            }
        }
    }

    [Fact]
    public void TokenBucket_WaitedAsLongAsItSays_Passes()
    {
        var rate = new Rate(100, TimeSpan.FromSeconds(1), 5);
        long word = 0, now = Second;
        for (int i = 0; i < 5; i++) Assert.True(Take(ref word, now, out _));
        Assert.False(Take(ref word, now, out long wait));
        Assert.InRange(wait, 1, 10_000_000);
        Assert.False(Take(ref word, now + wait - 1, out _));
        Assert.True(Take(ref word, now + wait, out _));

        bool Take(ref long w, long at, out long until)
        {
            var rule = new TokenBucket(rate.Depth, rate.Cost(1));
            bool passes = rule.Apply(ref w, at);
            until = rule.Wait;
            return passes;
        }
    }

    [Fact]
    public void TokenBucket_OwesTooMuch_IsNotShutOutForLongerThanAnHour()
    {
        var rate = new Rate(1000, TimeSpan.FromSeconds(1), 1000);
        long word = 0;
        new TokenBucket(rate.Depth, rate.Cost(1_000_000_000), owes: true).Apply(ref word, Second);
        var look = new TokenBucket(rate.Depth, 0);
        Assert.False(look.Apply(ref word, Second));
        Assert.Equal(3600 * Second, look.Wait);
    }

    [Fact]
    public void SlidingWindow_SteadyTraffic_CountsWhatCameInOnePeriod()
    {
        long word = 0, last = 0;
        for (int i = 0; i < 1000; i++)
        {
            var rule = new SlidingWindow(10 * Second, long.MaxValue, 1);
            rule.Apply(ref word, Second + i * (Second / 10));
            last = rule.Sum;
        }

        Assert.InRange(last, 99, 101);
    }

    [Fact]
    public void SlidingWindow_NothingForTwoPeriods_IsForgotten()
    {
        long word = 0;
        var rule = new SlidingWindow(Second, 3, 5);
        Assert.True(rule.Apply(ref word, Second));
        Assert.True(rule.Weight(word, Second) > 0);
        Assert.Equal(0, rule.Weight(word, 4 * Second));
        var quiet = new SlidingWindow(Second, 3, 1);
        Assert.False(quiet.Apply(ref word, 4 * Second));
        Assert.Equal(1, quiet.Sum);
    }

    [Fact]
    public void SlidingWindow_MoreThanItCanCount_StopsAtTheMost()
    {
        long word = 0;
        for (int i = 0; i < 3; i++) new SlidingWindow(Second, 3, SlidingWindow.Most).Apply(ref word, Second);
        var rule = new SlidingWindow(Second, 3, 0);
        rule.Apply(ref word, Second);
        Assert.Equal(SlidingWindow.Most, rule.Sum);
    }

    [Fact]
    public void Apply_ManyThreadsOnFewKeys_ExactlyTheBurstPasses()
    {
        const int keys = 5, burst = 1000;
        var table = new WordTable(64);
        var rate = new Rate(1, TimeSpan.FromHours(1), burst);
        int[] passed = new int[keys];
        var threads = Enumerable.Range(0, 8).Select(t => new Thread(() =>
        {
            for (int i = 0; i < keys * burst; i++)
            {
                int key = (i + t) % keys;
                var rule = new TokenBucket(rate.Depth, rate.Cost(1));
                if (table.Apply(s_hash.Of([(byte)key]), Second, ref rule, out _)) Interlocked.Increment(ref passed[key]);
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Assert.All(passed, count => Assert.Equal(burst, count));
    }

    [Fact]
    public void Apply_FloodOfNewKeys_TheOnesThatUsedUpTheirRateStayLimited()
    {
        var table = new WordTable(1000);
        var rate = new Rate(10, TimeSpan.FromSeconds(1), 10);
        for (int key = 0; key < 50; key++)
            for (int i = 0; i < 20; i++) Take(table, rate, Key(key), Second);
        for (int i = 0; i < 200_000; i++) Take(table, rate, Key(1_000_000 + i), Second);
        for (int key = 0; key < 50; key++) Assert.False(Take(table, rate, Key(key), Second));
        Assert.True(table.Displaced > 100_000);
    }

    [Fact]
    public void Apply_KeysWhoseBucketsAreFullAgain_MakePlaceUnnoticed()
    {
        var table = new WordTable(100);
        var rate = new Rate(10, TimeSpan.FromSeconds(1), 10);
        for (int i = 0; i < 10_000; i++) Take(table, rate, Key(i), Second * (1 + i));
        Assert.Equal(0, table.Displaced);
        Assert.Equal(1, table.Count(Second * 10_000, default(TokenBucket)));
    }

    [Fact]
    public void Occupancy_RandomEntersAndLeaves_AgreesWithADictionary()
    {
        var random = new Random(3);
        var table = new WordTable(4096);
        var twin = new Dictionary<int, int>();
        for (int i = 0; i < 100_000; i++)
        {
            int key = random.Next(200);
            int has = twin.GetValueOrDefault(key);
            if (random.Next(2) == 0)
            {
                Assert.Equal(has < 4, Occupancy.TryEnter(table, Key(key), 4, out bool isCounted));
                Assert.Equal(has < 4, isCounted);
                if (has < 4) twin[key] = has + 1;
            }
            else if (has > 0)
            {
                Occupancy.Leave(table, Key(key));
                twin[key] = has - 1;
            }
        }

        Assert.Equal(twin.Count(pair => pair.Value > 0), table.Count(0, default(Occupancy)));
    }

    [Fact]
    public void Occupancy_NoPlaceInTheTable_LetsInUncountedAndSaysSo()
    {
        var table = new WordTable(1);
        int counted = 0;
        for (int i = 0; i < 1000; i++)
        {
            Assert.True(Occupancy.TryEnter(table, Key(i), 1, out bool isCounted));
            if (isCounted) counted++;
        }

        Assert.Equal(table.Capacity, counted);
        Assert.Equal(1000 - counted, table.Full);
    }

    [Fact]
    public void Apply_Steady_AllocatesNothing()
    {
        var table = new WordTable(1000);
        var rate = new Rate(10, TimeSpan.FromSeconds(1), 10);
        Take(table, rate, Key(1), Second);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++) Take(table, rate, Key(i), Second);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static ulong Key(int number)
    {
        Span<byte> bytes = stackalloc byte[4];
        BitConverter.TryWriteBytes(bytes, number);
        return s_hash.Of(bytes);
    }

    private static bool Take(WordTable table, Rate rate, ulong key, long now)
    {
        var rule = new TokenBucket(rate.Depth, rate.Cost(1));
        return table.Apply(key, now, ref rule, out _);
    }

    private sealed class FilledBucket
    {
        private long _at;

        public FilledBucket(long depth) => Depth = Level = depth;

        public long Depth { get; }
        public long Level { get; private set; }

        public bool TryTake(long amount, long now)
        {
            if (_at != 0) Level = Math.Min(Depth, Level + now - _at);
            _at = now;
            if (amount > Level) return false;
            Level -= amount;
            return true;
        }
    }
}

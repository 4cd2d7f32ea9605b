using Mainstay.Core.Balancing;

namespace Mainstay.Core.Tests.Balancing;

public class LoadTableTests
{
    [Fact]
    public void TryEnter_ManyThreads_NeverMoreThanTheLimitInside()
    {
        const int limit = 3, threads = 8, rounds = 20_000;
        var loads = new LoadTable(1);
        int inside = 0, most = 0, entered = 0;
        Run(threads, () =>
        {
            for (int i = 0; i < rounds; i++)
            {
                if (!loads.TryEnter(0, limit)) continue;
                int now = Interlocked.Increment(ref inside);
                int seen = Volatile.Read(ref most);
                while (now > seen) seen = Interlocked.CompareExchange(ref most, now, seen) == seen ? now : Volatile.Read(ref most);
                Interlocked.Increment(ref entered);
                Interlocked.Decrement(ref inside);
                loads.Leave(0);
            }
        });

        Assert.InRange(most, 1, limit);
        Assert.True(entered >= rounds);
        Assert.Equal(0, loads[0].InFlight);
    }

    [Fact]
    public void TryEnter_ManyThreadsNobodyLeaves_ExactlyTheLimitGetsIn()
    {
        var loads = new LoadTable(1);
        int entered = 0;
        Run(8, () =>
        {
            for (int i = 0; i < 1000; i++)
                if (loads.TryEnter(0, 1234)) Interlocked.Increment(ref entered);
        });

        Assert.Equal(1234, entered);
        Assert.Equal(1234, loads[0].InFlight);
    }

    [Theory]
    [InlineData(10, 4, 4)]
    [InlineData(10, 0, 8)]
    [InlineData(1, 0, 1)]
    [InlineData(5, 9, 5)]
    public void Overloaded_UpperReached_HoldsUntilBelowLower(int upper, int lower, int effective)
    {
        var loads = new LoadTable(1);
        loads.SetThresholds(0, upper, lower);
        for (int i = 1; i <= upper; i++)
        {
            loads.TryEnter(0, 0);
            Assert.Equal(i == upper ? 1 : 0, loads[0].Overloaded);
        }

        for (int count = upper - 1; count >= 0; count--)
        {
            loads.Leave(0);
            Assert.Equal(count < effective ? 0 : 1, loads[0].Overloaded);
        }
    }

    [Fact]
    public void Overloaded_ManyThreads_IsRightWhenAllIsStill()
    {
        var loads = new LoadTable(1);
        loads.SetThresholds(0, 4, 2);
        for (int round = 0; round < 200; round++)
        {
            Run(4, () =>
            {
                for (int i = 0; i < 50; i++)
                {
                    loads.TryEnter(0, 0);
                    loads.TryEnter(0, 0);
                    loads.Leave(0);
                    loads.Leave(0);
                }
            });
            Assert.Equal(0, loads[0].Overloaded);
        }
    }

    [Fact]
    public void SetThresholds_ServerAlreadyPastThem_CountsAtOnce()
    {
        var loads = new LoadTable(1);
        for (int i = 0; i < 5; i++) loads.TryEnter(0, 0);
        loads.SetThresholds(0, 5, 0);
        Assert.Equal(1, loads[0].Overloaded);
        loads.SetThresholds(0, 0, 0);
        Assert.Equal(0, loads[0].Overloaded);
    }

    [Fact]
    public void ResponseTime_SteadyResponses_ComesToTheirTime()
    {
        var loads = new LoadTable(1);
        var now = new Instant(0);
        Assert.Equal(0, loads.ResponseTime(0, now));
        loads.OnResponse(0, TimeSpan.FromMilliseconds(100), now);
        Assert.Equal(100_000_000, loads.ResponseTime(0, now));
        for (int i = 0; i < 100; i++) loads.OnResponse(0, TimeSpan.FromMilliseconds(20), now);
        Assert.InRange(loads.ResponseTime(0, now), 20_000_000, 20_100_000);
    }

    [Fact]
    public void ResponseTime_OneOutlier_MovesItByAnEighth()
    {
        var loads = new LoadTable(1);
        loads.OnResponse(0, TimeSpan.FromMilliseconds(8), default);
        loads.OnResponse(0, TimeSpan.FromMilliseconds(16), default);
        Assert.Equal(9_000_000, loads.ResponseTime(0, default));
    }

    [Fact]
    public void ResponseTime_NothingNew_CountsHalfAfterEveryHalfLife()
    {
        var loads = new LoadTable(1);
        var start = new Instant(5);
        loads.OnResponse(0, TimeSpan.FromMilliseconds(64), start);
        Assert.Equal(32_000_000, loads.ResponseTime(0, start + LoadTable.ResponseHalfLife));
        Assert.Equal(16_000_000, loads.ResponseTime(0, start + LoadTable.ResponseHalfLife * 2));
        Assert.Equal(1, loads.ResponseTime(0, start + TimeSpan.FromDays(400)));

        // A server that has recovered is believed soon.
        loads.OnResponse(0, TimeSpan.FromMilliseconds(8), start + LoadTable.ResponseHalfLife * 3);
        Assert.InRange(loads.ResponseTime(0, start + LoadTable.ResponseHalfLife * 3), 8_000_000, 15_000_000);
    }

    private static void Run(int count, Action body)
    {
        var threads = new Thread[count];
        for (int i = 0; i < count; i++) (threads[i] = new Thread(() => body())).Start();
        foreach (Thread thread in threads) thread.Join();
    }
}

using Mainstay.Core.Health;

namespace Mainstay.Core.Tests.Health;

public class OutlierMachineTests
{
    private static readonly OutlierPolicy s_policy = new() { SlowFactor = 3 };
    private readonly List<OutlierEffect> _effects = [];
    private Instant _now = new(1_000_000_000_000);

    [Fact]
    public void ErrorsInARow_LeaveOutAndBringBackLaterEachTimeForLonger()
    {
        var bench = new Pool(3);
        var machine = new OutlierMachine(s_policy);
        Look(machine, bench);
        bench.Fail(0, 5);
        Assert.Equal("left out for 30 s: 5 failed requests in a row", Assert.Single(Look(machine, bench)).Reason);
        Assert.Empty(Look(machine, bench, TimeSpan.FromSeconds(28)));
        Assert.Equal(new OutlierEffect(0, null), Assert.Single(Look(machine, bench, TimeSpan.FromSeconds(2))));

        // What it failed before is no evidence; the next five are, and cost twice the time.
        Assert.Empty(Look(machine, bench));
        bench.Fail(0, 5);
        Assert.StartsWith("left out for 60 s", Assert.Single(Look(machine, bench)).Reason);
        Assert.Null(Assert.Single(Look(machine, bench, TimeSpan.FromSeconds(60))).Reason);

        // Well behaved for longer than that: forgotten.
        bench.Succeed(0, 1);
        Assert.Empty(Look(machine, bench, TimeSpan.FromSeconds(61)));
        bench.Fail(0, 5);
        Assert.StartsWith("left out for 30 s", Assert.Single(Look(machine, bench)).Reason);
    }

    [Fact]
    public void LastServer_IsNeverLeftOut()
    {
        var bench = new Pool(3);
        var machine = new OutlierMachine(s_policy with { MostEjected = 100 });
        Look(machine, bench);
        for (int i = 0; i < 3; i++) bench.Fail(i, 100);
        Assert.Equal(2, Look(machine, bench).Count);
        Assert.Empty(Look(machine, bench));
        var alone = new Pool(1);
        alone.Fail(0, 100);
        Assert.Empty(Look(new OutlierMachine(s_policy), alone));
    }

    [Theory]
    [InlineData(10, 50, 5)]
    [InlineData(10, 34, 3)]
    [InlineData(10, 1, 1)]
    [InlineData(10, 0, 0)]
    [InlineData(2, 50, 1)]
    public void ManyAtOnce_NoMoreThanTheShare(int servers, int share, int leftOut)
    {
        var bench = new Pool(servers);
        var machine = new OutlierMachine(s_policy with { MostEjected = share });
        Look(machine, bench);
        for (int i = 0; i < servers; i++) bench.Fail(i, 10);
        Assert.Equal(leftOut, Look(machine, bench).Count);
        Assert.Equal(leftOut, machine.Ejected);
    }

    [Fact]
    public void ErrorRate_FarAboveTheMean_LeavesOut()
    {
        var bench = new Pool(4);
        var machine = new OutlierMachine(s_policy with { ErrorsInARow = 0 });
        Look(machine, bench);
        for (int i = 0; i < 4; i++) bench.Succeed(i, 100);
        bench.Fail(2, 100);
        OutlierEffect effect = Assert.Single(Look(machine, bench));
        Assert.Equal((2, "left out for 30 s: 50 % of its requests failed, 13 % on average"), (effect.Slot, effect.Reason));
    }

    [Fact]
    public void ErrorRate_AllFailAlike_LeavesNobodyOut()
    {
        var bench = new Pool(4);
        var machine = new OutlierMachine(s_policy with { ErrorsInARow = 0 });
        Look(machine, bench);
        for (int i = 0; i < 4; i++) bench.Fail(i, 100);
        Assert.Empty(Look(machine, bench));
    }

    [Fact]
    public void FewRequests_SayNothing()
    {
        var bench = new Pool(3);
        var machine = new OutlierMachine(s_policy with { ErrorsInARow = 0 });
        Look(machine, bench);
        bench.Succeed(1, 19);
        bench.Fail(0, 19);
        Assert.Empty(Look(machine, bench));
    }

    [Fact]
    public void SlowServer_ManyTimesTheMedianOfTheOthers_IsLeftOut()
    {
        var bench = new Pool(3);
        var machine = new OutlierMachine(s_policy);
        for (int i = 0; i < 3; i++) bench.Time(i, TimeSpan.FromMilliseconds(i == 1 ? 37 : 10 + i));
        Look(machine, bench);
        for (int i = 0; i < 3; i++) bench.Succeed(i, 50);
        Assert.Equal((1, "left out for 30 s: takes 37 ms, the others 12 ms"), Only(Look(machine, bench)));
    }

    [Fact]
    public void DownServer_IsTheChecksBusiness()
    {
        var bench = new Pool(3);
        bench.Down(0);
        bench.Fail(0, 100);
        Assert.Empty(Look(new OutlierMachine(s_policy), bench));
    }

    [Fact]
    public void RandomRequests_NeverBreakTheBounds()
    {
        var random = new Random(11);
        for (int run = 0; run < 300; run++)
        {
            int servers = random.Next(1, 9);
            var policy = new OutlierPolicy
            {
                ErrorsInARow = random.Next(4),
                ErrorRate = random.Next(60),
                SlowFactor = random.Next(3),
                LeastRequests = random.Next(1, 20),
                MostEjected = random.Next(101),
                EjectFor = TimeSpan.FromSeconds(random.Next(1, 20)),
            };
            var bench = new Pool(servers);
            var machine = new OutlierMachine(policy);
            var leftOut = new HashSet<int>();
            for (int step = 0; step < 60; step++)
            {
                for (int i = 0; i < servers; i++)
                {
                    if (random.Next(3) == 0) bench.Fail(i, random.Next(10));
                    if (random.Next(2) == 0) bench.Succeed(i, random.Next(40));
                    bench.Time(i, TimeSpan.FromMilliseconds(random.Next(1, 50)));
                }

                foreach ((int slot, string? reason) in Look(machine, bench)) Assert.True(reason is null ? leftOut.Remove(slot) : leftOut.Add(slot));
                Assert.Equal(leftOut.Count, machine.Ejected);
                Assert.True(leftOut.Count < servers, "the last server is left out");
                Assert.True(leftOut.Count <= Math.Max(1, servers * policy.MostEjected / 100), "more than the share");
            }
        }
    }

    private static (int, string?) Only(List<OutlierEffect> effects)
    {
        OutlierEffect effect = Assert.Single(effects);
        return (effect.Slot, effect.Reason);
    }

    private List<OutlierEffect> Look(OutlierMachine machine, Pool bench, TimeSpan? after = null)
    {
        _now += after ?? TimeSpan.FromSeconds(1);
        _effects.Clear();
        machine.Step(bench.Samples, _now, _effects);
        return [.. _effects];
    }

    private sealed class Pool(int servers)
    {
        public OutlierSample[] Samples { get; } = [.. Enumerable.Range(0, servers).Select(slot => new OutlierSample(slot, true, 0, 0, 0, 0))];

        public void Succeed(int server, int count)
        {
            if (count > 0) Samples[server] = Samples[server] with { Successes = Samples[server].Successes + count, FailuresInARow = 0 };
        }

        public void Fail(int server, int count) => Samples[server] = Samples[server] with
        {
            Failures = Samples[server].Failures + count,
            FailuresInARow = Samples[server].FailuresInARow + count,
        };

        public void Time(int server, TimeSpan time) => Samples[server] = Samples[server] with { ResponseTime = time.Ticks * 100 };

        public void Down(int server) => Samples[server] = Samples[server] with { TakesWork = false };
    }
}

using Mainstay.Core.Balancing;
using Mainstay.Core.Health;

namespace Mainstay.Core.Tests.Health;

/// <summary>The machine against a twin that keeps every result and works its verdict out anew from the whole list.</summary>
public class HealthMachineTwinTests
{
    [Fact]
    public void RandomLives_EndAsTheTwinSays()
    {
        for (int seed = 0; seed < 400; seed++) Live(seed);
    }

    private static void Live(int seed)
    {
        var random = new Random(seed);
        var policy = new HealthPolicy
        {
            Interval = TimeSpan.FromMilliseconds(random.Next(50, 2000)),
            FastInterval = TimeSpan.FromMilliseconds(random.Next(20, 50)),
            Timeout = TimeSpan.FromMilliseconds(random.Next(10, 3000)),
            Rise = random.Next(1, 5),
            Fall = random.Next(1, 5),
            SlowStart = TimeSpan.FromMilliseconds(random.Next(0, 2) * random.Next(1, 5000)),
            DrainTimeout = TimeSpan.FromMilliseconds(random.Next(0, 2) * random.Next(1, 5000)),
        };
        var bench = new HealthBench(policy, (ulong)seed);
        var results = new List<bool?>(); // good, bad, or null where knowledge was thrown away
        double goodness = random.NextDouble();
        bench.Server = () =>
        {
            int fate = random.Next(10);
            if (fate == 0) return null;
            TimeSpan after = TimeSpan.FromMilliseconds(random.Next(0, 10));
            if (fate == 1) return (after, HealthBench.Unable);
            return (after, random.NextDouble() < goodness ? HealthBench.Good : HealthBench.Bad);
        };
        ServerOrder order = ServerOrder.None;
        long seen = 0;
        bench.Start();
        for (int i = 0; i < 300; i++)
        {
            if (random.Next(20) == 0) goodness = random.NextDouble();
            if (random.Next(10) == 0)
            {
                ServerOrder next = (ServerOrder)random.Next(3);
                if (next == ServerOrder.Maintenance && order != next) results.Add(null);
                order = next;
                bench.Step(HealthInput.Operator(order, ""));
            }
            else
            {
                Instant limit = bench.Now + TimeSpan.FromSeconds(1);
                bench.RunUntil(() => bench.Machine.ChecksEnded > seen || bench.Machine.NextDeadline > limit);
            }

            if (bench.Machine.ChecksEnded > seen)
            {
                seen++;
                Assert.Equal(seen, bench.Machine.ChecksEnded);
                if (bench.Machine.LastOutcome.IsEvidence) results.Add(bench.Machine.LastOutcome.IsGood);
            }

            ServerState verdict = Verdict(results, policy);
            Assert.Equal(verdict, bench.Machine.Health);
            Assert.Equal(order switch
            {
                ServerOrder.Drain => ServerState.Draining,
                ServerOrder.Maintenance => ServerState.Maintenance,
                _ => verdict,
            }, bench.State);
            Assert.InRange(bench.Machine.Share, 1, Availability.FullShare);
            if (order != ServerOrder.Maintenance) Assert.NotEqual(Instant.Never, bench.Machine.NextDeadline);
        }

        AssertEffectsAreConsistent(bench);
    }

    /// <summary>The definition, word for word: the last run of equal results which is long enough to matter.</summary>
    private static ServerState Verdict(List<bool?> results, HealthPolicy policy)
    {
        ServerState verdict = ServerState.Unknown;
        for (int end = 0; end < results.Count; end++)
        {
            if (results[end] is not { } good)
            {
                verdict = ServerState.Unknown;
                continue;
            }

            int run = 0;
            while (run <= end && results[end - run] == good) run++;
            if (verdict == ServerState.Unknown || run >= (good ? policy.Rise : policy.Fall))
                verdict = good ? ServerState.Up : ServerState.Down;
        }

        return verdict;
    }

    /// <summary>A listener that knows the effects only must know the state; no check may overlap another.</summary>
    private static void AssertEffectsAreConsistent(HealthBench bench)
    {
        ServerState state = ServerState.Unknown;
        int share = Availability.FullShare, running = 0, last = 0;
        foreach ((_, HealthEffect effect) in bench.Log)
        {
            switch (effect.Kind)
            {
                case HealthEffectKind.StateChanged:
                    Assert.NotEqual(state, effect.State);
                    Assert.NotEqual("", effect.Reason);
                    (state, share) = (effect.State, effect.Share);
                    break;
                case HealthEffectKind.ShareChanged:
                    Assert.NotEqual(share, effect.Share);
                    share = effect.Share;
                    break;
                case HealthEffectKind.StartCheck:
                    Assert.True(effect.Check > last);
                    running = last = effect.Check;
                    break;
                case HealthEffectKind.CancelCheck:
                case HealthEffectKind.TimeOutCheck:
                    Assert.Equal(running, effect.Check);
                    break;
            }
        }

        Assert.Equal(bench.State, state);
        Assert.Equal(bench.Machine.Share, share);
    }
}

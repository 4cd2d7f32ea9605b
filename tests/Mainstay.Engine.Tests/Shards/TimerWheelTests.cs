using Mainstay.Core;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Tests.Shards;

public class TimerWheelTests
{
    private sealed class Node : TimerNode
    {
        public Instant? Fired;

        public override void OnDeadline(Instant now) => Fired = now;
    }

    /// <summary>Against the simplest twin: a list that is looked through at every step.</summary>
    [Theory]
    [InlineData(1, 300)]
    [InlineData(2, 70_000)]
    [InlineData(3, 20_000_000)]
    [InlineData(4, 6_000_000_000)]
    public void Advance_RandomDeadlinesAndSteps_FiresEachOnceWithinTwoMilliseconds(int seed, long spanMilliseconds)
    {
        var random = new Random(seed);
        var now = new Instant(random.NextInt64(1L << 50));
        var wheel = new TimerWheel(now);
        var waiting = new Dictionary<Node, Instant>();
        for (int step = 0; step < 3000; step++)
        {
            for (int i = random.Next(4); i > 0; i--)
            {
                var node = new Node();
                waiting[node] = now + TimeSpan.FromMilliseconds(random.NextDouble() * spanMilliseconds);
                wheel.Arm(node, waiting[node]);
            }

            MoveSome(random, waiting, wheel, now, spanMilliseconds);
            now += TimeSpan.FromMilliseconds(random.NextDouble() * random.NextDouble() * spanMilliseconds / 50);
            wheel.Advance(now);
            AssertFired(waiting, now);
        }

        now += TimeSpan.FromMilliseconds(2 * spanMilliseconds);
        wheel.Advance(now);
        AssertFired(waiting, now);
        Assert.Empty(waiting);
        Assert.Equal(0, wheel.Count);
    }

    [Fact]
    public void MillisecondsToNext_SleepingExactlySoLong_FiresWithoutBusyLoop()
    {
        var now = new Instant(123_456_789_012);
        var wheel = new TimerWheel(now);
        var node = new Node();
        Instant deadline = now + TimeSpan.FromSeconds(100);
        wheel.Arm(node, deadline);
        int wakeUps = 0;
        while (node.Fired is null)
        {
            now += TimeSpan.FromMilliseconds(wheel.MillisecondsToNext(now));
            wheel.Advance(now);
            Assert.True(++wakeUps < 5);
        }

        Assert.InRange((now - deadline).TotalMilliseconds, 0, 2);
    }

    [Fact]
    public void Arm_LaterDeadline_LeavesNodeInPlaceAndStillFiresAtTheNewTime()
    {
        var now = new Instant(0);
        var wheel = new TimerWheel(now);
        var node = new Node();
        wheel.Arm(node, now + TimeSpan.FromMilliseconds(10));
        wheel.Arm(node, now + TimeSpan.FromMilliseconds(500));
        wheel.Advance(now + TimeSpan.FromMilliseconds(400));
        Assert.Null(node.Fired);
        wheel.Advance(now + TimeSpan.FromMilliseconds(501));
        Assert.NotNull(node.Fired);
    }

    private static void MoveSome(Random random, Dictionary<Node, Instant> waiting, TimerWheel wheel, Instant now, long span)
    {
        foreach (Node node in waiting.Keys.Where(_ => random.Next(20) == 0).ToList())
        {
            switch (random.Next(3))
            {
                case 0:
                    wheel.Remove(node);
                    waiting.Remove(node);
                    break;
                case 1:
                    wheel.Arm(node, Instant.Never);
                    waiting.Remove(node);
                    break;
                default:
                    waiting[node] = now + TimeSpan.FromMilliseconds(random.NextDouble() * span);
                    wheel.Arm(node, waiting[node]);
                    break;
            }
        }
    }

    private static void AssertFired(Dictionary<Node, Instant> waiting, Instant now)
    {
        foreach ((Node node, Instant deadline) in waiting.ToList())
        {
            if (node.Fired is null)
            {
                Assert.True(deadline > now - TimeSpan.FromMilliseconds(2), $"due at {deadline}, now {now}");
                continue;
            }

            Assert.True(deadline <= now, $"fired at {now}, due only at {deadline}");
            waiting.Remove(node);
        }
    }
}

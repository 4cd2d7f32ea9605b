using Mainstay.Core.Balancing;
using Mainstay.Core.Health;

namespace Mainstay.Core.Tests.Health;

public class HealthMachineTests
{
    private static readonly HealthPolicy Policy = new()
    {
        Interval = TimeSpan.FromSeconds(1),
        FastInterval = TimeSpan.FromMilliseconds(200),
        Timeout = TimeSpan.FromMilliseconds(500),
        Rise = 2,
        Fall = 3,
    };

    [Fact]
    public void Start_BeforeTheFirstResult_IsUnknownAndSoonChecked()
    {
        HealthBench bench = new HealthBench(Policy).Start();
        Assert.Equal(ServerState.Unknown, bench.State);
        Assert.False(bench.Machine.IsSettled);
        Assert.InRange(bench.Machine.NextDeadline - bench.Now, TimeSpan.Zero, Policy.FirstSpread);
    }

    [Theory]
    [InlineData(true, ServerState.Up)]
    [InlineData(false, ServerState.Down)]
    public void FirstResult_OfAnUnknownServer_DecidesAlone(bool good, ServerState expected)
    {
        HealthBench bench = new HealthBench(Policy) { Server = () => (TimeSpan.Zero, good ? HealthBench.Good : HealthBench.Bad) }.Start();
        bench.RunUntil(() => bench.Machine.ChecksEnded == 1);
        Assert.Equal(expected, bench.State);
        Assert.Equal($"first check: {(good ? "HTTP 200" : "HTTP 503")}", bench.Machine.Reason);
    }

    [Fact]
    public void SingleBadResults_BetweenGoodOnes_NeverTakeAServerDown()
    {
        int n = 0;
        HealthBench bench = new HealthBench(Policy)
        {
            Server = () => (TimeSpan.Zero, n++ % 3 == 0 ? HealthBench.Good : HealthBench.Bad),
        }.Start();
        bench.Run(TimeSpan.FromMinutes(10));
        Assert.Equal([ServerState.Up], bench.Of(HealthEffectKind.StateChanged).Select(entry => entry.Effect.State));
    }

    [Fact]
    public void Crash_IsSeenWithinTheDocumentedTime()
    {
        HealthBench bench = Up(Policy);
        Instant crash = bench.Now;
        bench.Server = () => (TimeSpan.FromMilliseconds(1), new(CheckLayer.Transport, CheckCause.Refused, "connection refused"));
        bench.RunUntil(() => bench.State == ServerState.Down);
        TimeSpan longest = (Policy.Interval + (Policy.Fall - 1) * Policy.FastInterval) * (1 + HealthMachine.Jitter) + TimeSpan.FromMilliseconds(3);
        Assert.InRange(bench.Now - crash, TimeSpan.Zero, longest);
        Assert.Equal("connection refused, 3 bad results in a row", bench.Machine.Reason);
    }

    [Fact]
    public void Hang_IsSeenByTimeoutsAndSaysWhatWasWaitedFor()
    {
        HealthBench bench = Up(Policy);
        Instant hang = bench.Now;
        bench.Server = () => null;
        bench.RunUntil(() => bench.State == ServerState.Down);
        TimeSpan longest = Policy.Interval * (1 + HealthMachine.Jitter) + Policy.Fall * Policy.Timeout;
        Assert.InRange(bench.Now - hang, TimeSpan.Zero, longest);
        Assert.Equal("timeout after 500ms waiting for the status line, 3 bad results in a row", bench.Machine.Reason);
    }

    [Fact]
    public void Unable_IsNoEvidence_AndChangesNothing()
    {
        HealthBench bench = Up(Policy);
        bench.Server = () => (TimeSpan.Zero, HealthBench.Unable);
        bench.Run(TimeSpan.FromMinutes(1));
        Assert.Equal(ServerState.Up, bench.State);
        Assert.Equal(CheckCause.Unable, bench.Machine.LastOutcome.Cause);
    }

    [Fact]
    public void FastInterval_HoldsOnlyWhileResultsAndStateDiffer()
    {
        HealthBench bench = Up(Policy);
        bench.Run(TimeSpan.FromSeconds(5));
        bench.Server = () => (TimeSpan.Zero, HealthBench.Bad);
        bench.RunUntil(() => bench.State == ServerState.Down);
        bench.Log.Clear();
        bench.Run(TimeSpan.FromSeconds(20));
        Assert.InRange(bench.Of(HealthEffectKind.StartCheck).Count(), 18, 22);
    }

    [Fact]
    public void Intervals_AreJitteredAroundTheirMean()
    {
        HealthBench bench = Up(Policy);
        bench.Run(TimeSpan.FromSeconds(3));
        bench.Log.Clear();
        bench.Run(TimeSpan.FromSeconds(1000));
        Instant[] starts = [.. bench.Of(HealthEffectKind.StartCheck).Select(entry => entry.At)];
        double[] gaps = [.. starts.Zip(starts.Skip(1), (left, right) => (right - left).TotalMilliseconds)];
        Assert.All(gaps, gap => Assert.InRange(gap, 950, 1050));
        Assert.InRange(gaps.Average(), 990, 1010);
        Assert.True(gaps.Distinct().Count() > gaps.Length / 2);
    }

    [Fact]
    public void ServersStartedTogether_AreSpreadOverTheInterval()
    {
        var phases = new int[10];
        for (ulong seed = 0; seed < 1000; seed++)
        {
            HealthBench bench = new HealthBench(Policy, seed * 7919).Start();
            bench.Run(TimeSpan.FromSeconds(2.5));
            Instant last = bench.Of(HealthEffectKind.StartCheck).Last().At;
            phases[(int)((last - bench.Began).TotalMilliseconds % 1000 / 100)]++;
        }

        Assert.All(phases, count => Assert.InRange(count, 50, 200));
    }

    [Fact]
    public void Drain_KeepsCheckingAndPassesItsDeadlineOnce()
    {
        HealthBench bench = Up(Policy with { DrainTimeout = TimeSpan.FromSeconds(30) });
        bench.Step(HealthInput.Operator(ServerOrder.Drain, "kernel update"));
        Assert.Equal(ServerState.Draining, bench.State);
        Assert.Equal("drained by the operator: kernel update", bench.Machine.Reason);
        long checks = bench.Machine.ChecksEnded;
        bench.Run(TimeSpan.FromMinutes(2));
        Assert.True(bench.Machine.ChecksEnded > checks + 100);
        var passed = Assert.Single(bench.Of(HealthEffectKind.DrainDeadlinePassed));
        Assert.InRange(passed.At - bench.Began, TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(34));
        bench.Step(HealthInput.Operator(ServerOrder.None, ""));
        Assert.Equal(ServerState.Up, bench.State);
        Assert.Equal(Availability.FullShare, bench.Machine.Share);
    }

    [Fact]
    public void Enable_BeforeTheDrainDeadline_CancelsIt()
    {
        HealthBench bench = Up(Policy with { DrainTimeout = TimeSpan.FromSeconds(30) });
        bench.Step(HealthInput.Operator(ServerOrder.Drain, ""));
        bench.Run(TimeSpan.FromSeconds(10));
        bench.Step(HealthInput.Operator(ServerOrder.None, ""));
        bench.Run(TimeSpan.FromMinutes(2));
        Assert.Empty(bench.Of(HealthEffectKind.DrainDeadlinePassed));
    }

    [Fact]
    public void Enable_OfADrainedServerThatDiedMeanwhile_IsDown()
    {
        HealthBench bench = Up(Policy);
        bench.Step(HealthInput.Operator(ServerOrder.Drain, ""));
        bench.Server = () => (TimeSpan.Zero, HealthBench.Bad);
        bench.RunUntil(() => bench.Machine.Health == ServerState.Down);
        Assert.Equal(ServerState.Draining, bench.State);
        bench.Step(HealthInput.Operator(ServerOrder.None, ""));
        Assert.Equal(ServerState.Down, bench.State);
    }

    [Fact]
    public void Maintenance_RestsChecks_AndEnableAsksAgainAtOnce()
    {
        HealthBench bench = Up(Policy);
        bench.Step(HealthInput.Operator(ServerOrder.Maintenance, "new disk"));
        Assert.Equal(ServerState.Maintenance, bench.State);
        bench.Log.Clear();
        bench.Run(TimeSpan.FromHours(1));
        Assert.Empty(bench.Log);
        bench.Step(HealthInput.Operator(ServerOrder.None, ""));
        Assert.Equal(ServerState.Unknown, bench.State);
        bench.RunUntil(() => bench.State == ServerState.Up);
        Assert.InRange(bench.Now - bench.Log[0].At, TimeSpan.Zero, TimeSpan.FromMilliseconds(5));
    }

    [Fact]
    public void Maintenance_WhileACheckIsUnderWay_CancelsItAndIgnoresItsResult()
    {
        HealthBench bench = Up(Policy);
        bench.Server = () => null;
        bench.RunUntil(() => bench.Machine.IsChecking);
        int check = bench.Log[^1].Effect.Check;
        bench.Step(HealthInput.Operator(ServerOrder.Maintenance, ""));
        Assert.Equal(check, Assert.Single(bench.Of(HealthEffectKind.CancelCheck)).Effect.Check);
        bench.Step(HealthInput.CheckEnded(check, HealthBench.Bad));
        Assert.Equal(ServerState.Unknown, bench.Machine.Health);
    }

    [Fact]
    public void SlowStart_AfterRecovery_RampsTheShareUp()
    {
        HealthBench bench = Up(Policy with { SlowStart = TimeSpan.FromSeconds(10) });
        Assert.Equal(Availability.FullShare, bench.Machine.Share); // the first round of a start is no recovery
        bench.Server = () => (TimeSpan.Zero, HealthBench.Bad);
        bench.RunUntil(() => bench.State == ServerState.Down);
        bench.Server = () => (TimeSpan.Zero, HealthBench.Good);
        bench.RunUntil(() => bench.State == ServerState.Up);
        Instant up = bench.Now;
        Assert.Equal(Availability.FullShare / 10, bench.Machine.Share);
        bench.RunUntil(() => bench.Machine.Share == Availability.FullShare);
        Assert.InRange(bench.Now - up, TimeSpan.FromSeconds(9.8), TimeSpan.FromSeconds(10.4));
        int[] shares = [.. bench.Of(HealthEffectKind.ShareChanged).Select(entry => entry.Effect.Share)];
        Assert.Equal(shares.Order(), shares);
        Assert.True(shares.Length > 30);
    }

    [Fact]
    public void SlowStart_OfAServerThatJoinsARunningPool_BeginsLow()
    {
        HealthBench bench = new HealthBench(Policy with { SlowStart = TimeSpan.FromSeconds(10) }).Start(joins: true);
        bench.RunUntil(() => bench.State == ServerState.Up);
        Assert.Equal(Availability.FullShare / 10, bench.Machine.Share);
    }

    [Fact]
    public void SlowStart_ThatIsCutByANewFailure_StartsOver()
    {
        HealthBench bench = new HealthBench(Policy with { SlowStart = TimeSpan.FromSeconds(10) }).Start(joins: true);
        bench.RunUntil(() => bench.Machine.Share > 128);
        bench.Server = () => (TimeSpan.Zero, HealthBench.Bad);
        bench.RunUntil(() => bench.State == ServerState.Down);
        bench.Server = () => (TimeSpan.Zero, HealthBench.Good);
        bench.RunUntil(() => bench.State == ServerState.Up);
        Assert.Equal(Availability.FullShare / 10, bench.Machine.Share);
    }

    [Fact]
    public void Agent_DrainAndPercentage_HoldUntilItSaysOtherwise()
    {
        HealthBench bench = Up(Policy);
        Answer(bench, AgentReport.Of(AgentOrder.None, 75));
        bench.RunUntil(() => bench.Machine.Share == 192);
        Answer(bench, AgentReport.Of(AgentOrder.Drain, null));
        bench.RunUntil(() => bench.State == ServerState.Draining);
        Answer(bench, default);
        bench.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(ServerState.Draining, bench.State);
        Answer(bench, AgentReport.Of(AgentOrder.Ready, 100));
        bench.RunUntil(() => bench.State == ServerState.Up && bench.Machine.Share == Availability.FullShare);
    }

    [Fact]
    public void Agent_Maintenance_GoesOnBeingAsked()
    {
        HealthBench bench = Up(Policy);
        Answer(bench, AgentReport.Of(AgentOrder.Maintenance, null));
        bench.RunUntil(() => bench.State == ServerState.Maintenance);
        Answer(bench, AgentReport.Of(AgentOrder.Ready, null));
        bench.RunUntil(() => bench.State == ServerState.Up);
    }

    [Fact]
    public void OperatorsOrder_OutranksTheAgent()
    {
        HealthBench bench = Up(Policy);
        bench.Step(HealthInput.Operator(ServerOrder.Drain, ""));
        Answer(bench, AgentReport.Of(AgentOrder.Ready, 100));
        bench.Run(TimeSpan.FromSeconds(10));
        Assert.Equal(ServerState.Draining, bench.State);
    }

    [Fact]
    public void Restored_Up_ServesAtOnceAndNeedsFallBadResultsToGoDown()
    {
        HealthBench bench = new HealthBench(Policy) { Server = () => (TimeSpan.Zero, HealthBench.Bad) }
            .Start(new LastKnown(ServerState.Up, "HTTP 200", ServerOrder.None, ""));
        Assert.Equal(ServerState.Up, bench.State);
        Assert.Equal("last known: HTTP 200", bench.Machine.Reason);
        bench.RunUntil(() => bench.State == ServerState.Down);
        Assert.Equal(Policy.Fall, bench.Machine.ChecksEnded);
    }

    [Fact]
    public void Restored_Maintenance_StaysAndIsNotChecked()
    {
        HealthBench bench = new HealthBench(Policy).Start(new LastKnown(ServerState.Up, "", ServerOrder.Maintenance, "new disk"));
        bench.Run(TimeSpan.FromMinutes(1));
        Assert.Equal(ServerState.Maintenance, bench.State);
        Assert.Equal(0, bench.Machine.ChecksEnded);
        Assert.True(bench.Machine.IsSettled);
    }

    [Fact]
    public void NoCheck_IsUpAtOnce()
    {
        HealthBench bench = new HealthBench(Policy with { IsChecked = false }).Start();
        Assert.Equal(ServerState.Up, bench.State);
        Assert.Equal(Instant.Never, bench.Machine.NextDeadline);
    }

    [Fact]
    public void PolicyChange_OfTimesOnly_KeepsStateAndCounts()
    {
        HealthBench bench = Up(Policy with { Interval = TimeSpan.FromMinutes(10), FastInterval = TimeSpan.FromMinutes(10) });
        bench.RunUntil(() => bench.Machine.ChecksEnded == 2);
        bench.Server = () => (TimeSpan.Zero, HealthBench.Bad);
        bench.RunUntil(() => bench.Machine.Contradictions == 1);
        bench.Step(HealthInput.Changed(Policy, checkChanged: false));
        Assert.Equal(ServerState.Up, bench.State);
        Assert.Equal(1, bench.Machine.Contradictions);
        Assert.InRange(bench.Machine.NextDeadline - bench.Now, TimeSpan.Zero, TimeSpan.FromSeconds(1.05));
    }

    [Fact]
    public void PolicyChange_OfTheCheckItself_VoidsTheOneUnderWayAndAsksAgainSoon()
    {
        HealthBench bench = Up(Policy);
        bench.Server = () => null;
        bench.RunUntil(() => bench.Machine.IsChecking);
        bench.Step(HealthInput.Changed(Policy, checkChanged: true));
        Assert.Equal(HealthEffectKind.CancelCheck, bench.Log[^1].Effect.Kind);
        Assert.Equal(ServerState.Up, bench.State);
        Assert.InRange(bench.Machine.NextDeadline - bench.Now, TimeSpan.Zero, Policy.FirstSpread);
    }

    [Fact]
    public void PolicyChange_ThatRemovesTheCheck_BringsTheServerUp()
    {
        HealthBench bench = new HealthBench(Policy) { Server = () => (TimeSpan.Zero, HealthBench.Bad) }.Start();
        bench.RunUntil(() => bench.State == ServerState.Down);
        bench.Step(HealthInput.Changed(Policy with { IsChecked = false }, checkChanged: true));
        Assert.Equal(ServerState.Up, bench.State);
        Assert.Equal("not checked", bench.Machine.Reason);
        Assert.Equal(Instant.Never, bench.Machine.NextDeadline);
    }

    private static HealthBench Up(HealthPolicy policy)
    {
        HealthBench bench = new HealthBench(policy).Start();
        bench.RunUntil(() => bench.State == ServerState.Up);
        return bench;
    }

    private static void Answer(HealthBench bench, AgentReport report) =>
        bench.Server = () => (TimeSpan.Zero, CheckOutcome.Pass(CheckLayer.Application, "agent") with { Agent = report });
}

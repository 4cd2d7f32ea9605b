using System.Collections.Immutable;
using Mainstay.Demo;

namespace Mainstay.System.Tests.Demo;

public class LedgerTests
{
    private static readonly Scene s_well = new(Fault.None, "", "well", "", "", 0, 1, 1);
    private static readonly Scene s_crash = new(Fault.Crash, "web1", "crash", "", "", 0, 1, 1);
    private static readonly Scene s_drain = new(Fault.Drain, "web1", "drain", "", "", 0, 1, 1);

    private readonly Ledger _ledger = new();

    [Fact]
    public void Results_FailureBeforeAnyFault_IsLost()
    {
        _ledger.Begin(s_well, At(0));
        Fail(1, 1.1);
        _ledger.Begin(s_crash, At(5));

        Assert.Equal((0, 1), Outcome(0));
        Assert.Equal((0, 0), Outcome(1));
    }

    [Fact]
    public void Results_FailureOfARequestThatWasUnderWayWhenTheFaultCame_IsExcused()
    {
        _ledger.Begin(s_well, At(0));
        _ledger.Begin(s_crash, At(5));
        Fail(4.9, 5.01);

        Assert.Equal((0, 0), Outcome(0));
        Assert.Equal((1, 0), Outcome(1));
    }

    [Fact]
    public void Results_FailureOfARequestSentAfterTheServerWasOut_IsLost()
    {
        _ledger.Begin(s_crash, At(5));
        _ledger.Note(act => act with { NoticedAt = At(5.3) });
        Fail(5.2, 6.5);
        Fail(5.4, 5.41);

        Assert.Equal((1, 1), Outcome(0));
    }

    [Fact]
    public void Results_FaultThatTheChecksNeverNotice_ExcusesNoLongerThanTheyMayTake()
    {
        _ledger.Begin(s_crash, At(5));
        double limit = 5 + Detection.Limit(Fault.Crash).TotalSeconds;
        Fail(limit - 0.01, 9);
        Fail(limit + 0.01, 9);

        Assert.Equal((1, 1), Outcome(0));
    }

    [Fact]
    public void Results_FaultNoticedLaterThanAllowed_ExcusesNoLonger()
    {
        _ledger.Begin(s_crash, At(5));
        _ledger.Note(act => act with { NoticedAt = At(20) });
        Fail(19, 19.1);

        Assert.Equal((0, 1), Outcome(0));
    }

    [Fact]
    public void Results_FailureDuringADrain_IsLost()
    {
        _ledger.Begin(s_crash, At(5));
        _ledger.Begin(s_drain, At(10));
        Fail(10.0, 10.01);

        Assert.Equal((0, 0), Outcome(0));
        Assert.Equal((0, 1), Outcome(1));
    }

    [Fact]
    public void OnAnswered_WorkerKilled_BackWithTheFirstAnswerToARequestThatItCannotHaveHad()
    {
        _ledger.Begin(new Scene(Fault.KillWorker, "", "kill", "", "", 0, 1, 1), At(5));

        _ledger.OnAnswered(At(4.9), At(5.001), isRetried: false);
        _ledger.OnAnswered(At(5.2), At(5.6), isRetried: true);
        _ledger.OnAnswered(At(5.3), At(5.7), isRetried: false);

        ActResult result = _ledger.Results()[0];
        Assert.Equal(At(5.6), result.Act.BackAt);
        Assert.Equal((3, 1), (result.Answered, result.Retried));
    }

    private void Fail(double sent, double ended) => _ledger.OnFailed(new Failure(At(sent), At(ended), "HTTP 502"));

    private (long Excused, long Lost) Outcome(int act)
    {
        ImmutableArray<ActResult> results = _ledger.Results();
        return (results[act].WhileNoticing, results[act].Lost);
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}

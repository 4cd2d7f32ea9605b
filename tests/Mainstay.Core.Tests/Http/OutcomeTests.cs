using System.Text.RegularExpressions;
using Mainstay.Core.Http;

namespace Mainstay.Core.Tests.Http;

public class OutcomeTests
{
    [Fact]
    public void Table_RejectReasons_HasOneRowForEachInOrder()
    {
        RejectReason[] reasons = Enum.GetValues<RejectReason>();
        Assert.Equal(reasons.Length, RejectReasons.Count);
        Assert.All(reasons, reason => Assert.Equal(Kebab(reason.ToString()), reason.Label()));
        Assert.All(reasons.Skip(1), reason => Assert.InRange(reason.Status(), 400, 505));
    }

    [Fact]
    public void Table_Outcomes_HasOneRowForEachInOrder()
    {
        OutcomeCause[] causes = Enum.GetValues<OutcomeCause>();
        Assert.Equal(causes.Length, Outcome.CauseCount);
        foreach (OutcomeCause cause in causes)
        {
            var outcome = new Outcome(OutcomePhase.Connect, cause);
            string name = Regex.Replace(cause.ToString(), "^(Client|Server)(?=[A-Z])", "");
            Assert.Equal(Kebab(name), outcome.CauseLabel);
        }

        string[] labels = [.. causes.Select(cause => new Outcome(default, cause).ToString())];
        Assert.Equal(labels.Length, labels.Distinct().Count());
        Assert.All(Enum.GetValues<OutcomePhase>(), phase => Assert.Equal(Kebab(phase.ToString()), new Outcome(phase, default).PhaseLabel));
        Assert.All(causes, cause => Assert.Equal(
            new Outcome(default, cause).Party.ToString().ToLowerInvariant(), new Outcome(default, cause).PartyLabel));
    }

    [Theory]
    [InlineData(OutcomePhase.Connect, OutcomeCause.ConnectRefused, true, false, RequestMethod.Post, true)]
    [InlineData(OutcomePhase.Connect, OutcomeCause.ConnectTimeout, true, false, RequestMethod.Other, true)]
    [InlineData(OutcomePhase.SendRequest, OutcomeCause.ServerReset, false, true, RequestMethod.Get, true)]
    [InlineData(OutcomePhase.FirstByte, OutcomeCause.ServerClosed, false, true, RequestMethod.Put, true)]
    [InlineData(OutcomePhase.FirstByte, OutcomeCause.ServerClosed, false, true, RequestMethod.Post, false)]
    [InlineData(OutcomePhase.FirstByte, OutcomeCause.ServerClosed, false, false, RequestMethod.Get, false)]
    [InlineData(OutcomePhase.ResponseHead, OutcomeCause.ServerClosed, false, true, RequestMethod.Get, false)]
    [InlineData(OutcomePhase.Body, OutcomeCause.ServerReset, false, true, RequestMethod.Get, false)]
    [InlineData(OutcomePhase.FirstByte, OutcomeCause.ServerFirstByteTimeout, false, true, RequestMethod.Get, false)]
    [InlineData(OutcomePhase.ResponseHead, OutcomeCause.ServerRejected, false, true, RequestMethod.Get, false)]
    [InlineData(OutcomePhase.Body, OutcomeCause.ClientClosed, true, true, RequestMethod.Get, false)]
    public void IsRetryable_Failure_OnlyAsHttpAllows(
        OutcomePhase phase, OutcomeCause cause, bool nothingSent, bool pooled, RequestMethod method, bool expected) =>
        Assert.Equal(expected, new Outcome(phase, cause).IsRetryable(nothingSent, pooled, method));

    [Fact]
    public void Status_RejectedRequest_IsThatOfTheReason()
    {
        Assert.Equal(414, Outcome.RejectedRequest(OutcomePhase.RequestHead, RejectReason.RequestLineTooLong).Status);
        Assert.Equal(502, new Outcome(OutcomePhase.ResponseHead, OutcomeCause.ServerRejected, RejectReason.HeadTooLarge).Status);
        Assert.Equal("client/request-head/rejected/bare-lf",
            Outcome.RejectedRequest(OutcomePhase.RequestHead, RejectReason.BareLf).ToString());
    }

    private static string Kebab(string name) => Regex.Replace(name, "(?<!^)([A-Z])", "-$1").ToLowerInvariant();
}

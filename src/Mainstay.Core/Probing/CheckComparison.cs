using Mainstay.Core.Config;

namespace Mainstay.Core.Probing;

public static class CheckComparison
{
    /// <summary>
    /// Both ask the same question of a server, however often and whatever follows from the answers: a reload that changes nothing else keeps
    /// checks that are under way.
    /// </summary>
    public static bool AsksTheSameAs(this CheckSnapshot left, CheckSnapshot right) =>
        left.Kind == right.Kind
        && left.Port == right.Port
        && left.Send.AsSpan().SequenceEqual(right.Send.AsSpan())
        && left.Expect.AsSpan().SequenceEqual(right.Expect.AsSpan())
        && AsksTheSameOfHttp(left, right)
        && (left.Verify, left.CertificateWarning) == (right.Verify, right.CertificateWarning)
        && (left.QueryName, left.QueryType, left.Answer) == (right.QueryName, right.QueryType, right.Answer)
        && left.Command.AsSpan().SequenceEqual(right.Command.AsSpan());

    private static bool AsksTheSameOfHttp(CheckSnapshot left, CheckSnapshot right) =>
        (left.Method, left.Path, left.Host) == (right.Method, right.Path, right.Host)
        && left.Headers.AsSpan().SequenceEqual(right.Headers.AsSpan())
        && left.Status.AsSpan().SequenceEqual(right.Status.AsSpan())
        && (left.BodyContains, left.BodyMatches, left.BodyLimit) == (right.BodyContains, right.BodyMatches, right.BodyLimit);
}

namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>`sed`: least (active + 1) / w. The first listed wins a tie.</summary>
internal sealed class ShortestExpectedDelay(ServerSet servers) : Scheduler(servers)
{
    public override int Pick(in PickKey key) => LeastCost.Pick<ExpectedDelayFormula>(Servers, key);
}

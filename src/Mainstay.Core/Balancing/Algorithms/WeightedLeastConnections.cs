namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>`wlc`: least (active * 256 + inactive) / w. The first listed wins a tie.</summary>
internal sealed class WeightedLeastConnections(ServerSet servers) : Scheduler(servers)
{
    public override int Pick(in PickKey key) => LeastCost.Pick<WeightedOverheadFormula>(Servers, key);
}

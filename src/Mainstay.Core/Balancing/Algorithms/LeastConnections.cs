namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>`lc`: least active * 256 + inactive. The first listed wins a tie.</summary>
internal sealed class LeastConnections(ServerSet servers) : Scheduler(servers)
{
    public override int Pick(in PickKey key) => LeastCost.Pick<OverheadFormula>(Servers, key);
}

namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>When lblc and lblcr leave the server that a destination is used to.</summary>
internal static class LocalityOverload
{
    /// <summary>It has more active than its weight, while some other has not even half of its own.</summary>
    public static bool Holds(ServerSet servers, int index)
    {
        if (!Exceeds(servers.Load(index).Active, servers.Weight(index))) return false;
        for (int i = 0; i < servers.Count; i++)
        {
            ulong twice = (ulong)servers.Load(i).Active * 2 * Availability.FullShare;
            if (twice < (ulong)servers.Weight(i)) return true;
        }

        return false;
    }

    private static bool Exceeds(uint active, int weight) => (ulong)active * Availability.FullShare > (ulong)weight;
}

namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `dh`: the destination's bucket names the server; weights do not count. When that is not available: none (ip_vs_dh.c).
/// </summary>
internal sealed class DestinationHash(ServerSet servers) : Scheduler(servers)
{
    private readonly HashBuckets _buckets = new(servers, weighted: false);

    public override int Pick(in PickKey key)
    {
        int server = _buckets[HashBuckets.Of(key.Destination)];
        return server >= 0 && Servers.WeightWithRoom(server, key) > 0 ? server : None;
    }
}

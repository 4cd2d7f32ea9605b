namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// `sh`: the source address's bucket names the server. When that is not available: none, or with sh-fallback the first
/// available of up to 256 further buckets, hashed anew (ip_vs_sh.c). With sh-port the caller hashes the port too.
/// </summary>
internal sealed class SourceHash(ServerSet servers, bool fallback) : Scheduler(servers)
{
    private readonly HashBuckets _buckets = new(servers, weighted: true);

    public override int Pick(in PickKey key)
    {
        int attempts = fallback ? HashBuckets.Count : 0;
        for (int attempt = 0; attempt <= attempts; attempt++)
        {
            int server = _buckets[HashBuckets.Of(StableHash.Again(key.Hash, attempt))];
            if (server >= 0 && Servers.WeightWithRoom(server, key) > 0) return server;
        }

        return None;
    }
}

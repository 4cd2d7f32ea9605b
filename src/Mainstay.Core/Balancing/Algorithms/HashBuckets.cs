namespace Mainstay.Core.Balancing.Algorithms;

/// <summary>
/// The 256 buckets of sh and dh (ip_vs_sh.c, ip_vs_dh.c): filled from the configured weights, whatever the servers' health, so
/// that a server which goes and comes back gets the same clients.
/// </summary>
internal sealed class HashBuckets(ServerSet servers, bool weighted)
{
    public const int Count = 256;

    private readonly ushort[] _buckets = new ushort[Count];
    private ulong _version = ulong.MaxValue;

    /// <summary>The bucket's server, or <see cref="Scheduler.None"/>.</summary>
    public int this[int bucket]
    {
        get
        {
            ulong version = servers.Version;
            if (version != _version) Fill(version);
            ushort owner = _buckets[bucket];
            return owner == SlotTable.Nobody ? Scheduler.None : owner;
        }
    }

    public static int Of(ulong hash) => (int)(hash >> 56);

    /// <summary>
    /// Server after server, each as many consecutive buckets as its weight (or one), and round again until all are full.
    /// </summary>
    private void Fill(ulong version)
    {
        _version = version;
        int bucket = 0;
        bool any = true;
        while (bucket < Count && any)
        {
            any = false;
            for (int i = 0; i < servers.Count && bucket < Count; i++)
            {
                int turns = weighted ? servers.NominalWeight(i) : 1;
                for (; turns > 0 && bucket < Count; turns--)
                {
                    _buckets[bucket++] = (ushort)i;
                    any = true;
                }
            }
        }

        _buckets.AsSpan(bucket).Fill(SlotTable.Nobody);
    }
}

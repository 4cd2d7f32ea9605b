namespace Mainstay.Core.Balancing;

/// <summary>A server as the schedulers see it: fixed for the life of one <see cref="ServerSet"/>.</summary>
/// <param name="Slot">Index into the availability and load tables.</param>
/// <param name="Name">Stable name: what consistent hashing keys on, so that reordering a list moves nothing.</param>
/// <param name="Weight">Configured weight 0..65535.</param>
/// <param name="Backup">Used only while no primary server is eligible.</param>
/// <param name="MaxConnections">In flight at most; 0 = no limit.</param>
/// <param name="UpperThreshold">Overloaded from this many in flight on; 0 = never.</param>
/// <param name="LowerThreshold">...until fewer than this many; 0 = three quarters of the upper one.</param>
public readonly record struct ServerEntry(
    int Slot, string Name, int Weight, bool Backup = false, int MaxConnections = 0, int UpperThreshold = 0, int LowerThreshold = 0);

/// <summary>What one pick may look at besides the servers.</summary>
public readonly record struct PickKey
{
    /// <summary>
    /// Hash of what the algorithm keys on: source address for sh and mh, the chosen header, cookie... for hash.
    /// </summary>
    public ulong Hash { get; init; }

    /// <summary>Hash of the destination: what dh, lblc and lblcr key on.</summary>
    public ulong Destination { get; init; }

    public Instant Now { get; init; }

    /// <summary>
    /// Servers not to be picked, because this request has tried them: bit (index mod 64). Exact for up to 64 servers; in larger
    /// pools a few untried servers are passed over too, which a retry can afford.
    /// </summary>
    public ulong Tried { get; init; }

    public bool HasTried(int index) => (Tried >> (index & 63) & 1) != 0;
}

/// <summary>
/// One scheduling algorithm over one set of servers, with the cursors and tables of one shard. Not thread-safe: every shard has
/// its own; what must be exact over shards is in <see cref="LoadTable"/>. A pick allocates nothing.
/// </summary>
public abstract class Scheduler(ServerSet servers)
{
    /// <summary>The result when no server is eligible.</summary>
    public const int None = -1;

    public ServerSet Servers { get; } = servers;

    /// <summary>Index of the chosen server in <see cref="Servers"/>, or <see cref="None"/>.</summary>
    public abstract int Pick(in PickKey key);

    /// <summary>
    /// Goes on where the scheduler of the configuration before stood, as far as it was of the same kind. That one may still be
    /// picking on its shard: what is read is a moment of it, and every value is checked before it is used.
    /// </summary>
    internal virtual void Adopt(Scheduler previous)
    {
    }
}

namespace Mainstay.Core.Balancing;

/// <summary>
/// A consistent-hashing table as the pickers see it: hash to slot to server in one load. Immutable; shared by all shards and
/// swapped whole.
/// </summary>
internal sealed class SlotTable(ushort[] owners, long totalWeight)
{
    /// <summary>A server's index fits the 16 bits of a slot, and one value is left for "nobody".</summary>
    public const int MaxServers = ushort.MaxValue - 1;

    public const ushort Nobody = ushort.MaxValue;

    public int Size => owners.Length;

    /// <summary>Weight in force of all owners together, in units of 1/256.</summary>
    public long TotalWeight => totalWeight;

    /// <summary>Index of the server that the hash belongs to, or <see cref="Scheduler.None"/>.</summary>
    public int Owner(ulong hash)
    {
        ushort owner = owners[StableHash.Reduce(hash, owners.Length)];
        return owner == Nobody ? Scheduler.None : owner;
    }
}

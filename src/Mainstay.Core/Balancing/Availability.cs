namespace Mainstay.Core.Balancing;

/// <summary>What the checks and the operator together say about one server.</summary>
public enum ServerState : byte
{
    /// <summary>Not checked yet: not eligible.</summary>
    Unknown = 0,
    Up = 1,
    Down = 2,

    /// <summary>Existing work ends, new work goes elsewhere.</summary>
    Draining = 3,

    /// <summary>Taken out by the operator.</summary>
    Maintenance = 4,
}

/// <summary>
/// One 64-bit word of the availability table: state (bits 0-7), configured weight (bits 8-31) and the share of that weight
/// which is in force (bits 32-47, 0..256 in units of 1/256: slow start and agents lower it). Written by the control side,
/// read by every plane without a lock.
/// </summary>
public readonly record struct Availability(ulong Word)
{
    /// <summary>The share of a server that takes its whole configured weight.</summary>
    public const int FullShare = 256;

    /// <summary>Largest weight a configuration can give: what IPVS takes.</summary>
    public const int MaxWeight = 65535;

    public Availability(ServerState state, int weight, int share = FullShare)
        : this((ulong)state | ((ulong)(uint)weight << 8) | ((ulong)(uint)share << 32))
    {
    }

    public ServerState State => (ServerState)(byte)Word;

    /// <summary>The configured weight, 0..65535.</summary>
    public int Weight => (int)((Word >> 8) & 0xFFFFFF);

    /// <summary>0..256: how much of the weight is in force.</summary>
    public int Share => (int)((Word >> 32) & 0xFFFF);

    /// <summary>Weight in force, in units of 1/256 of a weight point: comparisons of loads per weight use this.</summary>
    public int ScaledWeight => Weight * Share;

    /// <summary>May take new work, overload aside.</summary>
    public bool IsEligible => State == ServerState.Up && ScaledWeight > 0;
}

/// <summary>Which of a pool's servers take new work.</summary>
public enum PoolTier : byte
{
    /// <summary>No server may be used.</summary>
    None = 0,
    Primary = 1,

    /// <summary>No primary server is eligible; the backup servers are.</summary>
    Backup = 2,

    /// <summary>Fewer than the panic threshold are healthy: all that the operator did not take out are used.</summary>
    Panic = 3,
}

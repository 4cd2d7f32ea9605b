using Mainstay.Core.Protection;
using Mainstay.Linux;

namespace Mainstay.Engine.Http.Protect;

/// <summary>What a limit knows and has counted; it lives on over reloads while its name and size stay.</summary>
internal sealed class LimitState(int keys)
{
    private readonly ShardTally _refused = new();

    public int Keys => keys;
    public WordTable Words { get; } = new(keys);

    /// <summary>Refused, or with a dry run what would have been.</summary>
    public long Refused => _refused.Total;

    public void CountRefused(int shard) => _refused.Count(shard);
}

/// <summary>One counter that every shard adds to in a cache line of its own.</summary>
internal sealed class ShardTally
{
    private const int Lines = 64, LongsPerLine = 16;

    private readonly long[] _counts = new long[Lines * LongsPerLine];

    public long Total
    {
        get
        {
            long total = 0;
            for (int i = 0; i < _counts.Length; i += LongsPerLine) total += Volatile.Read(ref _counts[i]);
            return total;
        }
    }

    public void Count(int shard) => Interlocked.Increment(ref _counts[shard % Lines * LongsPerLine]);
}

/// <summary>What protection remembers over reloads: bans, and the tables of limits by name. Made once for a worker.</summary>
public sealed class ProtectionTables
{
    /// <summary>Addresses banned by detectors at once, at some 250 bytes each.</summary>
    private const int BanCapacity = 100_000;

    private readonly Dictionary<string, LimitState> _limits = [];

    /// <param name="announce">Told of bans as they begin, by any thread; must not wait.</param>
    /// <param name="warn">Told what else an operator should know; any thread.</param>
    public ProtectionTables(Action<Ban, bool>? announce = null, Action<string>? warn = null)
    {
        Warn = warn ?? (_ => { });
        Hash = new KeyHash(BitConverter.ToUInt128(Entropy.Bytes(16)));
        Bans = new BanList(Hash, BanCapacity);
        Announce = announce ?? ((_, _) => { });
    }

    public BanList Bans { get; }

    /// <summary>Whom a detector has banned, and whether it is only a dry run.</summary>
    internal Action<Ban, bool> Announce { get; }

    internal Action<string> Warn { get; }

    internal KeyHash Hash { get; }

    /// <summary>Control side, one call at a time.</summary>
    internal LimitState Limit(string name, int keys)
    {
        if (_limits.TryGetValue(name, out LimitState? known) && known.Keys == keys) return known;
        return _limits[name] = new LimitState(keys);
    }
}

using Mainstay.Core.Protection;

namespace Mainstay.Core.Persistence;

/// <summary>
/// Which server a key belongs to, shared by all shards: bounded, exact, without allocation. A key is forgotten when it was not used for
/// the timeout, or, when its set is full, in favour of one that was used later.
/// </summary>
public sealed class SessionTable(int entries, TimeSpan timeout)
{
    private readonly WordTable _words = new(entries);
    private readonly long _timeoutSeconds = Math.Max(1, (long)timeout.TotalSeconds);

    public int Entries { get; } = entries;

    /// <summary>Keys that had to go before their time: the table is too small.</summary>
    public long Displaced => _words.Displaced;

    /// <summary>The server's id, or 0; what is found counts as used now.</summary>
    public uint Find(ulong key, Instant now)
    {
        var rule = new Touch { Until = Until(now) };
        _words.Apply(key, Seconds(now), ref rule, out _);
        return rule.Found;
    }

    /// <param name="server">Not 0.</param>
    public void Store(ulong key, uint server, Instant now)
    {
        var rule = new Put { Word = ((long)server << 32) | Until(now) };
        _words.Apply(key, Seconds(now), ref rule, out _);
    }

    /// <summary>Keys that are remembered. Looks at everything: for reports.</summary>
    public int Count(Instant now) => _words.Count(Seconds(now), default(Touch));

    private static long Seconds(Instant now) => now.Nanoseconds / 1_000_000_000;

    private long Until(Instant now) => Seconds(now) + _timeoutSeconds;

    /// <summary>Seconds until which a word holds: its lower half; a boot time clock takes 136 years to fill it.</summary>
    private static long Deadline(long word) => word & uint.MaxValue;

    private struct Touch : IWordRule
    {
        public long Until;
        public uint Found;

        public bool Apply(ref long word, long now)
        {
            if (word != 0 && Deadline(word) <= now) word = 0;
            if (word == 0) return false;
            Found = (uint)(word >> 32);
            word = (word & ~(long)uint.MaxValue) | Until;
            return true;
        }

        public readonly long Weight(long word, long now) => Math.Max(0, Deadline(word) - now);
    }

    private struct Put : IWordRule
    {
        public long Word;

        public readonly bool Apply(ref long word, long now)
        {
            word = Word;
            return true;
        }

        public readonly long Weight(long word, long now) => Math.Max(0, Deadline(word) - now);
    }
}

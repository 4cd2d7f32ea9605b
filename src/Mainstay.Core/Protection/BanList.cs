using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using Mainstay.Core.Net;

namespace Mainstay.Core.Protection;

/// <summary>
/// Who is banned: single addresses (IPv6: networks of one length) by detectors, any ranges by hand. Read by every shard without a lock
/// and without allocation; changed rarely, by anyone. Bounded: with no room left the ban that ends first makes place.
/// </summary>
public sealed class BanList
{
    private readonly ConcurrentDictionary<NetAddress, Ban> _found;
    private readonly Lock _changing = new();
    private readonly int _capacity;
    private int _count;
    private ImmutableArray<Ban> _manual = [];
    private AddressMap _manualMap = new([]);
    private int _generation;
    private long _total;
    private long _displaced;

    /// <param name="capacity">Bans by detectors.</param>
    public BanList(KeyHash hash, int capacity)
    {
        _capacity = capacity;
        _found = new ConcurrentDictionary<NetAddress, Ban>(new ByHash(hash));
    }

    /// <summary>Length of the IPv6 networks that detectors ban.</summary>
    public int V6PrefixLength { get; set; } = 64;

    /// <summary>Changes with every change: who has looked since need not look again until a ban ends.</summary>
    public int Generation => Volatile.Read(ref _generation);

    /// <summary>Bans by detectors so far.</summary>
    public long Total => Volatile.Read(ref _total);

    /// <summary>Bans that made place for another before their end.</summary>
    public long Displaced => Volatile.Read(ref _displaced);

    /// <summary>Nothing is banned or remembered: the common case, known by two reads.</summary>
    public bool IsEmpty => Volatile.Read(ref _count) == 0 && Volatile.Read(ref _manualMap).Count == 0;

    public bool TryFind(NetAddress address, long unixSeconds, [NotNullWhen(true)] out Ban? ban)
    {
        ban = null;
        if (IsEmpty || address.IsNone) return false;
        if (_found.TryGetValue(Key(address), out ban) && ban.IsInForce(unixSeconds)) return true;
        int manual = Volatile.Read(ref _manualMap).Find(address);
        ImmutableArray<Ban> bans = _manual;
        ban = manual >= 0 && manual < bans.Length && bans[manual].Range.Contains(address) ? bans[manual] : null;
        return ban?.IsInForce(unixSeconds) == true;
    }

    /// <summary>A detector has had enough of an address. Null: it is banned already.</summary>
    public Ban? Add(NetAddress address, BanTerms terms, string by, string reason, long unixSeconds)
    {
        NetAddress key = Key(address);
        lock (_changing)
        {
            bool known = _found.TryGetValue(key, out Ban? before);
            if (known && before!.IsInForce(unixSeconds)) return null;
            int strikes = known && unixSeconds < before!.RememberedUntil ? before.Strikes + 1 : 1;
            long until = unixSeconds + Math.Max(1, (long)terms.Length(strikes).TotalSeconds);
            var range = new AddressRange(key, key.IsV6 ? V6PrefixLength : key.Bits);
            var ban = new Ban(range, terms.Action, strikes, unixSeconds, until, until + (long)terms.Forget.TotalSeconds, by, reason);
            if (!known) MakeRoom(unixSeconds);
            Set(key, ban, isNew: !known);
            Volatile.Write(ref _total, _total + 1);
            return ban;
        }
    }

    /// <summary>By hand: the same range again is changed.</summary>
    public Ban AddManual(AddressRange range, BanAction action, TimeSpan? length, string reason, long unixSeconds)
    {
        long until = length is { } given ? unixSeconds + Math.Max(1, (long)given.TotalSeconds) : Ban.Forever;
        var ban = new Ban(range, action, 0, unixSeconds, until, until, "", reason);
        lock (_changing) SetManual([.. _manual.Where(b => b.Range != range && b.IsInForce(unixSeconds)), ban]);
        return ban;
    }

    /// <summary>Lets go of a range and, when it is larger, of every ban inside; strikes are forgotten too.</summary>
    /// <returns>How many bans in force there were.</returns>
    public int Remove(AddressRange range, long unixSeconds)
    {
        lock (_changing)
        {
            int removed = 0;
            foreach ((NetAddress key, Ban ban) in _found)
            {
                if (!range.Contains(key) && !ban.Range.Contains(range.Address)) continue;
                if (ban.IsInForce(unixSeconds)) removed++;
                if (_found.TryRemove(key, out _)) Volatile.Write(ref _count, _count - 1);
            }

            ImmutableArray<Ban> kept = [.. _manual.Where(b => !range.Contains(b.Range.Address) || b.Range.PrefixLength < range.PrefixLength)];
            removed += _manual.Count(b => !kept.Contains(b) && b.IsInForce(unixSeconds));
            SetManual(kept);
            return removed;
        }
    }

    /// <summary>Forgets what has ended and need not be remembered. Now and then, on the control side.</summary>
    public void Sweep(long unixSeconds)
    {
        lock (_changing)
        {
            foreach ((NetAddress key, Ban ban) in _found)
                if (unixSeconds >= ban.RememberedUntil && _found.TryRemove(key, out _)) Volatile.Write(ref _count, _count - 1);
            ImmutableArray<Ban> kept = [.. _manual.Where(b => b.IsInForce(unixSeconds))];
            if (kept.Length != _manual.Length) SetManual(kept);
        }
    }

    /// <summary>Everything in force or remembered, for the state file; by hand first.</summary>
    public ImmutableArray<Ban> All()
    {
        lock (_changing) return [.. _manual, .. _found.Values];
    }

    /// <summary>From the state file.</summary>
    public void Restore(IEnumerable<Ban> bans)
    {
        lock (_changing)
        {
            var manual = new List<Ban>();
            foreach (Ban ban in bans)
            {
                if (ban.IsManual) manual.Add(ban);
                else if (_count < _capacity) Set(Key(ban.Range.Address), ban, isNew: !_found.ContainsKey(Key(ban.Range.Address)));
            }

            SetManual([.. manual]);
        }
    }

    private NetAddress Key(NetAddress address) => address.IsV6 ? address.Truncate(V6PrefixLength) : address;

    private void Set(NetAddress key, Ban ban, bool isNew)
    {
        _found[key] = ban;
        if (isNew) Volatile.Write(ref _count, _count + 1);
        Interlocked.Increment(ref _generation);
    }

    private void SetManual(ImmutableArray<Ban> bans)
    {
        // The list first: a reader with the old map and the new list sees that the range is another one.
        _manual = bans;
        Volatile.Write(ref _manualMap, new AddressMap(bans.Select((ban, i) => (ban.Range, i))));
        Interlocked.Increment(ref _generation);
    }

    private void MakeRoom(long unixSeconds)
    {
        if (_count < _capacity) return;

        // A sixteenth at once, so that a flood of bans does not pay for the search each time.
        Ban[] first = [.. _found.Values.OrderBy(ban => ban.Until).Take(Math.Max(1, _capacity / 16))];
        foreach (Ban ban in first)
        {
            if (!_found.TryRemove(ban.Range.Address, out _)) continue;
            Volatile.Write(ref _count, _count - 1);
            if (ban.IsInForce(unixSeconds)) Volatile.Write(ref _displaced, _displaced + 1);
        }
    }

    private sealed class ByHash(KeyHash hash) : IEqualityComparer<NetAddress>
    {
        public bool Equals(NetAddress x, NetAddress y) => x == y;

        public int GetHashCode(NetAddress address) => (int)hash.Of(address);
    }
}

using System.Runtime.CompilerServices;

namespace Mainstay.Core.Balancing;

/// <summary>
/// Which servers a destination is sent to (lblc, lblcr), shared by all shards. Of fixed size: a key can live in one of eight
/// places, and when all are taken by others the one idle for longest goes. Striped locks, held for one walk over eight entries.
/// </summary>
internal sealed class LocalityMap
{
    /// <summary>Entries not asked for since this long are forgotten (ip_vs_lblc.c: 24 hours).</summary>
    public static readonly TimeSpan Expiry = TimeSpan.FromHours(24);

    /// <summary>Servers of one destination at most (lblcr); the kernel has no bound, eight hot copies are one.</summary>
    public const int MaxMembers = 8;

    /// <summary>What the kernel's table holds before it is swept (1024 buckets of 16).</summary>
    public const int Capacity = 16384;

    private const int Ways = 8;
    private const int Groups = Capacity / Ways;
    private const int Stripes = 64;

    private readonly Entry[] _entries = new Entry[Capacity];
    private readonly Lock[] _locks = new Lock[Stripes];

    public LocalityMap()
    {
        for (int i = 0; i < Stripes; i++) _locks[i] = new Lock();
    }

    /// <summary>A copy of the destination's entry; asking keeps it alive.</summary>
    public bool TryGet(ulong key, Instant now, out Entry entry)
    {
        int group = Group(key);
        lock (_locks[group % Stripes])
        {
            int found = Find(group, key, now);
            if (found < 0)
            {
                entry = default;
                return false;
            }

            _entries[found].LastUse = now;
            entry = _entries[found];
            return true;
        }
    }

    /// <summary>Makes the server the destination's only one.</summary>
    public void Assign(ulong key, int slot, Instant now)
    {
        int group = Group(key);
        lock (_locks[group % Stripes])
        {
            ref Entry entry = ref FindOrClaim(group, key, now);
            entry.Count = 0;
            entry.Add(slot, now);
        }
    }

    /// <summary>
    /// Adds the server to the destination's, in place of <paramref name="surplus"/> when there are already eight.
    /// </summary>
    public void Add(ulong key, int slot, int surplus, Instant now)
    {
        int group = Group(key);
        lock (_locks[group % Stripes])
        {
            ref Entry entry = ref FindOrClaim(group, key, now);
            if (entry.Contains(slot)) return;
            if (entry.Count == MaxMembers) entry.Remove(surplus, now);
            if (entry.Count == MaxMembers) return;
            entry.Add(slot, now);
        }
    }

    public void Remove(ulong key, int slot, Instant now)
    {
        int group = Group(key);
        lock (_locks[group % Stripes])
        {
            int found = Find(group, key, now);
            if (found >= 0) _entries[found].Remove(slot, now);
        }
    }

    /// <summary>Forgets servers that are not in the set: their slots will be given to others.</summary>
    public void Retain(ServerSet servers)
    {
        for (int i = 0; i < Capacity; i++)
        {
            lock (_locks[i / Ways % Stripes])
            {
                ref Entry entry = ref _entries[i];
                for (int m = entry.Count - 1; m >= 0; m--)
                {
                    int slot = entry.Members[m];
                    if (servers.IndexOfSlot(slot) < 0) entry.Remove(slot, entry.LastModified);
                }
            }
        }
    }

    private static int Group(ulong key) => StableHash.Reduce(key, Groups);

    /// <summary>Index of the key's entry; -1 = it has none, or one that has expired.</summary>
    private int Find(int group, ulong key, Instant now)
    {
        for (int i = group * Ways; i < (group + 1) * Ways; i++)
        {
            ref Entry entry = ref _entries[i];
            if (entry.Count > 0 && entry.Key == key) return now - entry.LastUse < Expiry ? i : -1;
        }

        return -1;
    }

    private ref Entry FindOrClaim(int group, ulong key, Instant now)
    {
        int found = Find(group, key, now);
        if (found >= 0) return ref _entries[found];
        int victim = group * Ways;
        for (int i = victim; i < (group + 1) * Ways; i++)
        {
            ref Entry entry = ref _entries[i];
            // The key's own expired entry before all others: a key has one entry.
            if (entry.Key == key && entry.Count > 0)
            {
                victim = i;
                break;
            }

            if (Age(entry, now) > Age(_entries[victim], now)) victim = i;
        }

        ref Entry claimed = ref _entries[victim];
        claimed = new Entry { Key = key, LastUse = now, LastModified = now };
        return ref claimed;
    }

    private static TimeSpan Age(in Entry entry, Instant now) => entry.Count == 0 ? TimeSpan.MaxValue : now - entry.LastUse;

    /// <summary>One destination.</summary>
    public struct Entry
    {
        public ulong Key;
        public Instant LastUse;

        /// <summary>When a server was last added or removed.</summary>
        public Instant LastModified;

        /// <summary>Servers in <see cref="Members"/>; 0 = the entry is free.</summary>
        public int Count;

        /// <summary>Their slots.</summary>
        public SlotList Members;

        public readonly bool Contains(int slot)
        {
            for (int i = 0; i < Count; i++)
                if (Members[i] == slot) return true;
            return false;
        }

        internal void Add(int slot, Instant now)
        {
            Members[Count++] = slot;
            LastModified = now;
        }

        internal void Remove(int slot, Instant now)
        {
            for (int i = 0; i < Count; i++)
            {
                if (Members[i] != slot) continue;
                for (int j = i + 1; j < Count; j++) Members[j - 1] = Members[j];
                Count--;
                LastModified = now;
                return;
            }
        }
    }

    [InlineArray(MaxMembers)]
    public struct SlotList
    {
        private int _first;
    }
}

using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;

namespace Mainstay.Engine.Http.Protect;

/// <summary>One rate limit as all shards apply it. Immutable but for its table.</summary>
internal sealed class RateLimit
{
    /// <summary>All clients together: one key.</summary>
    private const ulong Everyone = 1;

    /// <summary>A smaller piece of a response costs more than it smooths.</summary>
    private const int LeastPiece = 1024;

    private readonly KeyHash _hash;
    private readonly long _readyDepth;
    private readonly PickHash[] _parts;
    private readonly bool _byAddress;
    private readonly int _v6PrefixLength;

    public RateLimit(RateLimitSnapshot snapshot, int v6PrefixLength, string name, ProtectionTables tables)
    {
        Snapshot = snapshot;
        Name = name;
        State = tables.Limit(name, snapshot.By.IsEmpty ? 1 : snapshot.Keys);
        Depth = snapshot.Rate.Depth;
        Piece = (int)Math.Clamp(snapshot.Rate.Burst / 4, LeastPiece, 1 << 20);
        _readyDepth = Math.Max(0, Depth - snapshot.Rate.Cost(Piece));
        _hash = tables.Hash;
        _v6PrefixLength = v6PrefixLength;
        _byAddress = snapshot.By is [{ Source: HashSource.Address }];
        _parts = [.. snapshot.By.Select(part => new PickHash(part.Source, part.Name))];
    }

    public RateLimitSnapshot Snapshot { get; }

    /// <summary>With the service's, and the route's when it has one.</summary>
    public string Name { get; }
    public LimitState State { get; }

    /// <summary>Nanoseconds in which the empty bucket fills.</summary>
    public long Depth { get; }

    /// <summary>Bytes of a limited response that are sent at once at most.</summary>
    public int Piece { get; }

    /// <summary>Of a client by its address alone.</summary>
    public ulong Key(NetAddress client) => _parts.Length == 0 ? Everyone : _hash.Of(Prefix(client));

    public ulong Key(RequestHead request, ReadOnlySpan<byte> head, NetAddress client)
    {
        if (_byAddress || _parts.Length == 0) return Key(client);
        ulong key = 0;
        Span<byte> scratch = stackalloc byte[PickHash.ScratchLength];
        NetAddress prefix = Prefix(client);
        foreach (PickHash part in _parts) key = _hash.Join(key, _hash.Of(part.Input(request, head, prefix, scratch)));
        return key;
    }

    /// <summary>Takes one from the key's bucket. False: it is empty; a dry run counts that and says true.</summary>
    /// <param name="bucket">How it stands.</param>
    public bool TryTake(ulong key, Instant now, int shard, out TokenBucket bucket)
    {
        bucket = new TokenBucket(Depth, Snapshot.Rate.Cost(1));
        if (State.Words.Apply(key, now.Nanoseconds, ref bucket, out _)) return true;
        State.CountRefused(shard);
        return Snapshot.DryRun;
    }

    /// <summary>Takes what has been sent from the key's bucket, which may go below empty.</summary>
    /// <returns>How long to wait until there is room for another piece.</returns>
    public TimeSpan Charge(ulong key, long bytes, Instant now)
    {
        var bucket = new TokenBucket(_readyDepth, Snapshot.Rate.Cost(bytes), owes: true);
        State.Words.Apply(key, now.Nanoseconds, ref bucket, out _);
        return bucket.Wait <= 0 ? TimeSpan.Zero : TimeSpan.FromTicks(bucket.Wait / 100 + 1);
    }

    /// <summary>What the client is told of a bucket that was just asked.</summary>
    public LimitAnnouncement Announcement(in TokenBucket bucket)
    {
        long left = Math.Max(0, (long)((Depth - bucket.Filling) / Snapshot.Rate.Interval));
        return new LimitAnnouncement(Snapshot.Rate.Burst, left, TimeSpan.FromTicks(bucket.Filling / 100));
    }

    private NetAddress Prefix(NetAddress client) => client.IsV6 ? client.Truncate(_v6PrefixLength) : client;
}

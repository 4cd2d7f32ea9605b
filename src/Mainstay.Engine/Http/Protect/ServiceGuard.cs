using System.Collections.Immutable;
using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;
using Mainstay.Core.Rules;

namespace Mainstay.Engine.Http.Protect;

/// <summary>What becomes of a connection that was just accepted.</summary>
internal enum Admission : byte
{
    Admitted,
    Denied,
    Banned,
    Tarpitted,
    TooMany,
    TooFast,
}

/// <summary>What a connection's protection knows; the connection holds it.</summary>
internal struct Standing
{
    /// <summary>Neither limited nor banned: exempt by configuration, or on a unix socket.</summary>
    public bool IsExempt;

    /// <summary>The peer speaks for others: its connections are many clients'.</summary>
    public bool IsProxy;

    /// <summary>Counts among its address's connections under this key; 0: it does not.</summary>
    public ulong CountedKey;

    /// <summary>State of the ban list in which the peer was found free.</summary>
    public int SeenBans;
}

/// <summary>Why a request is not carried out, and what the client is told.</summary>
/// <param name="Wait">Until the same request would pass; zero: not told.</param>
/// <param name="Limit">The limit that announces itself, or null.</param>
internal readonly record struct Refusal(OutcomeCause Cause, int Status, TimeSpan Wait, RateLimit? Limit, TokenBucket Bucket, BanAction? Ban);

/// <summary>The protection of one service of one configuration: shared by all shards, immutable but for its tables.</summary>
internal sealed class ServiceGuard
{
    private readonly AddressAccess? _access;
    private readonly AddressSet _exempt;
    private readonly ForwardedPolicy _forwarded;
    private readonly ProtectionTables _tables;
    private readonly LimitState? _connections;
    private readonly int _connectionsPerAddress;
    private readonly bool _hasRules;
    private readonly int _v6PrefixLength;
    private readonly ImmutableArray<RateLimit> _ofConnections;
    private readonly ImmutableArray<RateLimit> _ofRequests;

    /// <param name="maxConnections">Of all services: as many keys may count at once.</param>
    public ServiceGuard(HttpSnapshot service, ForwardedPolicy forwarded, int shards, int maxConnections, ProtectionTables tables)
    {
        ProtectSnapshot protect = service.Protect;
        _tables = tables;
        _forwarded = forwarded;
        _access = protect.Access is { } access ? new AddressAccess(access.Allow, access.Deny, access.Others) : null;
        _exempt = new AddressSet(protect.Exempt);
        _v6PrefixLength = protect.V6PrefixLength;
        _connectionsPerAddress = protect.ConnectionsPerAddress;

        // Twice as many places as connections: full sets, in which a connection is let in uncounted, are rare then.
        if (_connectionsPerAddress > 0) _connections = tables.Limit($"{service.Name}/connections-per-address", Math.Min(maxConnections, 1 << 20) * 2);
        ImmutableArray<RateLimit> limits = Limits(protect.RateLimits, service.Name, protect.V6PrefixLength, tables);
        _ofConnections = [.. limits.Where(limit => limit.Snapshot.Unit == LimitUnit.Connections)];
        _ofRequests = [.. limits.Where(limit => limit.Snapshot.Unit == LimitUnit.Requests)];
        ByteLimits = [.. limits.Where(limit => limit.Snapshot.Unit == LimitUnit.Bytes)];
        Detector = protect.Detector is { } detector ? new DosDetector(detector, protect.V6PrefixLength, service.Name, shards, tables) : null;
        RouteLimits = [.. service.Routes.Select(route =>
            Limits(route.RateLimits, OwnerOf(route.Name, service.Name), protect.V6PrefixLength, tables))];
        Limited = [.. limits, .. RouteLimits.SelectMany(list => list)];
        HasByteLimits = Limited.Any(limit => limit.Snapshot.Unit == LimitUnit.Bytes);
        _hasRules = Detector is not null || Limited.Any(limit => limit.Snapshot.Unit != LimitUnit.Connections);
    }

    public DosDetector? Detector { get; }

    /// <summary>A request may be refused: something is configured, or somebody is banned.</summary>
    public bool HasWork => _hasRules || !_tables.Bans.IsEmpty;

    /// <summary>Some responses are not to be faster than a rate.</summary>
    public bool HasByteLimits { get; }

    /// <summary>Every limit, the routes' too; for reports.</summary>
    public ImmutableArray<RateLimit> Limited { get; }

    /// <summary>Limits of response bytes for all routes.</summary>
    public ImmutableArray<RateLimit> ByteLimits { get; }

    /// <summary>By the route's index.</summary>
    public ImmutableArray<ImmutableArray<RateLimit>> RouteLimits { get; }

    /// <summary>A connection has come. What it takes is a few comparisons and one look at each table.</summary>
    public Admission Admit(NetAddress peer, Instant now, long unixNanoseconds, int shard, out Standing standing)
    {
        standing = default;
        if (_access is not null && !peer.IsNone && !_access.Admits(peer)) return Admission.Denied;
        standing.IsExempt = peer.IsNone || _exempt.Contains(peer);
        if (standing.IsExempt) return Admission.Admitted;
        standing.IsProxy = _forwarded.IsTrusted(peer);
        if (standing.IsProxy) return Admission.Admitted;
        standing.SeenBans = _tables.Bans.Generation;
        if (_tables.Bans.TryFind(peer, unixNanoseconds / 1_000_000_000, out Ban? ban))
        {
            // The two others are told so, with their first request.
            if (ban.Action == BanAction.Reset) return Admission.Banned;
            if (ban.Action == BanAction.Tarpit) return Admission.Tarpitted;
            standing.SeenBans--;
        }

        foreach (RateLimit limit in _ofConnections)
            if (!limit.TryTake(limit.Key(peer), now, shard, out _)) return Admission.TooFast;
        if (_connections is null) return Admission.Admitted;
        ulong key = _tables.Hash.Of(peer.IsV6 ? peer.Truncate(_v6PrefixLength) : peer);
        if (!Occupancy.TryEnter(_connections.Words, key, _connectionsPerAddress, out bool isCounted))
        {
            _connections.CountRefused(shard);
            return Admission.TooMany;
        }

        if (isCounted) standing.CountedKey = Math.Max(key, 1);
        return Admission.Admitted;
    }

    /// <summary>A connection that was admitted has ended.</summary>
    public void Leave(in Standing standing)
    {
        if (standing.CountedKey != 0 && _connections is not null) Occupancy.Leave(_connections.Words, standing.CountedKey);
    }

    /// <summary>The client that a request counts for: the peer, or whom a trusted proxy names.</summary>
    public NetAddress ClientOf(in Standing standing, RequestHead request, ReadOnlySpan<byte> head, NetAddress peer) =>
        standing.IsProxy ? ForwardedClient.Find(request, head, peer, _forwarded) : peer;

    /// <summary>A request has come. False: it is not carried out.</summary>
    /// <param name="route">Index of its route; negative when none matched.</param>
    public bool TryPass(
        ref Standing standing, in RuleInput input, NetAddress client, int route, int shard, Instant now, long unixNanoseconds, out Refusal refusal)
    {
        refusal = default;
        if (standing.IsExempt || (standing.IsProxy && _exempt.Contains(client))) return true;
        if (IsBanned(ref standing, client, unixNanoseconds, out Ban? ban)
            || (Detector?.NoteRequest(input, client, shard, now, unixNanoseconds) == true
                && _tables.Bans.TryFind(client, unixNanoseconds / 1_000_000_000, out ban)))
        {
            refusal = Refuse(ban!, unixNanoseconds);
            return false;
        }

        return Take(_ofRequests, input, client, shard, now, out refusal)
            && (route < 0 || Take(RouteLimits[route], input, client, shard, now, out refusal));
    }

    private bool IsBanned(ref Standing standing, NetAddress client, long unixNanoseconds, out Ban? ban)
    {
        ban = null;
        BanList bans = _tables.Bans;
        int generation = bans.Generation;
        if (!standing.IsProxy && generation == standing.SeenBans) return false;
        if (bans.TryFind(client, unixNanoseconds / 1_000_000_000, out ban)) return true;
        standing.SeenBans = generation;
        return false;
    }

    private static Refusal Refuse(Ban ban, long unixNanoseconds)
    {
        bool tooMany = ban.Action == BanAction.TooManyRequests;
        TimeSpan wait = tooMany && ban.Until != Ban.Forever ? TimeSpan.FromSeconds(ban.Until - unixNanoseconds / 1_000_000_000) : TimeSpan.Zero;
        return new Refusal(OutcomeCause.Banned, tooMany ? 429 : 403, wait, null, default, ban.Action);
    }

    private static bool Take(
        ImmutableArray<RateLimit> limits, in RuleInput input, NetAddress client, int shard, Instant now, out Refusal refusal)
    {
        refusal = default;
        foreach (RateLimit limit in limits)
        {
            if (limit.Snapshot.Unit != LimitUnit.Requests) continue;
            if (limit.TryTake(limit.Key(input.Request, input.Head, client), now, shard, out TokenBucket bucket)) continue;
            refusal = new Refusal(
                OutcomeCause.RateLimited, 429, TimeSpan.FromTicks(bucket.Wait / 100 + 1), limit.Snapshot.Announce ? limit : null, bucket, null);
            return false;
        }

        return true;
    }

    /// <summary>A route without a name of its own is called like its service and a number.</summary>
    private static string OwnerOf(string route, string service) =>
        route.StartsWith($"{service}/", StringComparison.Ordinal) ? route : $"{service}/{route}";

    private static ImmutableArray<RateLimit> Limits(
        ImmutableArray<RateLimitSnapshot> limits, string owner, int v6PrefixLength, ProtectionTables tables) =>
        [.. limits.Select(limit => new RateLimit(limit, v6PrefixLength, $"{owner}/{limit.Name}", tables))];
}

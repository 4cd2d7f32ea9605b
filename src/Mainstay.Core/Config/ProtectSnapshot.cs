using System.Collections.Immutable;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;

namespace Mainstay.Core.Config;

/// <summary>What keeps one HTTP service from being used up by a few clients.</summary>
public sealed record ProtectSnapshot
{
    public static readonly ProtectSnapshot None = new();

    public AccessSnapshot? Access { get; init; }

    /// <summary>Neither limited nor banned.</summary>
    public ImmutableArray<AddressRange> Exempt { get; init; } = [];

    /// <summary>Open connections of one address; 0 = no limit.</summary>
    public int ConnectionsPerAddress { get; init; }

    /// <summary>How much of an IPv6 address is one client.</summary>
    public int V6PrefixLength { get; init; } = 64;

    public ImmutableArray<RateLimitSnapshot> RateLimits { get; init; } = [];
    public DetectorSnapshot? Detector { get; init; }
    public SlowClientSnapshot SlowClients { get; init; } = SlowClientSnapshot.Default;
}

/// <summary>Who may come at all: the most specific range decides.</summary>
/// <param name="Others">Addresses in no range are let in.</param>
public sealed record AccessSnapshot(ImmutableArray<AddressRange> Allow, ImmutableArray<AddressRange> Deny, bool Others);

public enum LimitUnit
{
    Requests,
    Connections,

    /// <summary>Of responses; more than that waits instead of being refused.</summary>
    Bytes,
}

/// <summary>A part of what clients are told apart by.</summary>
/// <param name="Name">The header's, cookie's or query parameter's name; empty for the others.</param>
public sealed record LimitKey(HashSource Source, string Name);

/// <summary>How much of something one client may have in a time.</summary>
/// <param name="By">Empty: all clients together.</param>
/// <param name="Announce">Responses say what is left.</param>
/// <param name="DryRun">Only count what would be refused.</param>
/// <param name="Keys">How many clients are remembered.</param>
public sealed record RateLimitSnapshot(
    string Name, LimitUnit Unit, Rate Rate, ImmutableArray<LimitKey> By, bool Announce, bool DryRun, int Keys);

/// <summary>Bans an address whose requests weigh too much within a period.</summary>
/// <param name="Weights">The first that matches says what a request weighs; others weigh 1.</param>
/// <param name="Statuses">What a response's status adds.</param>
public sealed record DetectorSnapshot(
    int Threshold,
    TimeSpan Period,
    ImmutableArray<PathWeight> Weights,
    ImmutableArray<StatusWeight> Statuses,
    BanTerms Ban,
    bool DryRun,
    int Keys);

public sealed record PathWeight(ImmutableArray<PathPattern> Path, int Weight);

public sealed record StatusWeight(ImmutableArray<(int From, int To)> Status, int Weight);

/// <summary>Bytes a second that a client has to keep up on average once it had <paramref name="Grace"/>; 0 = any pace.</summary>
/// <param name="SendRate">Of a request's body.</param>
/// <param name="ReadRate">Of a response that waits for the client.</param>
public sealed record SlowClientSnapshot(long SendRate, long ReadRate, TimeSpan Grace)
{
    public static readonly SlowClientSnapshot Default = new(0, 0, TimeSpan.FromSeconds(10));
}

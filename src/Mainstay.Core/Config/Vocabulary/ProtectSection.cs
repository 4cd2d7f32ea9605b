using System.Collections.Immutable;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;

namespace Mainstay.Core.Config.Vocabulary;

internal enum OtherAddresses
{
    Allow,
    Deny,
}

/// <summary>Address lists at the listener.</summary>
internal static class AccessSection
{
    private static readonly ConfigType<ImmutableArray<AddressRange>> Ranges = new ListType<AddressRange>(RangeType.Instance) { Single = true };

    private static readonly Key<AccessSnapshot, ImmutableArray<AddressRange>> Allow = new("allow", Ranges, a => a.Allow)
    { Doc = "Addresses that are let in.", Default = Key.EmptyList };

    private static readonly Key<AccessSnapshot, ImmutableArray<AddressRange>> Deny = new("deny", Ranges, a => a.Deny)
    { Doc = "Addresses that are not.", Default = Key.EmptyList };

    private static readonly ChoiceType<OtherAddresses> Words = new(("allow", OtherAddresses.Allow), ("deny", OtherAddresses.Deny));

    private static readonly Key<AccessSnapshot, OtherAddresses?> Others = new(
        "others",
        new OptionalValueType<OtherAddresses>(Words),
        a => a.Others == DefaultOthers(a.Allow) && (a.Allow.IsEmpty || a.Deny.IsEmpty) ? null : a.Others ? OtherAddresses.Allow : OtherAddresses.Deny)
    {
        Doc = "What happens to addresses in no list. Has to be said where both lists are given.",
        Otherwise = "deny with allow, allow with deny",
    };

    public static readonly Section<AccessSnapshot> Section = new(
        "http.NAME.protect.access",
        [Allow, Deny, Others],
        v => new AccessSnapshot(
            v.Get(Allow), v.Get(Deny), v.Get(Others) is { } others ? others == OtherAddresses.Allow : DefaultOthers(v.Get(Allow))))
    {
        Doc = "Who may connect: of the ranges that contain an address the most specific decides. Others are closed as soon as they are accepted.",
        Verify = v =>
        {
            if (!v.TryGet(Allow, out ImmutableArray<AddressRange> allow) || !v.TryGet(Deny, out ImmutableArray<AddressRange> deny)) return;
            if (allow.IsEmpty && deny.IsEmpty && !v.IsWritten(Others)) v.Compilation.Error(v.Mapping, "says nothing (allow, deny or both)");
            if (!allow.IsEmpty && !deny.IsEmpty && !v.IsWritten(Others))
                v.Compilation.Error(v.Mapping, "others is missing: what happens to addresses in neither list (allow or deny)");
            foreach (AddressRange range in allow.Intersect(deny)) v.Error(Deny, $"{range} is in allow too (one of the two)");
        },
    };

    private static bool DefaultOthers(ImmutableArray<AddressRange> allow) => allow.IsEmpty;
}

/// <summary>The DoS detector.</summary>
internal static class DetectorSection
{
    private static readonly Key<PathWeight, ImmutableArray<PathPattern>> WeightPath = new(
        "path", new ListType<PathPattern>(PathPatternType.Instance) { Single = true, AtLeast = 1 }, w => w.Path)
    { Doc = "Paths, as in match.", Required = true };

    private static readonly Key<PathWeight, int> PathWeightKey = new("weight", new IntegerType(0, 10_000), w => w.Weight)
    { Doc = "What a request for one of them counts; 0 is nothing.", Required = true };

    private static readonly Section<PathWeight> PathWeights = new(
        "http.NAME.protect.dos-detector.weights", [WeightPath, PathWeightKey], v => new PathWeight(v.Get(WeightPath), v.Get(PathWeightKey)))
    { Doc = "What requests count; the first rule that matches decides, others count 1." };

    private static readonly Key<StatusWeight, ImmutableArray<(int, int)>> WeightStatus = new(
        "status", new ListType<(int, int)>(StatusRangeType.Instance) { Single = true, AtLeast = 1 }, w => w.Status)
    { Doc = "Statuses and ranges of them.", Required = true };

    private static readonly Key<StatusWeight, int> StatusWeightKey = new("weight", new IntegerType(1, 10_000), w => w.Weight)
    { Doc = "What such a response adds.", Required = true };

    private static readonly Section<StatusWeight> StatusWeights = new(
        "http.NAME.protect.dos-detector.statuses",
        [WeightStatus, StatusWeightKey],
        v => new StatusWeight(v.Get(WeightStatus), v.Get(StatusWeightKey)))
    { Doc = "What responses add: failed logins, pages that are not there." };

    private static readonly Key<DetectorSnapshot, int> Threshold = new(
        "threshold", new IntegerType(2, (int)SlidingWindow.Most), d => d.Threshold)
    { Doc = "Requests within the period, by weight, for which an address is banned.", Required = true };

    private static readonly Key<DetectorSnapshot, TimeSpan> Period = new(
        "period", new DurationType(TimeSpan.FromMilliseconds(100), TimeSpan.FromDays(1)), d => d.Period)
    { Doc = "The time that counts; it slides.", Default = Key.Plain("10s") };

    private static readonly Key<DetectorSnapshot, ImmutableArray<PathWeight>> Weights = new(
        "weights", new ListType<PathWeight>(PathWeights), d => d.Weights)
    { Doc = "What requests count.", Default = Key.EmptyList };

    private static readonly Key<DetectorSnapshot, ImmutableArray<StatusWeight>> Statuses = new(
        "statuses", new ListType<StatusWeight>(StatusWeights), d => d.Statuses)
    { Doc = "What responses add.", Default = Key.EmptyList };

    private static readonly DurationType BanTime = new(TimeSpan.FromSeconds(1), TimeSpan.FromDays(365));

    private static readonly Key<DetectorSnapshot, TimeSpan> First = new("ban", BanTime, d => d.Ban.First)
    { Doc = "How long the first ban lasts.", Default = Key.Plain("1m") };

    private static readonly Key<DetectorSnapshot, double> Factor = new("factor", new DecimalType(1, 100), d => d.Ban.Factor)
    { Doc = "How many times longer each further ban is.", Default = Key.Plain("2") };

    private static readonly Key<DetectorSnapshot, TimeSpan> Longest = new("longest", BanTime, d => d.Ban.Longest)
    { Doc = "No ban is longer.", Default = Key.Plain("1h") };

    private static readonly Key<DetectorSnapshot, TimeSpan> Forget = new("forget", DurationType.OrZero, d => d.Ban.Forget)
    { Doc = "How long after a ban the next one still counts as a further one.", Default = Key.Plain("1h") };

    private static readonly Key<DetectorSnapshot, BanAction> Action = new("action", BanActions, d => d.Ban.Action)
    {
        Doc = "What a banned client sees. reset: its connections are reset. forbidden: 403. too-many-requests: 429. tarpit: nothing for a while.",
        Default = Key.Plain("reset"),
    };

    private static ChoiceType<BanAction> BanActions => new(
        ("reset", BanAction.Reset), ("forbidden", BanAction.Forbidden), ("too-many-requests", BanAction.TooManyRequests), ("tarpit", BanAction.Tarpit));

    private static readonly Key<DetectorSnapshot, bool> DryRun = new("dry-run", BooleanType.Instance, d => d.DryRun)
    { Doc = "Only count and report whom it would ban.", Default = Key.Plain("false") };

    private static readonly Key<DetectorSnapshot, int> Keys = new("keys", new IntegerType(16, 16 * 1024 * 1024), d => d.Keys)
    { Doc = "How many addresses are watched. Beyond that the quietest are forgotten.", Default = Key.Plain("65536") };

    public static readonly Section<DetectorSnapshot> Section = new(
        "http.NAME.protect.dos-detector",
        [Threshold, Period, Weights, Statuses, First, Factor, Longest, Forget, Action, DryRun, Keys],
        v => new DetectorSnapshot(
            v.Get(Threshold), v.Get(Period), v.Get(Weights), v.Get(Statuses),
            new BanTerms(v.Get(First), v.Get(Factor), v.Get(Longest), v.Get(Forget), v.Get(Action)), v.Get(DryRun), v.Get(Keys)))
    {
        Doc = "Bans addresses that ask too much: how much, in which time, for how long.",
        Verify = v =>
        {
            if (v.TryGet(First, out TimeSpan first) && v.TryGet(Longest, out TimeSpan longest) && first > longest)
                v.Error(Longest, $"is shorter than the first ban ({DurationType.Text(first)})");
        },
    };
}

/// <summary>What keeps one HTTP service from being used up by a few clients.</summary>
internal static class ProtectSection
{
    private static readonly Key<SlowClientSnapshot, long> SendRate = new("send-rate", new SizeType(0, 1L << 30), s => s.SendRate)
    { Doc = "Bytes a second at which a request's body has to come on average; then 408. 0 is any pace.", Default = Key.Plain("0") };

    private static readonly Key<SlowClientSnapshot, long> ReadRate = new("read-rate", new SizeType(0, 1L << 30), s => s.ReadRate)
    { Doc = "Bytes a second at which a response has to be read on average; then the connection is reset. 0 is any pace.", Default = Key.Plain("0") };

    private static readonly Key<SlowClientSnapshot, TimeSpan> Grace = new("grace", DurationType.Positive, s => s.Grace)
    { Doc = "Before that nobody is slow.", Default = Key.Plain("10s") };

    private static readonly Section<SlowClientSnapshot> SlowSection = new(
        "http.NAME.protect.slow-clients",
        [SendRate, ReadRate, Grace],
        v => new SlowClientSnapshot(v.Get(SendRate), v.Get(ReadRate), v.Get(Grace)))
    { Doc = "The pace that clients have to keep. Heads have timeouts.head." };

    private static readonly Key<ProtectSnapshot, AccessSnapshot?> Access = new(
        "access", new OptionalType<AccessSnapshot>(AccessSection.Section), p => p.Access)
    { Doc = "Who may connect.", Otherwise = "everyone" };

    private static readonly Key<ProtectSnapshot, ImmutableArray<AddressRange>> Exempt = new(
        "exempt", new ListType<AddressRange>(RangeType.Instance) { Single = true }, p => p.Exempt)
    { Doc = "Addresses that are neither limited nor banned: monitoring, offices, other proxies.", Default = Key.EmptyList };

    private static readonly Key<ProtectSnapshot, int> ConnectionsPerAddress = new(
        "connections-per-address", new IntegerType(0, 1_000_000), p => p.ConnectionsPerAddress)
    { Doc = "Open connections of one address; further ones are closed as soon as they are accepted. 0 is no limit.", Default = Key.Plain("0") };

    private static readonly Key<ProtectSnapshot, int> V6PrefixLength = new("ipv6-prefix", new IntegerType(16, 128), p => p.V6PrefixLength)
    { Doc = "Bits of an IPv6 address that make one client: networks get at least a /64 each.", Default = Key.Plain("64") };

    private static readonly Key<ProtectSnapshot, ImmutableArray<RateLimitSnapshot>> RateLimits = new(
        "rate-limits", RateLimitSection.Map, p => p.RateLimits)
    { Doc = "Limits by name; all of them count.", Default = Key.EmptyMapping, Otherwise = "none" };

    private static readonly Key<ProtectSnapshot, DetectorSnapshot?> Detector = new(
        "dos-detector", new OptionalType<DetectorSnapshot>(DetectorSection.Section), p => p.Detector)
    { Doc = "Bans addresses that ask too much.", Otherwise = "none" };

    private static readonly Key<ProtectSnapshot, SlowClientSnapshot> SlowClients = new("slow-clients", SlowSection, p => p.SlowClients)
    { Doc = "The pace that clients have to keep.", Default = Key.EmptyMapping };

    public static readonly Section<ProtectSnapshot> Section = new(
        "http.NAME.protect",
        [Access, Exempt, ConnectionsPerAddress, V6PrefixLength, RateLimits, Detector, SlowClients],
        v => new ProtectSnapshot
        {
            Access = v.Get(Access),
            Exempt = v.Get(Exempt),
            ConnectionsPerAddress = v.Get(ConnectionsPerAddress),
            V6PrefixLength = v.Get(V6PrefixLength),
            RateLimits = v.Get(RateLimits),
            Detector = v.Get(Detector),
            SlowClients = v.Get(SlowClients),
        })
    { Doc = "What keeps the service from being used up by a few clients; see docs/protection.md." };
}

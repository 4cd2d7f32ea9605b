using System.Collections.Immutable;
using Mainstay.Core.Protection;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>One rate limit, of a service or of a route.</summary>
internal static class RateLimitSection
{
    private static Key<LimitKey, bool?> Bare(string name, HashSource source, string doc) =>
        new(name, new OptionalValueType<bool>(PresenceType.Instance), k => k.Source == source ? true : null) { Doc = doc };

    private static Key<LimitKey, string?> Named(string name, HashSource source, TextType type, string doc) =>
        new(name, new OptionalType<string>(type), k => k.Source == source ? k.Name : null) { Doc = doc };

    private static readonly Key<LimitKey, bool?> Address = Bare("address", HashSource.Address, "The client's address.");
    private static readonly Key<LimitKey, bool?> Path = Bare("path", HashSource.Path, "The path, without the query.");
    private static readonly Key<LimitKey, string?> Header = Named("header", HashSource.Header, TextType.Token, "A header's value.");
    private static readonly Key<LimitKey, string?> Cookie = Named("cookie", HashSource.Cookie, TextType.Token, "A cookie's value.");
    private static readonly Key<LimitKey, string?> Query = Named("query", HashSource.Query, TextType.Line, "A query parameter's value.");

    private static readonly Section<LimitKey> KeySection = new(
        "http.NAME.protect.rate-limits.NAME.by", [Address, Path, Header, Cookie, Query], BuildKey)
    {
        Doc = "What clients are told apart by; of a list, all together. Without the header, cookie or parameter a request counts for its "
            + "client's address. [] is one rate for everyone.",
        OneOf = [Address, Path, Header, Cookie, Query],
        ShorthandNames = [Address, Path],
    };

    private static readonly Key<RateLimitSnapshot, (long Count, TimeSpan Per)?> Requests = new(
        "requests", new OptionalValueType<(long, TimeSpan)>(RateType.Counts), r => RateOf(r, LimitUnit.Requests))
    { Doc = "Requests in a time; more are answered 429." };

    private static readonly Key<RateLimitSnapshot, (long Count, TimeSpan Per)?> Connections = new(
        "connections", new OptionalValueType<(long, TimeSpan)>(RateType.Counts), r => RateOf(r, LimitUnit.Connections))
    { Doc = "New connections in a time; more are closed as soon as they are accepted." };

    private static readonly Key<RateLimitSnapshot, (long Count, TimeSpan Per)?> Bytes = new(
        "bytes", new OptionalValueType<(long, TimeSpan)>(RateType.Bytes), r => RateOf(r, LimitUnit.Bytes))
    { Doc = "Bytes of response bodies in a time; more wait." };

    private static readonly Key<RateLimitSnapshot, long?> Burst = new(
        "burst", new OptionalValueType<long>(new SizeType(1, 1L << 40)), r => r.Rate.Burst == r.Rate.Count ? null : r.Rate.Burst)
    { Doc = "How much may come at once, before the rate counts.", Otherwise = "the rate's number" };

    private static readonly Key<RateLimitSnapshot, ImmutableArray<LimitKey>> By = new(
        "by", new ListType<LimitKey>(KeySection) { Single = true }, r => r.By)
    { Doc = "What clients are told apart by.", Default = Key.Plain("address") };

    private static readonly Key<RateLimitSnapshot, bool> Announce = new("announce", BooleanType.Instance, r => r.Announce)
    { Doc = "Refusals tell what is left, in RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset.", Default = Key.Plain("false") };

    private static readonly Key<RateLimitSnapshot, bool> DryRun = new("dry-run", BooleanType.Instance, r => r.DryRun)
    { Doc = "Only count what would be refused.", Default = Key.Plain("false") };

    private static readonly Key<RateLimitSnapshot, int> Keys = new("keys", new IntegerType(16, 16 * 1024 * 1024), r => r.Keys)
    {
        Doc = "How many clients are remembered, at 19 bytes each. Beyond that those who have used least of their rate are forgotten.",
        Default = Key.Plain("65536"),
    };

    private static readonly Section<RateLimitSnapshot> Section = new(
        "http.NAME.protect.rate-limits.NAME", [Requests, Connections, Bytes, Burst, By, Announce, DryRun, Keys], Build)
    {
        Doc = "How much one client may have in a time.",
        OneOf = [Requests, Connections, Bytes],
        Verify = Verify,
    };

    public static readonly MapType<RateLimitSnapshot, RateLimitSnapshot> Map = new(
        TextType.Name, Section, (name, limit) => limit with { Name = name }, limit => (limit.Name, limit));

    private static LimitKey BuildKey(Values v)
    {
        if (v.Get(Header) is { } header) return new LimitKey(HashSource.Header, header);
        if (v.Get(Cookie) is { } cookie) return new LimitKey(HashSource.Cookie, cookie);
        if (v.Get(Query) is { } query) return new LimitKey(HashSource.Query, query);
        return new LimitKey(v.IsWritten(Path) ? HashSource.Path : HashSource.Address, "");
    }

    private static (long, TimeSpan)? RateOf(RateLimitSnapshot limit, LimitUnit unit) =>
        limit.Unit == unit ? (limit.Rate.Count, limit.Rate.Per) : null;

    private static RateLimitSnapshot Build(Values v)
    {
        LimitUnit unit = v.IsWritten(Requests) ? LimitUnit.Requests : v.IsWritten(Connections) ? LimitUnit.Connections : LimitUnit.Bytes;
        (long count, TimeSpan per) = (v.Get(Requests) ?? v.Get(Connections) ?? v.Get(Bytes))!.Value;
        var rate = new Rate(count, per, v.Get(Burst) ?? count);
        return new RateLimitSnapshot("", unit, rate, v.Get(By), v.Get(Announce), v.Get(DryRun), v.Get(Keys));
    }

    private static void Verify(Values v)
    {
        // A cell's word is a time: a bucket that takes longer than that to fill would not fit.
        TimeSpan longest = TimeSpan.FromDays(3650);
        foreach (Key<RateLimitSnapshot, (long Count, TimeSpan Per)?> key in new[] { Requests, Connections, Bytes })
        {
            if (!v.IsWritten(key) || !v.TryGet(key, out var rate) || rate is not { } given || !v.TryGet(Burst, out long? burst)) continue;
            if (burst is { } most && most / (double)given.Count * given.Per.TotalDays > longest.TotalDays)
                v.Error(Burst, "would take more than ten years to come back (a smaller burst)");
        }

        if (v.IsWritten(Bytes) && v.TryGet(Burst, out long? piece) && piece is < 1024) v.Error(Burst, "is less than a piece of a response (at least 1KiB)");
        if (v.IsWritten(Bytes) && !v.IsWritten(Burst) && v.TryGet(Bytes, out var bytes) && bytes is { Count: < 1024 })
            v.Error(Bytes, "gives a burst of less than a piece of a response (a burst of at least 1KiB)");
        bool ofConnections = v.IsWritten(Connections);
        if (ofConnections && v.TryGet(By, out ImmutableArray<LimitKey> by) && by.Any(part => part.Source != HashSource.Address))
            v.Error(By, "is not known yet when a connection is accepted (address, or [] for everyone)");
        if (!v.IsWritten(Requests) && v.IsWritten(Announce)) v.Error(Announce, "does not apply here (only with requests)");
        if (v.IsWritten(Bytes) && v.IsWritten(DryRun)) v.Error(DryRun, "does not apply here (bytes are never refused, they wait)");
    }
}

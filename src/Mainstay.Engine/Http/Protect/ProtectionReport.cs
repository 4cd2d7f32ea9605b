using Mainstay.Engine.Control;
using Mainstay.Engine.Http.Auth;

namespace Mainstay.Engine.Http.Protect;

/// <summary>What protection tells of itself.</summary>
public sealed class ProtectionReport(HttpPlane plane, ProtectionTables tables) : IStatusSource
{
    private static readonly (Admission Admission, string Cause)[] s_causes =
    [
        (Admission.Denied, "denied"), (Admission.Banned, "banned"), (Admission.Tarpitted, "tarpitted"),
        (Admission.TooMany, "too-many"), (Admission.TooFast, "too-fast"),
    ];

    public void FillStatus(StatusReport report)
    {
    }

    public void WriteMetrics(MetricsWriter writer)
    {
        WriteBans(writer);
        if (plane.Current is not { } current) return;
        writer.Counter("mainstay_http_turned_away_total", "Connections closed as soon as they were accepted, by cause.");
        foreach (HttpService service in current.Services)
            foreach ((Admission admission, string cause) in s_causes)
                writer.Sample(TurnedAway(service, admission), ("service", service.Snapshot.Name), ("cause", cause));
        RateLimit[] limits = [.. current.Services.SelectMany(service => service.Guard.Limited)];
        writer.Counter("mainstay_http_limited_total", "Requests and connections beyond a rate limit; with a dry run they were let pass.");
        foreach (RateLimit limit in limits)
            writer.Sample(limit.State.Refused, ("limit", limit.Name), ("dry_run", limit.Snapshot.DryRun ? "true" : "false"));
        writer.Counter("mainstay_http_limit_displaced_total", "Clients that a limit forgot too early because its table (keys) was full.");
        foreach (RateLimit limit in limits) writer.Sample(limit.State.Words.Displaced, ("limit", limit.Name));
        writer.Counter("mainstay_http_detected_total", "Addresses that reached the DoS detector's threshold; with a dry run they were not banned.");
        foreach (HttpService service in current.Services)
            if (service.Guard.Detector is { } detector) writer.Sample(detector.Detected, ("service", service.Snapshot.Name));
        WriteAuth(writer, current);
    }

    private static void WriteAuth(MetricsWriter writer, HttpGeneration current)
    {
        Authenticator[] entries = [.. current.Services.SelectMany(service => service.Auth).OfType<Authenticator>().Distinct()];
        writer.Counter("mainstay_http_auth_total", "Credentials that were checked, by what came out; those known from a moment ago are not among them.");
        foreach (Authenticator entry in entries)
            foreach ((string result, long count) in entry.Results()) writer.Sample(count, ("auth", entry.Snapshot.Name), ("result", result));
        writer.Counter("mainstay_http_auth_limited_total", "Credentials that were not looked at after too many wrong ones of an address.");
        foreach (Authenticator entry in entries) writer.Sample(entry.Refused, ("auth", entry.Snapshot.Name));
    }

    private void WriteBans(MetricsWriter writer)
    {
        long now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        writer.Gauge("mainstay_bans", "Bans in force.");
        writer.Sample(tables.Bans.All().Count(ban => ban.IsInForce(now)));
        writer.Counter("mainstay_bans_total", "Bans by DoS detectors.");
        writer.Sample(tables.Bans.Total);
        writer.Counter("mainstay_bans_displaced_total", "Bans that ended early because there was no room for more.");
        writer.Sample(tables.Bans.Displaced);
    }

    private long TurnedAway(HttpService service, Admission admission) => plane.Http
        .Select(shard => shard.Services)
        .Where(all => service.Number < all.Length)
        .Sum(all => Volatile.Read(ref all[service.Number].TurnedAway[(int)admission]));
}

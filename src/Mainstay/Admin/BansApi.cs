using System.Globalization;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;

namespace Mainstay.Admin;

/// <summary>One ban as the API tells it.</summary>
/// <param name="Until">Null: until it is removed.</param>
/// <param name="By">Name of the service whose detector it is; empty for one by hand.</param>
public sealed record BanReport(
    string Range, string Action, DateTimeOffset Since, DateTimeOffset? Until, int Strikes, string By, string Reason);

public sealed record BansReport(IReadOnlyList<BanReport> Bans);

/// <summary>An order to ban.</summary>
/// <param name="Seconds">Null: until it is removed.</param>
/// <param name="Action">Empty: reset.</param>
public sealed record BanOrder(string Range, long? Seconds, string Action, string Reason);

/// <summary>How many bans were let go of.</summary>
public sealed record BansRemoved(int Removed);

/// <summary>Bans listed, added and removed.</summary>
internal sealed class BansApi(BanList bans)
{
    private const int LongestReason = 200;
    private static readonly long s_longest = (long)TimeSpan.FromDays(36500).TotalSeconds;

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    /// <summary>Those in force, the latest first.</summary>
    public BansReport List()
    {
        long now = Now;
        return new BansReport([.. bans.All().Where(ban => ban.IsInForce(now)).OrderByDescending(ban => ban.Since).Select(Report)]);
    }

    /// <summary>Null with what is wrong with the order.</summary>
    public BanReport? Add(BanOrder? order, out string problem)
    {
        problem = "";
        BanAction action = BanAction.Reset;
        if (order is null || !TryParse(order.Range, out AddressRange range)) problem = Misread(order?.Range);
        else if (order.Action is { Length: > 0 } word && !BanFile.TryParseAction(word, out action))
            problem = $"{word} is no action (reset, forbidden, too-many-requests or tarpit)";
        else if (order.Seconds is <= 0 || order.Seconds > s_longest) problem = "a ban lasts from a second to a hundred years";
        else if ((order.Reason ?? "").Length > LongestReason) problem = $"the reason is longer than {LongestReason} characters";
        else return Report(bans.AddManual(range, action, order.Seconds is { } s ? TimeSpan.FromSeconds(s) : null, order.Reason ?? "", Now));
        return null;
    }

    /// <summary>Null with what is wrong with the range.</summary>
    public BansRemoved? Remove(string text, out string problem)
    {
        problem = "";
        if (TryParse(text, out AddressRange range)) return new BansRemoved(bans.Remove(range, Now));
        problem = Misread(text);
        return null;
    }

    private static bool TryParse(string? text, out AddressRange range)
    {
        range = default;
        return text is not null && AddressRange.TryParse(text, out range);
    }

    private static string Misread(string? text) =>
        string.Create(CultureInfo.InvariantCulture, $"{text} is no address or range such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/64");

    private static BanReport Report(Ban ban) => new(
        ban.Range.ToString(),
        ban.Action.Word(),
        DateTimeOffset.FromUnixTimeSeconds(ban.Since),
        ban.Until == Ban.Forever ? null : DateTimeOffset.FromUnixTimeSeconds(ban.Until),
        ban.Strikes,
        ban.By,
        ban.Reason);
}

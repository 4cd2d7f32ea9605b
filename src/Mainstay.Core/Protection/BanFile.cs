using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Mainstay.Core.Net;

namespace Mainstay.Core.Protection;

/// <summary>
/// Bans as text, one a line: range, action, strikes, since, until, remembered until, detector (or -), reason; divided by tabs. Times are
/// seconds since 1970. A line that is not understood is left out: a state file must not keep the program from starting.
/// </summary>
public static class BanFile
{
    private const string Header = "mainstay bans 1";
    private static readonly string[] s_actions = ["reset", "forbidden", "too-many-requests", "tarpit"];

    public static string Word(this BanAction action) => s_actions[(int)action];

    public static bool TryParseAction(string word, out BanAction action)
    {
        int index = Array.IndexOf(s_actions, word);
        action = (BanAction)Math.Max(0, index);
        return index >= 0;
    }

    public static string Write(IEnumerable<Ban> bans)
    {
        var text = new StringBuilder(Header).Append('\n');
        foreach (Ban ban in bans)
        {
            text.Append(CultureInfo.InvariantCulture, $"{ban.Range}\t{ban.Action.Word()}\t{ban.Strikes}\t{ban.Since}\t{ban.Until}");
            text.Append(CultureInfo.InvariantCulture, $"\t{ban.RememberedUntil}\t{(ban.IsManual ? "-" : ban.By)}\t{OneLine(ban.Reason)}\n");
        }

        return text.ToString();
    }

    /// <summary>What is in it and still counts.</summary>
    /// <param name="skipped">Lines that were not understood.</param>
    public static ImmutableArray<Ban> Read(string text, long unixSeconds, out int skipped)
    {
        skipped = 0;
        var bans = ImmutableArray.CreateBuilder<Ban>();
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0] != Header)
        {
            skipped = lines.Length;
            return [];
        }

        foreach (string line in lines.AsSpan(1))
        {
            if (!TryRead(line, out Ban? ban)) skipped++;
            else if (unixSeconds < Math.Max(ban!.Until, ban.RememberedUntil)) bans.Add(ban);
        }

        return bans.DrainToImmutable();
    }

    private static bool TryRead(string line, out Ban? ban)
    {
        ban = null;
        string[] parts = line.Split('\t');
        if (parts.Length != 8 || !AddressRange.TryParse(parts[0], out AddressRange range) || !TryParseAction(parts[1], out BanAction action)) return false;
        if (!int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int strikes) || !TryTime(parts[3], out long since)) return false;
        if (!TryTime(parts[4], out long until) || !TryTime(parts[5], out long remembered) || parts[6].Length == 0) return false;
        ban = new Ban(range, action, strikes, since, until, remembered, parts[6] == "-" ? "" : parts[6], parts[7]);
        return true;
    }

    private static bool TryTime(string text, out long seconds) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out seconds);

    private static string OneLine(string text) => string.Create(text.Length, text, static (room, from) =>
    {
        for (int i = 0; i < room.Length; i++) room[i] = char.IsControl(from[i]) ? ' ' : from[i];
    });
}

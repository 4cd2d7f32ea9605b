using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Mainstay.Admin;
using Mainstay.Engine.Control;

namespace Mainstay.Commands;

/// <summary><c>mainstay bans list|add|remove</c>: who is banned, by detectors and by hand.</summary>
internal static class BansCommand
{
    public static Command Create(Func<Option<string?>> socketOption, Func<string?, string> socketOf, Func<Option<bool>> jsonOption)
    {
        var list = List(socketOption(), socketOf, jsonOption());
        return new Command("bans", "Shows and changes which clients are banned; what is changed holds over restarts.")
        {
            list, Add(socketOption(), socketOf, jsonOption()), Remove(socketOption(), socketOf, jsonOption()),
        };
    }

    private static Command List(Option<string?> socket, Func<string?, string> socketOf, Option<bool> json)
    {
        var command = new Command("list", "Shows the bans in force.") { socket, json };
        command.SetAction(parsed =>
        {
            using var client = new AdminClient(socketOf(parsed.GetValue(socket)));
            BansReport report = client.Get("api/bans", AdminJson.Default.BansReport, out string refusal) ?? throw new InvalidOperationException(refusal);
            if (parsed.GetValue(json)) Console.Out.WriteLine(JsonSerializer.Serialize(report, AdminJson.Default.BansReport));
            else Write(report, Console.Out, DateTimeOffset.UtcNow);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Add(Option<string?> socket, Func<string?, string> socketOf, Option<bool> json)
    {
        var range = RangeArgument();
        var length = new Option<string?>("--for") { Description = "How long, e.g. 10m or 2d; without it until it is removed.", HelpName = "DURATION" };
        var action = new Option<string>("--action") { Description = "reset, forbidden, too-many-requests or tarpit.", DefaultValueFactory = _ => "reset" };
        var reason = new Option<string>("--reason") { Description = "Shown in the list.", DefaultValueFactory = _ => "" };
        var command = new Command("add", "Bans an address or a range.") { range, length, action, reason, socket, json };
        length.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !TryParseLength(text, out _))
                result.AddError($"--for {text} is no duration such as 30s, 10m, 1h or 2d");
        });
        command.SetAction(parsed =>
        {
            long? seconds = parsed.GetValue(length) is { } text && TryParseLength(text, out long given) ? given : null;
            var order = new BanOrder(parsed.GetRequiredValue(range), seconds, parsed.GetRequiredValue(action), parsed.GetRequiredValue(reason));
            string body = JsonSerializer.Serialize(order, AdminJson.Default.BanOrder);
            using var client = new AdminClient(socketOf(parsed.GetValue(socket)));
            if (client.Post("api/bans/add", body, AdminJson.Default.BanReport, out string refusal) is not { } ban) return Refused(refusal);
            if (parsed.GetValue(json)) Console.Out.WriteLine(JsonSerializer.Serialize(ban, AdminJson.Default.BanReport));
            else Console.Out.WriteLine($"{ban.Range}: banned {(ban.Until is { } until ? $"until {Time(until)}" : "until it is removed")}");
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Remove(Option<string?> socket, Func<string?, string> socketOf, Option<bool> json)
    {
        var range = RangeArgument();
        var command = new Command("remove", "Lets an address or a range in again, and everything inside the range.") { range, socket, json };
        command.SetAction(parsed =>
        {
            using var client = new AdminClient(socketOf(parsed.GetValue(socket)));
            string text = parsed.GetRequiredValue(range);
            if (client.Post("api/bans/remove", text, AdminJson.Default.BansRemoved, out string refusal) is not { } outcome) return Refused(refusal);
            if (parsed.GetValue(json)) Console.Out.WriteLine(JsonSerializer.Serialize(outcome, AdminJson.Default.BansRemoved));
            else Console.Out.WriteLine(outcome.Removed == 0 ? $"{text}: was not banned" : $"{text}: {outcome.Removed} removed");
            return outcome.Removed == 0 ? ExitCode.No : ExitCode.Done;
        });
        return command;
    }

    private static Argument<string> RangeArgument() => new("RANGE") { Description = "192.0.2.7, 192.0.2.0/24, 2001:db8::/64." };

    private static int Refused(string refusal)
    {
        Console.Error.WriteLine($"mainstay: {OperatorLog.Escape(refusal)}");
        return ExitCode.No;
    }

    internal static void Write(BansReport report, TextWriter output, DateTimeOffset now)
    {
        if (report.Bans.Count == 0)
        {
            output.WriteLine("nobody is banned");
            return;
        }

        string[][] rows = [["RANGE", "LEFT", "ACTION", "BY", "TIME", "REASON"], .. report.Bans.Select(ban => Row(ban, now))];
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
            output.WriteLine(string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string[] Row(BanReport ban, DateTimeOffset now) =>
    [
        ban.Range,
        ban.Until is { } until ? Left(until - now) : "-",
        ban.Action,
        ban.By.Length > 0 ? ban.By : "hand",
        ban.Strikes > 0 ? ban.Strikes.ToString(CultureInfo.InvariantCulture) : "",
        OperatorLog.Escape(ban.Reason),
    ];

    private static string Left(TimeSpan left) => left.TotalSeconds switch
    {
        < 120 => $"{Math.Max(0, (long)left.TotalSeconds)}s",
        < 7200 => $"{(long)left.TotalMinutes}m",
        < 172_800 => $"{(long)left.TotalHours}h",
        _ => $"{(long)left.TotalDays}d",
    };

    private static string Time(DateTimeOffset time) => time.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static bool TryParseLength(string text, out long seconds)
    {
        seconds = 0;
        long unit = text.Length == 0 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86_400, _ => 0 };
        if (unit == 0 || text.Length > 8 || !long.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out long count)) return false;
        seconds = count * unit;
        return count > 0;
    }
}

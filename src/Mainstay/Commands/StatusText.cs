using System.Globalization;
using System.Text;
using Mainstay.Engine.Control;

namespace Mainstay.Commands;

/// <summary>The status as aligned text.</summary>
internal static class StatusText
{
    private static readonly string[] Headings =
        ["  SERVER", "STATE", "WEIGHT", "IN FLIGHT", "REQUESTS", "FAILED", "P50 MS", "P99 MS", "FOR", "LAST CHECK", "WHY"];

    public static string Write(StatusReport report)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{report.Node}: mainstay {report.Version}, worker {report.WorkerPid} up {Duration(report.UptimeSeconds)}, ");
        text.Append(CultureInfo.InvariantCulture, $"configuration {report.Configuration}\n");
        foreach (HttpStatus http in report.Http)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nhttp {http.Name} on {string.Join(", ", http.Listen)}: ");
            text.Append(CultureInfo.InvariantCulture, $"{http.Connections} connections, {http.Requests} requests, {http.Failures} failed\n");
        }

        foreach (TcpStatus tcp in report.Tcp)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n{tcp.Protocol} {tcp.Name} on {string.Join(", ", tcp.Listen)}: ");
            text.Append(CultureInfo.InvariantCulture, $"{tcp.Connections} {(tcp.Protocol == "udp" ? "sessions" : "connections")}, {tcp.Accepted} so far, {tcp.Failures} failed\n");
        }

        foreach (PoolStatus pool in report.Pools)
        {
            string tier = pool.Tier is "" or "primary" ? "" : $", {(pool.Tier == "none" ? "NO SERVER CAN BE USED" : pool.Tier)}";
            text.Append(CultureInfo.InvariantCulture, $"\npool {pool.Name} ({pool.Balance}{tier})\n");
            WriteTable(text, [Headings, .. pool.Servers.Select(Row)]);
        }

        return text.ToString();
    }

    private static string[] Row(ServerStatus server) =>
    [
        $"  {server.Name}{(server.Backup ? " (backup)" : "")}",
        server.State,
        server.Share < 1 ? string.Create(CultureInfo.InvariantCulture, $"{server.Weight} ({server.Share:P0})") : $"{server.Weight}",
        $"{server.InFlight}",
        $"{server.Requests}",
        $"{server.Failures}",
        Milliseconds(server.ResponseP50Milliseconds),
        Milliseconds(server.ResponseP99Milliseconds),
        Duration(server.StateSeconds),
        OperatorLog.Escape(server.LastCheck.Length > 0 ? server.LastCheck : "-"),
        server.State == "up" && server.LastCheck.Length > 0 ? "" : OperatorLog.Escape(server.Reason),
    ];

    private static void WriteTable(StringBuilder text, IReadOnlyList<string[]> rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
        {
            var line = new StringBuilder();
            for (int column = 0; column < row.Length; column++) line.Append(row[column].PadRight(widths[column] + 2));
            text.Append(line.ToString().TrimEnd()).Append('\n');
        }
    }

    private static string Milliseconds(double value) => value == 0 ? "-" : value.ToString(value < 10 ? "0.00" : "0", CultureInfo.InvariantCulture);

    /// <summary>Two units at most: 5s, 3m20s, 2h5m, 4d1h.</summary>
    private static string Duration(double seconds)
    {
        var span = TimeSpan.FromSeconds(Math.Clamp(seconds, 0, 1e9));
        if (span.TotalMinutes < 1) return $"{span.Seconds}s";
        if (span.TotalHours < 1) return $"{span.Minutes}m{span.Seconds}s";
        return span.TotalDays < 1 ? $"{span.Hours}h{span.Minutes}m" : $"{span.Days}d{span.Hours}h";
    }
}

using System.Text.Json;
using Mainstay.Admin;
using Mainstay.Engine.Control;

namespace Mainstay.Commands;

/// <summary><c>mainstay status</c>: what runs and how every server does.</summary>
internal static class StatusCommand
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);

    public static int Run(string socket, bool json, bool watch, TextWriter output)
    {
        using var client = new AdminClient(socket);
        while (true)
        {
            StatusReport report = client.Get("api/status", AdminJson.Default.StatusReport, out string refusal)
                ?? throw new InvalidOperationException(refusal);
            string text = json ? JsonSerializer.Serialize(report, AdminJson.Plain.StatusReport) + "\n" : StatusText.Write(report);
            // Home, text, clear the rest: a redraw without flicker.
            if (watch && !json) output.Write($"\e[H{text.Replace("\n", "\e[K\n", StringComparison.Ordinal)}\e[J");
            else output.Write(text);
            output.Flush();
            if (!watch) return ExitCode.Done;
            Thread.Sleep(WatchInterval);
        }
    }
}

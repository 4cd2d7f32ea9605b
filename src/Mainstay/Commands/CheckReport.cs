using System.Text.Json;
using Mainstay.Configuration;
using Mainstay.Core.Config;

namespace Mainstay.Commands;

/// <summary>What `check` found, for people and for programs.</summary>
internal static class CheckReport
{
    public static void WriteText(
        string path, ConfigResult result, IReadOnlyList<MachineFinding> findings, bool good, TextWriter output, TextWriter error)
    {
        foreach (ConfigDiagnostic problem in result.Errors) error.WriteLine(problem);
        foreach (ConfigDiagnostic warning in result.Warnings)
        {
            (string file, int line, int column) = warning.Position;
            error.WriteLine($"{file}:{line}:{column}: warning: {warning.Message}");
        }

        if (findings.Count > 0) error.WriteLine("On this machine:");
        foreach (MachineFinding finding in findings)
            error.WriteLine($"  {(finding.IsError ? "" : "warning: ")}{finding.Place}: {finding.Message}");

        if (result.Snapshot is not { } snapshot) output.WriteLine($"{path}: {Count(result.Errors.Length, "error")}");
        else if (!good) output.WriteLine($"{path}: right in itself, but it cannot run on this machine");
        else output.WriteLine($"{path}: ok ({Describe(snapshot)})");
    }

    public static void WriteJson(
        string path, ConfigResult result, IReadOnlyList<MachineFinding> findings, bool good, TextWriter output)
    {
        output.WriteLine(JsonText.Write(writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("file", path);
            writer.WriteBoolean("ok", good);
            WriteDiagnostics(writer, "errors", result.Errors);
            WriteDiagnostics(writer, "warnings", result.Warnings);
            writer.WriteStartArray("machine");
            foreach (MachineFinding finding in findings)
            {
                writer.WriteStartObject();
                writer.WriteString("severity", finding.IsError ? "error" : "warning");
                writer.WriteString("place", finding.Place);
                writer.WriteString("message", finding.Message);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }));
    }

    private static void WriteDiagnostics(Utf8JsonWriter writer, string name, IEnumerable<ConfigDiagnostic> diagnostics)
    {
        writer.WriteStartArray(name);
        foreach (ConfigDiagnostic diagnostic in diagnostics)
        {
            writer.WriteStartObject();
            writer.WriteString("file", diagnostic.Position.File);
            writer.WriteNumber("line", diagnostic.Position.Line);
            writer.WriteNumber("column", diagnostic.Position.Column);
            writer.WriteString("message", diagnostic.Message);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static string Describe(Snapshot snapshot)
    {
        string servers = Count(snapshot.Pools.Sum(p => p.Servers.Length), "server");
        string listeners = string.Join(", ", snapshot.Http.SelectMany(h => h.Listen));
        string text = $"{Count(snapshot.Pools.Length, "pool")} with {servers}; {Count(snapshot.Http.Length, "http service")}"
            + (listeners.Length == 0 ? "" : $" on {listeners}");
        if (snapshot.Tcp.IsEmpty) return text;
        return $"{text}; {Count(snapshot.Tcp.Length, "tcp service")} on {string.Join(", ", snapshot.Tcp.SelectMany(t => t.Listen).Select(l => l.Address))}";
    }

    private static string Count(int count, string word) => count == 1 ? $"1 {word}" : $"{count} {word}s";
}

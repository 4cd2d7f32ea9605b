using System.Collections.Immutable;
using Mainstay.Configuration;
using Mainstay.Core.Config;

namespace Mainstay.Commands;

/// <summary><c>mainstay diff -c NEW</c>: what a reload would change, and what it keeps.</summary>
internal static class DiffCommand
{
    /// <summary>0: the new configuration can be loaded, changes or not. 1: it is wrong, and every reason was printed.</summary>
    /// <param name="before">The configuration that runs.</param>
    /// <param name="path">The file that would be loaded.</param>
    public static int Run(Snapshot before, string path, bool json, TextWriter output, TextWriter error)
    {
        ConfigResult result = ConfigurationFile.Load(path);
        foreach (ConfigDiagnostic problem in result.Errors) error.WriteLine(problem);
        if (result.Snapshot is not { } after) return 1;
        ImmutableArray<SnapshotChange> changes = SnapshotDiff.Compare(before, after);
        if (json) WriteJson(changes, output);
        else WriteText(changes, output);
        return 0;
    }

    internal static void WriteText(ImmutableArray<SnapshotChange> changes, TextWriter output)
    {
        if (changes.IsEmpty) output.WriteLine("Nothing changes.");
        foreach (SnapshotChange change in changes)
        {
            string line = change.Kind switch
            {
                ChangeKind.Added => $"+ {change.Place}: {change.To}",
                ChangeKind.Removed => $"- {change.Place}: {change.From}",
                ChangeKind.Moved => $"~ {change.Place}: another order",
                _ => $"~ {change.Place}: {change.From} -> {change.To}",
            };
            output.WriteLine(line);
            output.WriteLine($"    {change.Effect}");
        }
    }

    private static void WriteJson(ImmutableArray<SnapshotChange> changes, TextWriter output) =>
        output.WriteLine(JsonText.Write(writer =>
        {
            writer.WriteStartArray();
            foreach (SnapshotChange change in changes)
            {
                writer.WriteStartObject();
                writer.WriteString("kind", WordOf(change.Kind));
                writer.WriteString("place", change.Place);
                writer.WriteString("from", change.From);
                writer.WriteString("to", change.To);
                writer.WriteString("effect", change.Effect);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }));

    private static string WordOf(ChangeKind kind) => kind switch
    {
        ChangeKind.Added => "added",
        ChangeKind.Removed => "removed",
        ChangeKind.Moved => "moved",
        _ => "changed",
    };
}

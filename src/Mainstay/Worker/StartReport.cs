using Mainstay.Core.Config;

namespace Mainstay.Worker;

/// <summary>What a program that has just started serves, in a few lines: whoever started it sees that it is what was meant.</summary>
internal static class StartReport
{
    /// <summary>Pools and listeners told of one by one; a large configuration is not for reading here.</summary>
    private const int MostTold = 8;

    public static IEnumerable<string> Lines(string path, Snapshot snapshot)
    {
        yield return $"configuration {path}, node {snapshot.Node}";
        foreach (string line in Shortened(snapshot.Http, http => $"http {http.Name} on {string.Join(", ", http.Listen.Select(listen => listen.Address))}", "http services")) yield return line;
        foreach (string line in Shortened(snapshot.Tcp, tcp => $"tcp {tcp.Name} on {string.Join(", ", tcp.Listen.Select(listen => listen.Address))}", "tcp services")) yield return line;
        foreach (string line in Shortened(snapshot.Pools, Describe, "pools")) yield return line;
        yield return $"orders and status: {snapshot.Admin.Socket}" + (snapshot.Admin.Listen is { } listen ? $", http://{listen}/" : "");
    }

    private static IEnumerable<string> Shortened<T>(IReadOnlyCollection<T> items, Func<T, string> describe, string kind)
    {
        foreach (T item in items.Take(MostTold)) yield return describe(item);
        if (items.Count > MostTold) yield return $"and {items.Count - MostTold} more {kind}";
    }

    private static string Describe(PoolSnapshot pool)
    {
        string servers = pool.Servers.Length == 1 ? "1 server" : $"{pool.Servers.Length} servers";
        string check = pool.Check is { } asked ? $"checked by {asked.Kind.ToString().ToLowerInvariant()}" : "not checked";
        return $"pool {pool.Name}: {servers}, {pool.Balance.AlgorithmName}, {check}";
    }
}

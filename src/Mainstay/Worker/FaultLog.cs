using Mainstay.Engine.Control;

namespace Mainstay.Worker;

/// <summary>
/// Exceptions of the shards, each kind once: what can be provoked once can be provoked a thousand times a second. Any thread.
/// </summary>
internal sealed class FaultLog(OperatorLog log)
{
    /// <summary>Different ones told in a worker's life.</summary>
    private const int MostTold = 100;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _told = new(StringComparer.Ordinal);

    public void Tell(int shard, Exception fault)
    {
        string stack = string.Join(" <- ", (fault.StackTrace ?? "").Split('\n').Select(line => line.Trim()));
        lock (_gate)
        {
            if (_told.Count == MostTold || !_told.Add($"{fault.GetType()} {stack}")) return;
        }

        log.Error(
            $"shard {shard}: a fault of this program ended one connection (further ones of the same kind are only counted); please report it: "
            + $"{fault.GetType()}: {fault.Message} {stack}");
    }
}

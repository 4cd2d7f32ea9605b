namespace Mainstay.Engine.Http;

/// <summary>
/// How many clients all shards together may have: the kernel does not spread connections evenly, so a share for each shard would refuse
/// clients while there is room elsewhere. One interlocked operation for each connection accepted and closed; any thread.
/// </summary>
internal sealed class ConnectionBudget(int limit)
{
    private int _taken;

    public bool IsFull => Volatile.Read(ref _taken) >= limit;

    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= limit) return true;
        Interlocked.Decrement(ref _taken);
        return false;
    }

    /// <summary>Takes a place even beyond the limit: what a closing listener has in its queue has to be served.</summary>
    public void Take() => Interlocked.Increment(ref _taken);

    public void Give() => Interlocked.Decrement(ref _taken);
}

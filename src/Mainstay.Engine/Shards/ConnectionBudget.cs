namespace Mainstay.Engine.Shards;

/// <summary>
/// How many connections all shards together may have: the kernel does not spread connections evenly, so a share for each shard would refuse
/// clients while there is room elsewhere. One interlocked operation for each connection accepted and closed; any thread.
/// </summary>
public sealed class ConnectionBudget(int limit)
{
    private int _taken;
    private int _limit = limit;

    /// <summary>Changed by a reload; connections beyond a smaller one go on.</summary>
    public int Limit
    {
        get => Volatile.Read(ref _limit);
        set => Volatile.Write(ref _limit, value);
    }

    public int Taken => Volatile.Read(ref _taken);

    public bool IsFull => Volatile.Read(ref _taken) >= Limit;

    public bool TryTake()
    {
        if (Interlocked.Increment(ref _taken) <= Limit) return true;
        Interlocked.Decrement(ref _taken);
        return false;
    }

    /// <summary>Takes a place even beyond the limit: what a closing listener has in its queue has to be served.</summary>
    public void Take() => Interlocked.Increment(ref _taken);

    public void Give() => Interlocked.Decrement(ref _taken);
}

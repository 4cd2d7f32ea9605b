using System.Runtime.InteropServices;

namespace Mainstay.Core.Balancing;

/// <summary>
/// What all shards together have going with one server. Two cache lines, so that neighbours in the table never share one
/// (adjacent-line prefetch included). Changed by interlocked operations only.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
public struct ServerLoad
{
    /// <summary>Requests (http) or connections (tcp, l4) being served now: the `active` of the scheduling formulas.</summary>
    public int InFlight;

    /// <summary>Other tracked connections: open upstream connections that carry no request (the `inactive` of the formulas).</summary>
    public int Idle;

    /// <summary>Set while the upper connection threshold was reached and the lower one not yet again: 1 or 0.</summary>
    public int Overloaded;

    /// <summary>Exponentially weighted moving average of the response time, in nanoseconds; 0 before the first response.</summary>
    public long ResponseTime;
}

/// <summary>One <see cref="ServerLoad"/> for every server slot, shared by all shards of the worker.</summary>
public sealed class LoadTable(int serverCapacity)
{
    private readonly ServerLoad[] _loads = GC.AllocateArray<ServerLoad>(serverCapacity, pinned: true);

    public ref ServerLoad this[int serverSlot] => ref _loads[serverSlot];

    /// <summary>
    /// Takes one place among the connections in flight, unless <paramref name="limit"/> (0 = none) is reached. Exact over all
    /// shards: never more than limit holders at once.
    /// </summary>
    public bool TryEnter(int serverSlot, int limit)
    {
        ref int inFlight = ref _loads[serverSlot].InFlight;
        if (limit <= 0)
        {
            Interlocked.Increment(ref inFlight);
            return true;
        }

        int seen = Volatile.Read(ref inFlight);
        while (seen < limit)
        {
            int before = Interlocked.CompareExchange(ref inFlight, seen + 1, seen);
            if (before == seen) return true;
            seen = before;
        }

        return false;
    }

    public void Leave(int serverSlot) => Interlocked.Decrement(ref _loads[serverSlot].InFlight);
}

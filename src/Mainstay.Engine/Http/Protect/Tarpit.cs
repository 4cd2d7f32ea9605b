using Mainstay.Core;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http.Protect;

/// <summary>
/// Holds connections of banned clients for a while without reading or answering, so that whoever waits for an answer loses time. All
/// for the same time, so that a queue is in the order of their ends. Belongs to one shard; keeps their places in the budget.
/// </summary>
internal sealed class Tarpit(EventLoop loop, ConnectionBudget budget) : TimerNode
{
    /// <summary>Of one shard; a held connection costs a descriptor and what the kernel takes in for it. Beyond that they are reset.</summary>
    private const int Capacity = 256;

    private static readonly TimeSpan s_time = TimeSpan.FromSeconds(20);

    private readonly Queue<(int Descriptor, Instant Until)> _held = new(Capacity);

    public bool TryHold(int descriptor)
    {
        if (_held.Count == Capacity) return false;
        Instant until = loop.Now + s_time;
        _held.Enqueue((descriptor, until));
        if (_held.Count == 1) loop.Arm(this, until);
        return true;
    }

    public void ReleaseAll() => Release(Instant.Never);

    public override void OnDeadline(Instant now) => Release(now);

    private void Release(Instant now)
    {
        while (_held.TryPeek(out (int Descriptor, Instant Until) first))
        {
            if (first.Until > now)
            {
                loop.Arm(this, first.Until);
                return;
            }

            _held.Dequeue();
            Sockets.ResetOnClose(first.Descriptor);
            Descriptor.Close(first.Descriptor);
            budget.Give();
        }
    }
}

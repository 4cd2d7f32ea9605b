using System.Numerics;
using Mainstay.Core;

namespace Mainstay.Engine.Shards;

/// <summary>
/// A place in the timer wheel, embedded in what waits. Moving a deadline further away costs nothing: the node stays where it
/// is, wakes early, and is put back by the wheel without its owner noticing.
/// </summary>
public abstract class TimerNode
{
    internal TimerNode? Previous;
    internal TimerNode? Next;

    /// <summary>Tick under which the node hangs in the wheel; not later than the deadline's.</summary>
    internal long HungTick;
    internal int Bucket = -1;

    /// <summary>When <see cref="OnDeadline"/> is due; <see cref="Instant.Never"/> = not at all.</summary>
    public Instant Deadline { get; internal set; } = Instant.Never;

    /// <summary>The deadline has passed (by less than 2 ms when the loop is not busy). It is cleared before the call.</summary>
    public abstract void OnDeadline(Instant now);

    /// <summary>An exception came out of this object: it gives up what it was doing and closes, and answers for nothing it shares.</summary>
    public virtual void OnFault()
    {
    }
}

/// <summary>
/// Hierarchical timing wheel: 4 levels of 256 buckets, ticks of 1 ms (256 ms, 65 s, 4.6 h, 49 days). Arming, moving and
/// firing are O(1); a bitmap of the buckets in use finds the next one. Source: Varghese and Lauck, 1987.
/// </summary>
public sealed class TimerWheel
{
    private const int Levels = 4, SlotBits = 8, Slots = 1 << SlotBits, SlotMask = Slots - 1;
    private const long TickNanoseconds = 1_000_000;

    private readonly TimerNode?[] _buckets = new TimerNode?[Levels * Slots];
    private readonly ulong[] _used = new ulong[Levels * Slots / 64];
    private long _tick;
    private Action<TimerNode, Exception>? _faulted;

    public TimerWheel(Instant now) => _tick = now.Nanoseconds / TickNanoseconds;

    /// <summary>Nodes that hang in the wheel.</summary>
    public int Count { get; private set; }

    /// <summary>Sets or moves a node's deadline; <see cref="Instant.Never"/> takes it away.</summary>
    public void Arm(TimerNode node, Instant deadline)
    {
        node.Deadline = deadline;
        if (deadline == Instant.Never) return; // a hanging node is dropped when its bucket comes up
        long tick = CeilingTick(deadline);
        if (node.Bucket >= 0)
        {
            if (node.HungTick <= tick) return;
            Unlink(node);
        }

        Hang(node, tick);
    }

    /// <summary>Takes a node out at once: for an object that goes back to a pool.</summary>
    public void Remove(TimerNode node)
    {
        node.Deadline = Instant.Never;
        if (node.Bucket >= 0) Unlink(node);
    }

    /// <summary>An exception of a node's deadline goes there, and the others still get theirs.</summary>
    internal void ContainFaults(Action<TimerNode, Exception> faulted) => _faulted = faulted;

    /// <summary>Fires all nodes whose deadline has passed.</summary>
    public void Advance(Instant now)
    {
        long target = now.Nanoseconds / TickNanoseconds;
        while (_tick < target)
        {
            if (Count == 0)
            {
                _tick = target;
                return;
            }

            _tick = Math.Min(target, NextUsedTick());
            for (int level = Levels - 1; level >= 1; level--)
                if ((_tick & ((1L << (SlotBits * level)) - 1)) == 0)
                    Cascade(level);
            Fire((int)(_tick & SlotMask), now);
        }
    }

    /// <summary>Milliseconds until the wheel has to be looked at again; -1 = nothing hangs in it.</summary>
    public int MillisecondsToNext(Instant now)
    {
        if (Count == 0) return -1;
        long due = NextUsedTick() * TickNanoseconds;
        long wait = (due - now.Nanoseconds + TickNanoseconds - 1) / TickNanoseconds;
        return (int)Math.Clamp(wait, 0, int.MaxValue);
    }

    private static long CeilingTick(Instant deadline) => (deadline.Nanoseconds + TickNanoseconds - 1) / TickNanoseconds;

    private void Hang(TimerNode node, long tick)
    {
        // Never in the current tick's bucket: it has been fired already.
        tick = Math.Max(tick, _tick + 1);
        int level = LevelOf(tick);
        if (level == Levels)
        {
            // Beyond the wheel: wait in its last bucket and be hung again from there.
            level = Levels - 1;
            tick = _tick + (1L << (SlotBits * Levels)) - (1L << (SlotBits * (Levels - 1)));
        }

        Place(node, level * Slots + (int)((tick >> (SlotBits * level)) & SlotMask), tick);
    }

    private void Place(TimerNode node, int bucket, long tick)
    {
        TimerNode? head = _buckets[bucket];
        node.HungTick = tick;
        node.Bucket = bucket;
        node.Previous = null;
        node.Next = head;
        if (head is not null) head.Previous = node;
        _buckets[bucket] = node;
        _used[bucket >> 6] |= 1UL << (bucket & 63);
        Count++;
    }

    /// <summary>The lowest level at which the tick lies within the turn that the wheel is in.</summary>
    private int LevelOf(long tick)
    {
        for (int level = 0; level < Levels; level++)
            if (tick >> (SlotBits * (level + 1)) == _tick >> (SlotBits * (level + 1)))
                return level;
        return (tick >> (SlotBits * (Levels - 1))) - (_tick >> (SlotBits * (Levels - 1))) < Slots ? Levels - 1 : Levels;
    }

    private void Unlink(TimerNode node)
    {
        if (node.Previous is not null) node.Previous.Next = node.Next;
        else _buckets[node.Bucket] = node.Next;
        if (node.Next is not null) node.Next.Previous = node.Previous;
        if (_buckets[node.Bucket] is null) _used[node.Bucket >> 6] &= ~(1UL << (node.Bucket & 63));
        node.Previous = node.Next = null;
        node.Bucket = -1;
        Count--;
    }

    /// <summary>Spreads the bucket of a level that the clock has entered over the levels below.</summary>
    private void Cascade(int level)
    {
        int bucket = level * Slots + (int)((_tick >> (SlotBits * level)) & SlotMask);
        while (_buckets[bucket] is { } node)
        {
            Unlink(node);
            if (node.Deadline == Instant.Never) continue;
            // What is due in this very tick has to be in the bucket that Fire takes next.
            long tick = CeilingTick(node.Deadline);
            if (tick <= _tick) Place(node, (int)(_tick & SlotMask), _tick);
            else Hang(node, tick);
        }
    }

    private void Fire(int slot, Instant now)
    {
        while (_buckets[slot] is { } node)
        {
            Unlink(node);
            if (node.Deadline == Instant.Never) continue;
            long tick = CeilingTick(node.Deadline);
            if (tick > _tick)
            {
                Hang(node, tick);
                continue;
            }

            node.Deadline = Instant.Never;
            try
            {
                node.OnDeadline(now);
            }
            catch (Exception fault) when (_faulted is not null)
            {
                _faulted(node, fault);
            }
        }
    }

    /// <summary>The next tick at which a bucket has to be fired or cascaded.</summary>
    private long NextUsedTick()
    {
        for (int level = 0; level < Levels; level++)
        {
            int shift = SlotBits * level;
            long current = _tick >> shift;
            int ahead = DistanceToUsed(level, (int)(current & SlotMask));
            if (ahead > 0 && (level == Levels - 1 || ahead + (int)(current & SlotMask) < Slots)) return (current + ahead) << shift;
        }

        // Only reached when what is left lies in the next turn of a lower level: step to that turn.
        return ((_tick >> SlotBits) + 1) << SlotBits;
    }

    /// <summary>Buckets from <paramref name="slot"/> (excluded) to the next used one of the level, going round; 0 = none.</summary>
    private int DistanceToUsed(int level, int slot)
    {
        int first = level * (Slots / 64);
        for (int distance = 1; distance <= Slots;)
        {
            int at = (slot + distance) & SlotMask;
            ulong word = _used[first + (at >> 6)] >> (at & 63);
            if (word != 0) return distance + BitOperations.TrailingZeroCount(word) is var found && found <= Slots ? found : 0;
            distance += 64 - (at & 63);
        }

        return 0;
    }
}

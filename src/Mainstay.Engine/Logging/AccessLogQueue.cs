namespace Mainstay.Engine.Logging;

/// <summary>
/// Log lines of one shard on their way to the writer's thread: a ring of bytes with one writer and one reader, no lock. When the ring
/// is full, because the disk is, lines are dropped and counted; the shard never waits.
/// </summary>
public sealed class AccessLogQueue(int capacity, Action wakeReader)
{
    private readonly byte[] _ring = new byte[capacity];
    private long _written;
    private long _read;
    private long _dropped;

    /// <summary>Lines that found no room; any thread.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>False: nothing is logged, do not make the line.</summary>
    public bool IsEnabled { get; internal set; }

    /// <summary>The format of lines; changed by a reload.</summary>
    public Mainstay.Core.Config.AccessLogFormat Format { get; internal set; }

    /// <summary>The shard's side: takes a whole line, its end included, or none of it.</summary>
    public void Append(ReadOnlySpan<byte> line)
    {
        long waiting = _written - Volatile.Read(ref _read);
        if (waiting + line.Length > _ring.Length)
        {
            Volatile.Write(ref _dropped, _dropped + 1);
            return;
        }

        int at = (int)(_written % _ring.Length);
        int first = Math.Min(line.Length, _ring.Length - at);
        line[..first].CopyTo(_ring.AsSpan(at));
        line[first..].CopyTo(_ring);
        Volatile.Write(ref _written, _written + line.Length);

        // Once for each time the ring becomes half full; otherwise the reader looks by itself, some times a second.
        int half = _ring.Length / 2;
        if (waiting < half && waiting + line.Length >= half) wakeReader();
    }

    /// <summary>The reader's side: the bytes that wait, as far as they lie in one piece.</summary>
    internal ReadOnlySpan<byte> Peek()
    {
        long count = Volatile.Read(ref _written) - _read;
        int at = (int)(_read % _ring.Length);
        return _ring.AsSpan(at, (int)Math.Min(count, _ring.Length - at));
    }

    internal void Advance(int count) => Volatile.Write(ref _read, _read + count);
}

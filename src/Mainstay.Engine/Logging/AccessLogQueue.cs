using Mainstay.Core.Config;

namespace Mainstay.Engine.Logging;

/// <summary>
/// Log lines of one shard on their way to the writer's thread: a list of chunks with one writer and one reader, no lock. Chunks that
/// were read are filled again, so that a log which is written in time stays in the processor's cache. When the most chunks are
/// full, because the disk is, lines are dropped and counted; the shard never waits.
/// </summary>
/// <param name="maxChunks">Chunks of <see cref="ChunkSize"/> bytes at most.</param>
/// <param name="wakeReader">Called by the shard when a chunk is full; the reader looks by itself some times a second.</param>
public sealed class AccessLogQueue(int maxChunks, Action wakeReader)
{
    /// <summary>Some 170 lines; more than the longest line.</summary>
    public const int ChunkSize = 64 * 1024;

    // The writer's.
    private Chunk? _tail;

    // The reader's.
    private Chunk? _head;

    // Between the two: the first chunk, and one that is free again.
    private Chunk? _first;
    private Chunk? _spare;
    private int _chunks;
    private long _dropped;

    /// <summary>Lines that found no room; any thread.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>False: nothing is logged, do not make the line.</summary>
    public bool IsEnabled { get; internal set; }

    /// <summary>The format of lines; changed by a reload.</summary>
    public AccessLogFormat Format { get; internal set; }

    /// <summary>The shard's side: takes a whole line, its end included, or none of it.</summary>
    public void Append(ReadOnlySpan<byte> line)
    {
        Chunk? chunk = _tail;
        if (chunk is null || line.Length > ChunkSize - chunk.Written) chunk = NextChunk(line.Length);
        if (chunk is null)
        {
            Volatile.Write(ref _dropped, _dropped + 1);
            return;
        }

        line.CopyTo(chunk.Bytes.AsSpan(chunk.Written));
        Volatile.Write(ref chunk.Written, chunk.Written + line.Length);
    }

    /// <summary>The reader's side: the oldest bytes that wait, as far as they lie in one piece.</summary>
    internal ReadOnlySpan<byte> Peek()
    {
        _head ??= Volatile.Read(ref _first);
        while (_head is { } chunk)
        {
            // In this order: once there is a next chunk, nothing is written to this one any more.
            Chunk? next = Volatile.Read(ref chunk.Next);
            int written = Volatile.Read(ref chunk.Written);
            if (chunk.Read < written) return chunk.Bytes.AsSpan(chunk.Read, written - chunk.Read);
            if (next is null) break;
            _head = next;
            Recycle(chunk);
        }

        return default;
    }

    internal void Advance(int count) => _head!.Read += count;

    private Chunk? NextChunk(int length)
    {
        Chunk? chunk = Interlocked.Exchange(ref _spare, null);
        if (chunk is null)
        {
            if (length > ChunkSize || Volatile.Read(ref _chunks) >= maxChunks) return null;
            Interlocked.Increment(ref _chunks);
            chunk = new Chunk();
        }

        if (_tail is null)
        {
            Volatile.Write(ref _first, chunk);
        }
        else
        {
            Volatile.Write(ref _tail.Next, chunk);
            wakeReader();
        }

        return _tail = chunk;
    }

    private void Recycle(Chunk chunk)
    {
        chunk.Next = null;
        chunk.Written = chunk.Read = 0;

        // One spare is enough while the disk keeps up; what a stall made more is left to the collector.
        if (Interlocked.Exchange(ref _spare, chunk) is not null) Interlocked.Decrement(ref _chunks);
    }

    private sealed class Chunk
    {
        public readonly byte[] Bytes = new byte[ChunkSize];
        public Chunk? Next;
        public int Written;
        public int Read;
    }
}

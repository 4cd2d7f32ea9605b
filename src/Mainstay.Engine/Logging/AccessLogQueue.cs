using System.Numerics;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Logging;
using Mainstay.Linux;

namespace Mainstay.Engine.Logging;

/// <summary>
/// Log lines of one shard on their way to the writer's thread: a list of chunks with one writer and one reader, no lock. Chunks that
/// were read are filled again, so that a log which is written in time stays in the processor's cache and the memory for a slow disk is
/// only touched when there is one. When all are full, lines are dropped and counted; the shard never waits and allocates nothing.
/// </summary>
public sealed class AccessLogQueue
{
    /// <summary>Some 170 lines; more than the longest line.</summary>
    public const int ChunkSize = 64 * 1024;

    private readonly NativeBuffer _memory;
    private readonly Chunk[] _chunks;
    private readonly Action _wakeReader;
    private LogTemplate? _template;

    // The writer's.
    private Chunk? _tail;

    // The reader's.
    private Chunk? _head;

    // Between the two: the first chunk, and a bit for each one that is free.
    private Chunk? _first;
    private ulong _free;
    private long _dropped;

    /// <param name="chunks">Chunks of <see cref="ChunkSize"/> bytes; at most 63.</param>
    /// <param name="wakeReader">Called by the shard when a chunk is full; the reader looks by itself some times a second.</param>
    public AccessLogQueue(int chunks, Action wakeReader)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(chunks, 63);
        _memory = new NativeBuffer(chunks * ChunkSize);
        _chunks = [.. Enumerable.Range(0, chunks).Select(number => new Chunk(number))];
        _free = (1UL << chunks) - 1;
        _wakeReader = wakeReader;
    }

    /// <summary>Lines that found no room; any thread.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>False: nothing is logged, do not make the line.</summary>
    public bool IsEnabled { get; private set; }

    /// <summary>The format of lines; changed by a reload.</summary>
    public AccessLogFormat Format { get; private set; }

    internal void Use(AccessLogFormat format, LogTemplate? template, bool isEnabled)
    {
        // A line that is being made meanwhile has either form, never none: the template stands before the format asks for it.
        if (template is not null) Volatile.Write(ref _template, template);
        Format = format;
        IsEnabled = isEnabled;
    }

    /// <summary>The shard's side: formats a request's line and takes it, or drops and counts it.</summary>
    /// <param name="scratch">Where the line is made.</param>
    public void Append(Span<byte> scratch, in AccessRecord record)
    {
        int length = Format == AccessLogFormat.Custom
            ? Volatile.Read(ref _template)!.Write(scratch, record)
            : AccessLogWriter.Write(scratch, Format, record);
        if (length > 0) Append(scratch[..length]);
        else if (length < 0) Volatile.Write(ref _dropped, _dropped + 1);
    }

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

        line.CopyTo(Memory(chunk)[chunk.Written..]);
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
            if (chunk.Read < written) return Memory(chunk)[chunk.Read..written];
            if (next is null) break;
            _head = next;
            Recycle(chunk);
        }

        return default;
    }

    internal void Advance(int count) => _head!.Read += count;

    private Span<byte> Memory(Chunk chunk) => _memory.Span.Slice(chunk.Number * ChunkSize, ChunkSize);

    private Chunk? NextChunk(int length)
    {
        ulong free = Volatile.Read(ref _free);
        if (free == 0 || length > ChunkSize) return null;

        // The lowest free one: as few different ones as the reader's pace allows.
        Chunk chunk = _chunks[BitOperations.TrailingZeroCount(free)];
        Interlocked.And(ref _free, ~(1UL << chunk.Number));
        if (_tail is null)
        {
            Volatile.Write(ref _first, chunk);
        }
        else
        {
            Volatile.Write(ref _tail.Next, chunk);
            _wakeReader();
        }

        return _tail = chunk;
    }

    private void Recycle(Chunk chunk)
    {
        chunk.Next = null;
        chunk.Written = chunk.Read = 0;
        Interlocked.Or(ref _free, 1UL << chunk.Number);
    }

    private sealed class Chunk(int number)
    {
        public readonly int Number = number;
        public Chunk? Next;
        public int Written;
        public int Read;
    }
}

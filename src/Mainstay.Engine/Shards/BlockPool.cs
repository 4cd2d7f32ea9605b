using System.Diagnostics.CodeAnalysis;
using Mainstay.Linux;

namespace Mainstay.Engine.Shards;

/// <summary>
/// A piece of native memory that belongs to one connection for a while: bytes <see cref="Start"/>..<see cref="End"/> are filled.
/// </summary>
public sealed class Block
{
    private readonly NativeBuffer _memory;

    internal Block(int size, int sizeClass)
    {
        _memory = new NativeBuffer(size);
        SizeClass = sizeClass;
    }

    internal int SizeClass { get; }

    public int Start { get; set; }
    public int End { get; set; }
    public int Capacity => _memory.Length;
    public int Count => End - Start;

    /// <summary>All of the block's memory.</summary>
    public Span<byte> Memory => _memory.Span;

    public Span<byte> Filled => _memory.Span[Start..End];

    /// <summary>Room behind what is filled.</summary>
    public Span<byte> Room => _memory.Span[End..];

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Room);
        End += bytes.Length;
    }

    internal void Free() => _memory.Dispose();
}

/// <summary>
/// The blocks of one shard, last returned first given (it is still in the processor's cache). Idle connections hold none, so as many are
/// kept for reuse as messages were under way at the same time lately; what a busier time has left behind is freed block by block.
/// </summary>
public sealed class BlockPool
{
    /// <summary>Largest block there is.</summary>
    public const int LargestBlock = 256 * 1024;

    private readonly BlockSize[] _sizes = [new(4 * 1024), new(16 * 1024), new(64 * 1024), new(LargestBlock)];

    /// <summary>Bytes in blocks that are in use.</summary>
    public long BytesRented { get; private set; }

    /// <summary>An empty block of at least <paramref name="size"/> bytes, at most <see cref="LargestBlock"/>.</summary>
    public Block Rent(int size)
    {
        int sizeClass = 0;
        while (_sizes[sizeClass].Bytes < size) sizeClass++;
        BlockSize from = _sizes[sizeClass];
        BytesRented += from.Bytes;
        if (!from.TryTake(out Block? block)) return new Block(from.Bytes, sizeClass);
        block.Start = block.End = 0;
        return block;
    }

    /// <summary>Adds to a block that is not there yet, or is exchanged for a larger one: <see cref="LargestBlock"/> bytes in all at most.</summary>
    public void Append(ref Block? block, ReadOnlySpan<byte> bytes)
    {
        if (block is null)
        {
            block = Rent(bytes.Length);
        }
        else if (block.Room.Length < bytes.Length)
        {
            Block larger = Rent(block.Count + bytes.Length);
            larger.Append(block.Filled);
            Return(block);
            block = larger;
        }

        block.Append(bytes);
    }

    /// <summary>Gives a block back that may not be there.</summary>
    public void Drop(ref Block? block)
    {
        if (block is null) return;
        Return(block);
        block = null;
    }

    public void Return(Block block)
    {
        BytesRented -= block.Capacity;
        _sizes[block.SizeClass].Put(block);
    }
}

/// <summary>Blocks of one size that are free, and how many are worth keeping.</summary>
internal sealed class BlockSize(int bytes)
{
    /// <summary>Kept in any case, and at most, in bytes.</summary>
    private const int KeptBytes = 1024 * 1024, MostKeptBytes = 32 * KeptBytes;

    /// <summary>Returned blocks after which a new peak is looked for.</summary>
    private const int Window = 64 * 1024;

    private readonly Stack<Block> _free = new(Math.Max(4, KeptBytes / bytes));
    private int _rented;

    /// <summary>Most blocks in use at a time, in this window and in the one before.</summary>
    private int _peak, _lastPeak;
    private int _returned;

    public int Bytes => bytes;

    public bool TryTake([NotNullWhen(true)] out Block? block)
    {
        if (++_rented > _peak) _peak = _rented;
        return _free.TryPop(out block);
    }

    public void Put(Block block)
    {
        _rented--;
        if (++_returned == Window) (_returned, _lastPeak, _peak) = (0, _peak, _rented);
        long kept = (long)(_free.Count + 1) * bytes;
        if (kept <= KeptBytes || (kept <= MostKeptBytes && _free.Count + _rented < Math.Max(_peak, _lastPeak))) _free.Push(block);
        else block.Free();
    }
}

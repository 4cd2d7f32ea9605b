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
/// The blocks of one shard, last returned first given (it is still in the processor's cache). Idle connections hold none, so the
/// pool is as large as the number of messages under way.
/// </summary>
public sealed class BlockPool
{
    private static readonly int[] Sizes = [4 * 1024, 16 * 1024, 64 * 1024, 256 * 1024];

    /// <summary>Free blocks of a size kept for reuse: 1 MiB of each.</summary>
    private const int KeptBytes = 1024 * 1024;

    private readonly Stack<Block>[] _free = [new(256), new(64), new(16), new(4)];

    /// <summary>Largest block there is.</summary>
    public const int LargestBlock = 256 * 1024;

    /// <summary>Bytes in blocks that are in use.</summary>
    public long BytesRented { get; private set; }

    /// <summary>An empty block of at least <paramref name="size"/> bytes, at most <see cref="LargestBlock"/>.</summary>
    public Block Rent(int size)
    {
        int sizeClass = 0;
        while (Sizes[sizeClass] < size) sizeClass++;
        BytesRented += Sizes[sizeClass];
        if (!_free[sizeClass].TryPop(out Block? block)) return new Block(Sizes[sizeClass], sizeClass);
        block.Start = block.End = 0;
        return block;
    }

    public void Return(Block block)
    {
        BytesRented -= block.Capacity;
        Stack<Block> free = _free[block.SizeClass];
        if (free.Count * block.Capacity >= KeptBytes) block.Free();
        else free.Push(block);
    }
}

using System.Numerics;

namespace Mainstay.Core.Http2;

/// <summary>
/// Arrays that connections of one shard take and give back, by powers of two: once warm, a connection that comes and goes allocates
/// nothing. Not for several threads.
/// </summary>
internal sealed class Shelf<T>
{
    /// <summary>Arrays of one size that are kept at most; beyond, they are left to the collector.</summary>
    private const int MaxKept = 1024;

    private readonly Stack<T[]>[] _bySize = new Stack<T[]>[31];

    /// <summary>An array of at least <paramref name="length"/> elements; what it holds is anything.</summary>
    public T[] Rent(int length)
    {
        int power = BitOperations.Log2((uint)Math.Max(length, 1) * 2 - 1);
        Stack<T[]>? kept = _bySize[power];
        return kept is { Count: > 0 } ? kept.Pop() : new T[1 << power];
    }

    public void Return(T[] array)
    {
        if (array.Length == 0) return;
        Stack<T[]> kept = _bySize[BitOperations.Log2((uint)array.Length)] ??= new Stack<T[]>();
        if (kept.Count < MaxKept) kept.Push(array);
    }

    /// <summary>Replaces an array by one of at least <paramref name="length"/> elements with the same beginning.</summary>
    public void Grow(ref T[] array, int used, int length)
    {
        T[] larger = Rent(length);
        array.AsSpan(0, used).CopyTo(larger);
        Return(array);
        array = larger;
    }
}

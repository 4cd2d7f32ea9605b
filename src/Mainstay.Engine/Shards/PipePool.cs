using Mainstay.Linux;

namespace Mainstay.Engine.Shards;

/// <summary>The pipes of one shard, for flows of bulk data: opened when first needed, then kept for the next one.</summary>
/// <param name="most">Pipes at once; each takes two descriptors.</param>
public sealed class PipePool(int most)
{
    /// <summary>64 slots of the kernel's, each of which holds a piece of a received packet.</summary>
    public const int PipeSize = 256 * 1024;

    private readonly Stack<Pipe> _free = new();
    private int _open;

    /// <summary>Pipes in use.</summary>
    public int Rented => _open - _free.Count;

    /// <summary>An empty pipe, or null when there are enough.</summary>
    public Pipe? TryRent()
    {
        if (_free.TryPop(out Pipe? pipe)) return pipe;
        if (_open >= most || Pipe.TryOpen(PipeSize) is not { } opened) return null;
        _open++;
        return opened;
    }

    /// <summary>One that still holds bytes of a broken flow cannot be used again.</summary>
    public void Return(Pipe pipe)
    {
        if (pipe.Count == 0)
        {
            _free.Push(pipe);
            return;
        }

        pipe.Close();
        _open--;
    }

    public void CloseIdle()
    {
        while (_free.TryPop(out Pipe? pipe))
        {
            pipe.Close();
            _open--;
        }
    }
}

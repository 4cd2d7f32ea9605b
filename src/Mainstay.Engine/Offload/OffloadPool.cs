using System.Collections.Concurrent;

namespace Mainstay.Engine.Offload;

/// <summary>Work that may block. It hands its result on by itself, usually by posting it to the loop that wants it.</summary>
public interface IOffloadWork
{
    /// <summary>Runs on a thread of the pool; what it throws is a bug and ends the worker.</summary>
    void Run();
}

/// <summary>
/// A few threads for what must not happen on a loop: name resolution, files, slow computations. The queue is bounded: when it is full
/// the caller is told at once and decides what that means, instead of waiting in an endless line.
/// </summary>
public sealed class OffloadPool : IDisposable
{
    private readonly BlockingCollection<IOffloadWork> _queue;
    private readonly Thread[] _threads;

    public OffloadPool(int threads, int capacity)
    {
        _queue = new BlockingCollection<IOffloadWork>(capacity);
        _threads = [.. Enumerable.Range(0, threads).Select(i => new Thread(Run) { Name = $"offload-{i}", IsBackground = true })];
        foreach (Thread thread in _threads) thread.Start();
    }

    /// <summary>Any thread. False: the queue is full, or the pool is disposed.</summary>
    public bool TryRun(IOffloadWork work) => !_queue.IsAddingCompleted && _queue.TryAdd(work);

    /// <summary>Ends when what is queued has run.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        foreach (Thread thread in _threads) thread.Join();
        _queue.Dispose();
    }

    private void Run()
    {
        foreach (IOffloadWork work in _queue.GetConsumingEnumerable()) work.Run();
    }
}

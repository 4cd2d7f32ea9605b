using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Shards;

/// <summary>One pinned thread of the data plane: a loop and its blocks. What it serves is put on it by the planes.</summary>
public sealed class Shard
{
    private readonly Thread _thread;
    private readonly int _core;
    private long _turnsSeen;

    private Shard(int number, int core)
    {
        Number = number;
        _core = core;
        _thread = new Thread(Run) { Name = $"shard-{number}", IsBackground = true };
    }

    /// <summary>0, 1, 2...</summary>
    public int Number { get; }
    public EventLoop Loop { get; } = new();
    public BlockPool Blocks { get; } = new();

    /// <summary>
    /// Starts shards: one on each usable core, or <paramref name="count"/> of them, spread over those cores.
    /// </summary>
    public static Shard[] StartAll(int count)
    {
        int[] cores = UsableCores.Find();
        var shards = new Shard[count > 0 ? count : cores.Length];
        for (int i = 0; i < shards.Length; i++)
        {
            shards[i] = new Shard(i, cores[i % cores.Length]);
            shards[i]._thread.Start();
        }

        return shards;
    }

    /// <summary>Whether the loop has turned since the last question; asked by one thread.</summary>
    public bool HasMovedOn()
    {
        long turns = Loop.Turns;
        bool moved = turns != _turnsSeen;
        _turnsSeen = turns;
        return moved;
    }

    public void Stop()
    {
        Loop.Stop();
        _thread.Join();
        Loop.Dispose();
    }

    private void Run()
    {
        UsableCores.PinThread(_core);
        Loop.Run();
    }
}

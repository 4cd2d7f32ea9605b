using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Shards;

/// <summary>One pinned thread of the data plane: a loop and its blocks. What it serves is put on it by the planes.</summary>
public sealed class Shard
{
    private readonly Thread _thread;
    private readonly int _core;
    private long _turnsSeen;
    private long _faults;

    private Shard(int number, int core, Action<int, Exception>? faulted)
    {
        Number = number;
        if (faulted is not null)
        {
            Loop.ContainFaults(fault =>
            {
                Volatile.Write(ref _faults, _faults + 1);
                faulted(number, fault);
            });
        }

        _core = core;
        _thread = new Thread(Run) { Name = $"shard-{number}", IsBackground = true };
    }

    /// <summary>0, 1, 2...</summary>
    public int Number { get; }
    public EventLoop Loop { get; } = new();
    public BlockPool Blocks { get; } = new();

    /// <summary>Exceptions that were contained; any thread.</summary>
    public long Faults => Volatile.Read(ref _faults);

    /// <summary>
    /// Starts shards: one on each usable core, or <paramref name="count"/> of them, spread over those cores.
    /// </summary>
    /// <param name="faulted">
    /// Told, on the shard's thread, of an exception and the shard's number; what it came from is closed, the shard goes on. Null: an exception
    /// ends the process.
    /// </param>
    public static Shard[] StartAll(int count, Action<int, Exception>? faulted = null)
    {
        int[] cores = UsableCores.Find();
        var shards = new Shard[count > 0 ? count : cores.Length];
        for (int i = 0; i < shards.Length; i++)
        {
            shards[i] = new Shard(i, cores[i % cores.Length], faulted);
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

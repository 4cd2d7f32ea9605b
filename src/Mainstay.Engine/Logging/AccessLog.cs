using Mainstay.Core.Config;
using Mainstay.Core.Logging;

namespace Mainstay.Engine.Logging;

/// <summary>
/// Writes the access log: one thread empties the shards' queues into the file, or to the collector, in large writes.
/// </summary>
public sealed class AccessLog : IDisposable
{
    /// <summary>Per shard: 2 MiB, some 6,000 lines.</summary>
    private const int ChunksPerShard = 32;

    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(100);

    private readonly Lock _gate = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Thread _thread;
    private readonly List<AccessLogQueue> _queues = [];
    private LogSink? _sink;
    private volatile bool _stopped;
    private int _holders = 1;
    private long _lostBefore;

    public AccessLog()
    {
        _thread = new Thread(Run) { Name = "access-log", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Lines that were dropped because the file took them too slowly.</summary>
    public long Dropped
    {
        get
        {
            lock (_gate) return _queues.Sum(queue => queue.Dropped);
        }
    }

    /// <summary>What did not arrive where it was written: on a full disk, at a collector that refused.</summary>
    public long FailedWrites
    {
        get
        {
            lock (_gate) return _lostBefore + (_sink?.Lost ?? 0);
        }
    }

    /// <summary>One more holder: the log ends when the last one has disposed it.</summary>
    public AccessLog Share()
    {
        Interlocked.Increment(ref _holders);
        return this;
    }

    /// <summary>A queue for one more shard.</summary>
    public AccessLogQueue Attach()
    {
        var queue = new AccessLogQueue(ChunksPerShard, () => _wake.Set());
        lock (_gate) _queues.Add(queue);
        return queue;
    }

    /// <summary>Switches to another format and place.</summary>
    /// <param name="sink">What <see cref="LogSink.Open"/> made of the configuration.</param>
    public void Use(AccessLogSnapshot snapshot, LogSink? sink)
    {
        LogTemplate? template = snapshot.Format == AccessLogFormat.Custom ? new LogTemplate(snapshot.Template) : null;
        LogSink? former;
        lock (_gate)
        {
            WriteAll();
            _lostBefore += _sink?.Lost ?? 0;
            former = _sink;
            _sink = sink;
            foreach (AccessLogQueue queue in _queues) queue.Use(snapshot.Format, template, isEnabled: sink is not null);
        }

        former?.Dispose();
    }

    /// <summary>Writes what waits and ends the thread.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _holders) > 0) return;
        _stopped = true;
        _wake.Set();
        _thread.Join();
        _sink?.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        while (!_stopped)
        {
            _wake.WaitOne(s_interval);
            lock (_gate)
            {
                WriteAll();
                _sink?.Tick(DateTime.UtcNow);
            }
        }

        // What came while the last round wrote.
        lock (_gate) WriteAll();
    }

    private void WriteAll()
    {
        foreach (AccessLogQueue queue in _queues)
        {
            // At most what the queue holds: a shard that is faster than the disk must not keep this loop from the other queues.
            for (int i = 0; i < ChunksPerShard; i++)
            {
                ReadOnlySpan<byte> bytes = queue.Peek();
                if (bytes.IsEmpty || _sink?.TryWrite(bytes) == false) break;
                queue.Advance(bytes.Length);
            }
        }
    }
}

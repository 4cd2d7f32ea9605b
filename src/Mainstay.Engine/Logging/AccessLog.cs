using Mainstay.Core.Config;

namespace Mainstay.Engine.Logging;

/// <summary>
/// Writes the access log: one thread empties the shards' queues into the file in large writes. A reload opens the file again, which is
/// also how it is rotated.
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
    private Stream? _file;
    private volatile bool _stopped;
    private int _holders = 1;
    private long _failedWrites;

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

    /// <summary>Writes that failed (a full disk); what they held is lost.</summary>
    public long FailedWrites => Volatile.Read(ref _failedWrites);

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

    /// <summary>Opens what a configuration names, for <see cref="Use"/>. Null: nothing is logged.</summary>
    /// <exception cref="IOException">The file cannot be opened.</exception>
    /// <exception cref="UnauthorizedAccessException">The worker's user may not write it.</exception>
    public static Stream? Open(AccessLogSnapshot snapshot)
    {
        if (snapshot.Format == AccessLogFormat.None) return null;
        return snapshot.Target switch
        {
            // Not a FileStream: where standard output is a file, that one counts its own position, and after a reload or in the next
            // worker it would begin where this process did and write over what is there.
            "stdout" => Console.OpenStandardOutput(),
            "stderr" => Console.OpenStandardError(),
            var path => new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0),
        };
    }

    /// <summary>Switches to another file and format.</summary>
    public void Use(AccessLogFormat format, Stream? file)
    {
        Stream? former;
        lock (_gate)
        {
            WriteAll();
            former = _file;
            _file = file;
            foreach (AccessLogQueue queue in _queues)
            {
                queue.Format = format;
                queue.IsEnabled = file is not null;
            }
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
        _file?.Dispose();
        _wake.Dispose();
    }

    private void Run()
    {
        while (!_stopped)
        {
            _wake.WaitOne(s_interval);
            lock (_gate) WriteAll();
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
                if (bytes.IsEmpty) break;
                Write(bytes);
                queue.Advance(bytes.Length);
            }
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        try
        {
            _file?.Write(bytes);
        }
        catch (IOException)
        {
            Volatile.Write(ref _failedWrites, _failedWrites + 1);
        }
    }
}

using System.Text;
using Mainstay.Core.Config;
using Mainstay.Engine.Logging;

namespace Mainstay.Engine.Tests.Logging;

public sealed class AccessLogTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-log-").FullName;

    private string LogPath => Path.Combine(_directory, "access.log");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Append_FromTwoShards_EveryLineIsWrittenOnceAndInItsShardsOrder()
    {
        const int lines = 20_000;
        long dropped;
        using (var log = new AccessLog())
        {
            AccessLogQueue[] queues = [log.Attach(), log.Attach()];
            Use(log, new AccessLogSnapshot(AccessLogFormat.Json, LogPath));
            Thread[] shards = [.. queues.Select((queue, shard) => new Thread(() => Write(queue, shard, lines)))];
            foreach (Thread shard in shards) shard.Start();
            foreach (Thread shard in shards) shard.Join();
            dropped = log.Dropped;
        }

        string[] written = File.ReadAllLines(LogPath);
        Assert.Equal(2 * lines - dropped, written.Length);
        for (int shard = 0; shard < 2; shard++)
        {
            List<int> numbers = [.. written.Where(line => line.StartsWith($"{shard} ")).Select(line => int.Parse(line.Split(' ')[1]))];
            Assert.Equal(numbers.Order().Distinct(), numbers);
        }

        Assert.All(written, line => Assert.EndsWith(" end", line));
    }

    [Fact]
    public void Append_NobodyReads_DropsWholeLinesAndCountsThem()
    {
        var queue = new AccessLogQueue(chunks: 2, () => { });
        byte[] line = new byte[1000];
        for (int i = 0; i < 200; i++) queue.Append(line);
        int perChunk = AccessLogQueue.ChunkSize / line.Length;
        Assert.Equal(200 - 2 * perChunk, queue.Dropped);
        for (ReadOnlySpan<byte> bytes = queue.Peek(); !bytes.IsEmpty; bytes = queue.Peek())
        {
            Assert.Equal(0, bytes.Length % line.Length);
            queue.Advance(bytes.Length);
        }

        queue.Append(line);
        Assert.Equal(line.Length, queue.Peek().Length);
    }

    [Fact]
    public void Use_SameFileAfterItWasMoved_WritesToANewOne()
    {
        using var log = new AccessLog();
        AccessLogQueue queue = log.Attach();
        var snapshot = new AccessLogSnapshot(AccessLogFormat.Json, LogPath);
        Use(log, snapshot);
        queue.Append("before\n"u8);
        WaitFor(() => File.ReadAllText(LogPath) == "before\n");
        File.Move(LogPath, LogPath + ".1");
        Use(log, snapshot);
        queue.Append("after\n"u8);
        WaitFor(() => File.ReadAllText(LogPath) == "after\n");
        Assert.Equal("before\n", File.ReadAllText(LogPath + ".1"));
    }

    private static void Use(AccessLog log, AccessLogSnapshot snapshot) => log.Use(snapshot, LogSink.Open(snapshot));

    private static void Write(AccessLogQueue queue, int shard, int lines)
    {
        for (int i = 0; i < lines; i++) queue.Append(Encoding.ASCII.GetBytes($"{shard} {i} {new string('x', i % 300)} end\n"));
    }

    private static void WaitFor(Func<bool> condition) =>
        Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(20)), "the log was not written in time");
}

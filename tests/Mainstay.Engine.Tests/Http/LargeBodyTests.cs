using Mainstay.Engine.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Bodies that are larger than any buffer: they arrive unchanged, and a side that does not read stops the other.</summary>
public sealed class LargeBodyTests
{
    private const int Size = 100_000_000;

    /// <summary>What one exchange may hold in blocks: both directions' unsent bytes and the head.</summary>
    private const long MostRented = 1024 * 1024;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Download_WithAReaderThatPauses_IsBoundedAndWhole(bool chunked)
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            SendBody(peer, "HTTP/1.1 200 OK\r\n", chunked);
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        AssertStalled(bench);
        client.ReadLine();
        SkipFields(client);
        ReadBody(client, chunked);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Upload_ToAServerThatPauses_IsBoundedAndWhole(bool chunked)
    {
        using var mayRead = new ManualResetEventSlim();
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequestHead();
            mayRead.Wait();
            ReadBody(peer, chunked);
            peer.Send(ScriptedServer.Ok("whole"));
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        Task sending = Task.Factory.StartNew(() => SendBody(client, "POST / HTTP/1.1\r\nHost: a\r\n", chunked), TaskCreationOptions.LongRunning);
        AssertStalled(bench);
        mayRead.Set();
        Assert.Equal("whole", client.ReadResponse().Text);
        await sending;
    }

    [Fact]
    public async Task Tunnel_BothDirectionsAtOnce_AreWhole()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
            Task sending = Task.Factory.StartNew(() => SendPattern(peer, Size / 4), TaskCreationOptions.LongRunning);
            ReadPattern(peer, 0, Size / 4);
            sending.Wait();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        Assert.Equal(101, client.ReadResponse().Status);
        Task sending = Task.Factory.StartNew(() => SendPattern(client, Size / 4), TaskCreationOptions.LongRunning);
        ReadPattern(client, 0, Size / 4);
        await sending;
    }

    /// <summary>Waits until nothing moves any more, watching what the shard holds.</summary>
    private static void AssertStalled(ProxyBench bench)
    {
        long last = -1;
        int same = 0;
        ProxyBench.Until(
            () =>
            {
                long rented = bench.OnShard(http => http.Blocks.BytesRented);
                Assert.InRange(rented, 0, MostRented);
                long moved = bench.OnShard(http => http.Lanes.OfType<ServerLane>().Sum(Moved));
                same = moved == last && moved > 0 ? same + 1 : 0;
                last = moved;
                return same == 10;
            },
            "bytes keep moving although nobody reads");
        Assert.InRange(last, 1, Size / 2);
    }

    private static long Moved(ServerLane lane) => lane.Counters.BytesFromServer + lane.Counters.BytesToServer;

    private static byte PatternAt(long position) => (byte)((position * 31) ^ (position >> 12));

    private static void SendBody(RawPeer peer, string start, bool chunked)
    {
        if (!chunked)
        {
            peer.Send($"{start}Content-Length: {Size}\r\n\r\n");
            SendPattern(peer, Size);
            return;
        }

        peer.Send($"{start}Transfer-Encoding: chunked\r\n\r\n");
        byte[] chunk = new byte[100_000];
        for (int at = 0; at < Size; at += chunk.Length)
        {
            for (int i = 0; i < chunk.Length; i++) chunk[i] = PatternAt(at + i);
            peer.Send($"{chunk.Length:x}\r\n");
            peer.Send(chunk);
            peer.Send("\r\n");
        }

        peer.Send("0\r\n\r\n");
    }

    private static void SendPattern(RawPeer peer, int size)
    {
        byte[] part = new byte[100_000];
        for (int at = 0; at < size; at += part.Length)
        {
            for (int i = 0; i < part.Length; i++) part[i] = PatternAt(at + i);
            peer.Send(part);
        }
    }

    private static void SkipFields(RawPeer peer)
    {
        while (peer.ReadLine() != "")
        {
        }
    }

    private static void ReadBody(RawPeer peer, bool chunked)
    {
        if (!chunked)
        {
            ReadPattern(peer, 0, Size);
            return;
        }

        long at = 0;
        while (Convert.ToInt32(peer.ReadLine(), 16) is > 0 and var size)
        {
            ReadPattern(peer, at, size);
            at += size;
            Assert.Equal("", peer.ReadLine());
        }

        Assert.Equal(Size, at);
    }

    private static void ReadPattern(RawPeer peer, long start, int size)
    {
        for (int at = 0; at < size;)
        {
            byte[] part = peer.ReadExactly(Math.Min(64 * 1024, size - at));
            for (int i = 0; i < part.Length; i++)
                if (part[i] != PatternAt(start + at + i)) Assert.Fail($"byte {start + at + i} is wrong");
            at += part.Length;
        }
    }
}

using Mainstay.Core.Http;
using Mainstay.Core.Http2;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.Http2;

/// <summary>What an HTTP/2 client can make a shard hold, and what it cannot.</summary>
public sealed class ClientResourceTests
{

    private const int InitialWindow = 4;

    [Fact]
    public async Task Requests_OnceWarm_AllocateNothing()
    {
        using ScriptedServer server = ScriptedServer.Saying(new string('x', 1024));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using H2Peer client = H2Peer.Connect(bench);
        int stream = 1;
        Ask(client, ref stream, 1000);
        long least = long.MaxValue;
        for (int round = 0; round < 5 && least > 0; round++)
        {
            long before = bench.OnShard(_ => GC.GetAllocatedBytesForCurrentThread());
            Ask(client, ref stream, 200);
            least = Math.Min(least, bench.OnShard(_ => GC.GetAllocatedBytesForCurrentThread()) - before);
        }

        Assert.Equal(0, least);
    }

    [Fact]
    public async Task SlowReader_OfHundredStreams_HoldsLittleAndHoldsUpNobody()
    {
        const int streams = 100, size = 1_000_000;
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.StartLine.Contains("/big") ? new string('x', size) : "small"));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using H2Peer slow = H2Peer.Connect(bench, (InitialWindow, 1000));
        for (int i = 0; i < streams; i++) slow.Send(H2Peer.Get(2 * i + 1, "/big"));
        ProxyBench.Until(() => server.Requests.Count == streams, "the requests did not arrive");
        bench.Settle();
        ProxyBench.Until(() => bench.OnShard(http => http.Blocks.BytesRented) > 0, "nothing is held at all");
        for (int i = 0; i < 50; i++)
        {
            Assert.Equal("small", bench.Get("/small").Text);
            Assert.InRange(bench.OnShard(http => http.Blocks.BytesRented), 0, streams * 24 * 1024);
        }

        // Another stream of the same connection is not held up by them either.
        slow.Send(Frame.WindowUpdate, 0, 0, H2Peer.Number(1_000_000));
        slow.Send(H2Peer.Get(2 * streams + 1, "/small"));
        Assert.Equal(5, slow.ReadContent(2 * streams + 1));
    }

    [Fact]
    public async Task FairShare_OfTwoLargeBodies_AreSentInTurns()
    {
        const int size = 4_000_000;
        using ScriptedServer server = ScriptedServer.Saying(new string('x', size));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using H2Peer client = H2Peer.Connect(bench, (InitialWindow, 10_000_000));
        client.Send([.. H2Peer.Get(1), .. H2Peer.Get(3)]);
        var got = new int[4];
        int ended = 0, first = 0;

        // The connection's window is used up before the second response begins: from then on both have content that waits.
        for (int heads = 0; heads < 2;)
        {
            Frame frame = client.Read()!;
            if (frame.Type == Frame.Headers) heads++;
            else if (frame.Type == Frame.Data) got[frame.Stream] += frame.Payload.Length;
        }

        client.Send(Frame.WindowUpdate, 0, 0, H2Peer.Number(100_000_000));
        while (ended < 2)
        {
            Frame frame = client.Read()!;
            if (frame.Type != Frame.Data) continue;
            got[frame.Stream] += frame.Payload.Length;
            if (!frame.IsEnd) continue;
            if (++ended == 1) first = frame.Stream;
            Assert.Equal(size, got[frame.Stream]);
            if (ended == 1) Assert.InRange(got[4 - first], size / 64, size);
        }
    }

    [Theory]
    [InlineData("reset", (int)Http2Reason.ResetFlood)]
    [InlineData("ping", (int)Http2Reason.PingFlood)]
    [InlineData("settings", (int)Http2Reason.SettingsFlood)]
    [InlineData("empty", (int)Http2Reason.EmptyFrameFlood)]
    [InlineData("continuation", (int)Http2Reason.TooManyContinuations)]
    public async Task Flood_EndsItsConnectionOnly(string kind, int reason)
    {
        using ScriptedServer server = ScriptedServer.Saying("hello");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient other = Http2Clients.Connect(bench);
        Assert.Equal("hello", await other.GetStringAsync("/"));
        using H2Peer client = H2Peer.Connect(bench);
        Task flooding = Task.Run(() => Flood(client, kind));
        Frame? farewell = client.ReadTo(Frame.GoAway);
        Assert.Equal(11, farewell!.ErrorCode);
        Assert.Equal("hello", await other.GetStringAsync("/"));
        Assert.Equal(1, bench.OnShard(http => http.Http2.Counters[reason]));
        client.Dispose();
        await flooding;
        other.Dispose();
    }

    private static void Flood(H2Peer client, string kind)
    {
        try
        {
            if (kind == "empty") client.Send(H2Peer.Request(1, "POST", "/", isEnd: false));
            if (kind == "continuation") client.Send(Frame.Headers, 0, 1, H2Peer.Block((":method", "GET")));
            for (int i = 0; i < 100_000; i++)
            {
                int stream = 2 * i + 1;
                client.Send(kind switch
                {
                    "reset" => [.. H2Peer.Get(stream), .. H2Peer.Bytes(Frame.Reset, 0, stream, H2Peer.Number(8))],
                    "ping" => H2Peer.Bytes(Frame.Ping, 0, 0, new byte[8]),
                    "settings" => H2Peer.Bytes(Frame.Settings, 0, 0, default),
                    "empty" => H2Peer.Bytes(Frame.Data, 0, 1, default),
                    _ => H2Peer.Bytes(Frame.Continuation, 0, 1, H2Peer.Block(("a", "b"))),
                });
            }
        }
        catch (Exception error) when (error is System.Net.Sockets.SocketException or ObjectDisposedException)
        {
        }
    }

    private static void Ask(H2Peer client, ref int stream, int count)
    {
        for (int i = 0; i < count; i++, stream += 2)
        {
            client.Send(H2Peer.Get(stream));
            Assert.Equal(1024, client.ReadContent(stream));
            client.Send(Frame.WindowUpdate, 0, 0, H2Peer.Number(1024));
        }
    }
}

using System.Net.Sockets;
using System.Text;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.Http2;

/// <summary>
/// HTTP/2 clients that do anything at any time, in front of servers that answer in every way. The neighbour is always served, nothing
/// throws on the shard, and nothing is left when all is over (the bench sees to both). MAINSTAY_LONG_TESTS=1 runs fifty times as many.
/// </summary>
public sealed class FrameSoupTests
{
    private const int InitialWindow = 4;

    private static readonly int s_rounds = Environment.GetEnvironmentVariable("MAINSTAY_LONG_TESTS") == "1" ? 25_000 : 500;

    private static readonly string[] s_answers =
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-T: 1\r\nA: b\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\nframes",
        "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + new string('z', 100_000),
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbad",
    ];

    [Fact]
    public async Task Clients_ThatDoAnythingAtAnyTime_DisturbNobodyAndLeaveNothing()
    {
        int connections = 0;
        using var server = new ScriptedServer(peer => Answer(peer, new Random(Interlocked.Increment(ref connections))));
        using ScriptedServer sound = ScriptedServer.Saying("fine");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        await using ProxyBench other = await ProxyBench.StartAsync(BenchConfig.Of(sound.Address));
        for (int seed = 0; seed < s_rounds; seed++)
        {
            Play(bench, new Random(seed));
            if (seed % 10 == 0) Assert.Equal("fine", other.Get("/").Text);
        }

        using H2Peer last = H2Peer.Connect(bench);
        last.Send(H2Peer.Get(1));
        Assert.NotNull(last.ReadTo(Frame.Headers));
    }

    [Fact]
    public async Task Trailers_OfManyShortFields_EndTheStream()
    {
        string trailer = string.Concat(Enumerable.Range(0, 250).Select(i => $"a{i}: \r\n"));
        using var contentHasCome = new ManualResetEventSlim();
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n");
            contentHasCome.Wait();
            peer.Send($"0\r\n{trailer}\r\n");
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        using HttpResponseMessage response = await client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
        await using Stream content = await response.Content.ReadAsStreamAsync();
        await content.ReadExactlyAsync(new byte[4]);
        contentHasCome.Set();
        Assert.Equal(0, await content.ReadAsync(new byte[1]));
        Assert.Equal(250, response.TrailingHeaders.Count());
        client.Dispose();
    }

    /// <summary>One connection of a client: some twenty frames in some pieces, then an end of some kind.</summary>
    private static void Play(ProxyBench bench, Random random)
    {
        using H2Peer client = H2Peer.Connect(bench, random.Next(3) == 0 ? [(InitialWindow, random.Next(3) * 10)] : []);
        var bytes = new List<byte>();
        int opened = 0;
        for (int i = random.Next(5, 40); i > 0; i--) bytes.AddRange(Next(random, ref opened));
        if (random.Next(4) == 0) bytes[random.Next(bytes.Count)] ^= (byte)(1 << random.Next(8));
        try
        {
            for (int at = 0; at < bytes.Count;)
            {
                int piece = Math.Min(bytes.Count - at, random.Next(1, 4000));
                client.Raw.Send(bytes.GetRange(at, piece).ToArray());
                at += piece;
                if (random.Next(3) == 0 && client.Raw.Socket.Available > 0) client.Raw.ReadSome();
            }
        }
        catch (SocketException)
        {
            // The connection was ended for what it had sent.
        }

        if (random.Next(3) == 0) client.Raw.Reset();
    }

    private static byte[] Next(Random random, ref int opened)
    {
        int stream = random.Next(4) == 0 || opened == 0 ? ++opened * 2 - 1 : random.Next(opened) * 2 + 1;
        bool isEnd = random.Next(2) == 0;
        switch (random.Next(12))
        {
            case 0 or 1 or 2: return H2Peer.Get(++opened * 2 - 1, "/" + random.Next(3));
            case 3: return H2Peer.Request(++opened * 2 - 1, "POST", "/", isEnd, ("x-a", new string('y', random.Next(300))));
            case 4: return H2Peer.Request(++opened * 2 - 1, "POST", "/", isEnd: false, ("content-length", "5"));
            case 5 or 6: return H2Peer.Bytes(Frame.Data, isEnd ? 1 : 0, stream, new byte[random.Next(3) == 0 ? random.Next(16_000) : 5]);
            case 7: return H2Peer.Bytes(Frame.Reset, 0, stream, H2Peer.Number(8));
            case 8: return H2Peer.Bytes(Frame.WindowUpdate, 0, random.Next(2) * stream, H2Peer.Number(random.Next(1, 100_000)));
            case 9: return H2Peer.Bytes(Frame.Settings, 0, 0, H2Peer.Settings((InitialWindow, random.Next(70_000)), (1, random.Next(5000))));
            case 10:
                return H2Peer.Bytes(Frame.Headers, 4, ++opened * 2 - 1, H2Peer.Block(
                    (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a"), (":path", "/")));
            default: return H2Peer.Bytes(Frame.Headers, 5, stream, H2Peer.Block(("x-trailer", "1")));
        }
    }

    private static void Answer(RawPeer peer, Random random)
    {
        while (true)
        {
            if (random.Next(6) == 0)
            {
                // Before, or in the middle of, the request.
                peer.ReadSome();
            }
            else if (peer.ReadRequest() is null)
            {
                return;
            }

            string answer = s_answers[random.Next(s_answers.Length)];
            int cut = random.Next(8) == 0 ? random.Next(answer.Length) : answer.Length;
            peer.Send(Encoding.Latin1.GetBytes(answer[..cut]));
            if (cut < answer.Length || random.Next(10) == 0) return;
        }
    }
}

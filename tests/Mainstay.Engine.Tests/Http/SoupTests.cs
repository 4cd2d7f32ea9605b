using System.Net.Sockets;
using System.Text;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>
/// Random bytes and damaged messages at the listener and from the server. MAINSTAY_LONG_TESTS=1 runs fifty times as many; a seed is in
/// every failure.
/// </summary>
public sealed class SoupTests
{
    private const string Neighbour = "GET /neighbour HTTP/1.1\r\nHost: a\r\n\r\n";

    private static readonly int s_rounds = Environment.GetEnvironmentVariable("MAINSTAY_LONG_TESTS") == "1" ? 100_000 : 2_000;

    private static readonly string[] s_requests =
    [
        "GET /a/b?c=d HTTP/1.1\r\nHost: example.com\r\nUser-Agent: soup\r\nAccept: */*\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world",
        "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-T\r\n\r\n5;a=\"b\"\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n",
        "GET http://x.example:80/ HTTP/1.1\r\nHost: x.example:80\r\nConnection: close, x-y\r\nX-Y: 1\r\n\r\n",
        "OPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\nMax-Forwards: 3\r\n\r\n",
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nframes",
        "PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
    ];

    private static readonly string[] s_responses =
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-T: 1\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nuntil the end",
        "HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n",
    ];

    [Fact]
    public async Task DamagedRequests_AreAnsweredOrClosedAndDisturbNobody()
    {
        using ScriptedServer server = ScriptedServer.Saying("fine");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer neighbour = bench.Connect();
        for (int seed = 0; seed < s_rounds; seed++)
        {
            var random = new Random(seed);
            byte[] bytes = random.Next(5) == 0 ? Noise(random) : Damage(random, s_requests);
            using RawPeer client = bench.Connect();
            int cut = random.Next(bytes.Length);
            TrySend(client, bytes.AsSpan(0, cut));
            neighbour.Send(Neighbour);
            TrySend(client, bytes.AsSpan(cut));
            Assert.Equal("fine", neighbour.ReadResponse().Text);
            if (random.Next(20) == 0)
            {
                client.Reset();
                continue;
            }

            TryHalfClose(client);
            string answer = Encoding.Latin1.GetString(client.ReadToAnyEnd().Bytes);
            Assert.True(answer.Length == 0 || answer.StartsWith("HTTP/1.1 ", StringComparison.Ordinal), $"seed {seed}: {answer}");
        }
    }

    [Fact]
    public async Task DamagedResponses_AreBadGatewaysOrBrokenOffAndDisturbNobody()
    {
        byte[] answer = [];
        using ScriptedServer sound = ScriptedServer.Saying("fine");
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send(answer);
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        await using ProxyBench other = await ProxyBench.StartAsync(BenchConfig.Of(sound.Address));
        for (int seed = 0; seed < s_rounds; seed++)
        {
            var random = new Random(seed);
            answer = random.Next(5) == 0 ? Noise(random) : Damage(random, s_responses);
            using RawPeer client = bench.Connect();
            client.Send(random.Next(4) switch
            {
                0 => "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
                1 => "GET / HTTP/1.0\r\n\r\n",
                2 => "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
                _ => "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            });
            client.HalfClose();
            (byte[] bytes, bool wasReset) = client.ReadToAnyEnd();
            string text = Encoding.Latin1.GetString(bytes);
            Assert.True((wasReset && text == "") || text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal), $"seed {seed}: {text}");
        }

        Assert.Equal("fine", other.Get().Text);
    }

    private static byte[] Noise(Random random)
    {
        byte[] bytes = new byte[random.Next(1, 600)];
        random.NextBytes(bytes);
        return bytes;
    }

    private static byte[] Damage(Random random, string[] corpus)
    {
        var bytes = new List<byte>(Encoding.Latin1.GetBytes(corpus[random.Next(corpus.Length)]));
        if (random.Next(3) == 0) bytes.AddRange(Encoding.Latin1.GetBytes(corpus[random.Next(corpus.Length)]));
        ReadOnlySpan<byte> telling = "\r\n\0 \t:;,=\"%/?0f\u007f"u8;
        for (int left = random.Next(4); left > 0; left--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(4))
            {
                case 0:
                    bytes[at] = telling[random.Next(telling.Length)];
                    break;
                case 1:
                    bytes.Insert(at, telling[random.Next(telling.Length)]);
                    break;
                case 2:
                    bytes.RemoveAt(at);
                    break;
                default:
                    bytes.RemoveRange(at, random.Next(bytes.Count - at));
                    if (bytes.Count == 0) bytes.Add((byte)'G');
                    break;
            }
        }

        return [.. bytes];
    }

    private static void TrySend(RawPeer client, ReadOnlySpan<byte> bytes)
    {
        try
        {
            client.Send(bytes);
        }
        catch (SocketException)
        {
            // Refused already.
        }
    }

    private static void TryHalfClose(RawPeer client)
    {
        try
        {
            client.HalfClose();
        }
        catch (SocketException)
        {
            // Refused and reset already.
        }
    }
}

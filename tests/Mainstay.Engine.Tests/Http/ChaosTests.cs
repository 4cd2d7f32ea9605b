using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>
/// Servers and clients that break off wherever they like, on two shards that take connections over from each other: nobody ever gets
/// another one's response, a part never passes for the whole, and what is not idempotent reaches the servers at most once.
/// </summary>
public sealed class ChaosTests
{
    private const int Workers = 6;

    private static readonly int s_rounds = Environment.GetEnvironmentVariable("MAINSTAY_LONG_TESTS") == "1" ? 10_000 : 200;

    [Theory]
    [InlineData(0, 100)]
    [InlineData(2, 100)]
    [InlineData(0, 1)]
    public async Task EverybodyBreaksOff_ResponsesStayWithTheirRequests(int maxConnections, int maxIdle)
    {
        var seen = new ConcurrentDictionary<string, int>();
        using var one = new ScriptedServer(peer => Serve(peer, seen));
        using var two = new ScriptedServer(peer => Serve(peer, seen));
        PoolSnapshot pool = BenchConfig.Pool(
            BenchConfig.Server(one.Address, maxConnections),
            BenchConfig.Server(two.Address, maxConnections),
            BenchConfig.Server(ScriptedServer.Closed()));
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(pool).WithUpstream(upstream => upstream with { MaxIdle = maxIdle }), shards: 2);
        int answered = 0;
        await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Factory.StartNew(
            () =>
            {
                for (int round = 0; round < s_rounds; round++)
                    Interlocked.Add(ref answered, Ask(bench, new Random(worker * 1_000_000 + round), $"{worker}-{round}"));
            },
            TaskCreationOptions.LongRunning)));
        Assert.DoesNotContain(seen, entry => entry.Value > 1 && entry.Key.StartsWith("POST", StringComparison.Ordinal));
        Assert.True(answered > s_rounds, $"only {answered} requests were answered");
        bool takesOver = maxConnections == 0 && maxIdle > 1;
        Assert.True(!takesOver || bench.Plane.Http.Sum(http => http.Counters.TakenOver) > 0, "no connection changed its shard");
    }

    private static void Serve(RawPeer peer, ConcurrentDictionary<string, int> seen)
    {
        while (peer.ReadRequest() is { } request)
        {
            string id = string.Join(' ', request.StartLine.Split(' ')[..2]);
            seen.AddOrUpdate(id, 1, (_, count) => count + 1);
            var random = new Random();
            string body = $"{id} {request.Body.Length}";
            string sized = ScriptedServer.Ok(body);
            string chunked = $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body.Length:x}\r\n{body}\r\n0\r\n\r\n";
            switch (random.Next(16))
            {
                case 0:
                    return;
                case 1:
                    peer.Reset();
                    return;
                case 2:
                    peer.Send(sized);
                    return;
                case 3:
                    peer.Send(sized);
                    peer.Reset();
                    return;
                case 4:
                    peer.Send(sized[..random.Next(sized.Length)]);
                    return;
                case 5:
                    peer.Send(chunked[..random.Next(chunked.Length)]);
                    peer.Reset();
                    return;
                case 6:
                    peer.Send(sized + "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong");
                    return;
                case 7 or 8 or 9:
                    peer.Send(chunked);
                    break;
                default:
                    peer.Send(sized);
                    break;
            }
        }
    }

    /// <summary>One connection with some requests; returns how many were answered by a server.</summary>
    private static int Ask(ProxyBench bench, Random random, string name)
    {
        int count = random.Next(1, 6), answered = 0;
        var all = new StringBuilder();
        string[] expected = new string[count];
        for (int i = 0; i < count; i++)
        {
            int size = random.Next(3) == 0 ? random.Next(20_000) : 0;
            string id = $"{(size > 0 ? "POST" : "GET")} /{name}-{i}";
            expected[i] = $"{id} {size}";
            all.Append($"{id} HTTP/1.1\r\nHost: a\r\n{(size > 0 ? $"Content-Length: {size}\r\n" : "")}\r\n").Append('b', size);
        }

        using RawPeer client = bench.Connect();
        try
        {
            int sent = random.Next(8) == 0 ? random.Next(all.Length) : all.Length;
            client.Send(all.ToString(0, sent));
            if (sent < all.Length) client.HalfClose();
            for (int i = 0; i < count; i++)
            {
                if (random.Next(30) == 0)
                {
                    client.Reset();
                    return answered;
                }

                Message response = client.ReadResponse();
                if (response.Status is 502 or 503) return answered;
                Assert.Equal((200, expected[i]), (response.Status, response.Text));
                answered++;
            }
        }
        catch (Exception error) when (error is SocketException or EndOfStreamException)
        {
            // Broken off, and seen to be.
        }

        return answered;
    }
}

using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Clients that are in already and take more and more memory, each within its limits: all together stay below the bound.</summary>
public sealed class MemoryBoundTests
{
    private const long Bound = 4 * 1024 * 1024;

    /// <summary>What one event can add before it is looked at: a response's beginning kept, a head's next block, an exchange's request.</summary>
    private const long OneEvent = 1024 * 1024;

    private const int Clients = 100;

    [Fact]
    public async Task ClientsThatDoNotRead_HoldNoMoreThanTheBound()
    {
        byte[] piece = new byte[256 * 1024];
        using var server = new ScriptedServer(peer =>
        {
            while (peer.ReadRequest() is { } request)
            {
                if (!request.StartLine.Contains("/big", StringComparison.Ordinal))
                {
                    peer.Send(ScriptedServer.Ok("small"));
                    continue;
                }

                // More than the kernel's buffers of both connections take.
                peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n");
                while (true) peer.Socket.Send(piece);
            }
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address), memory: Bound);
        await HoldsAsync(bench, client => client.Send("GET /big HTTP/1.1\r\nHost: a\r\n\r\n"));
    }

    [Fact]
    public async Task ClientsThatSendTheirHeadsSlowly_HoldNoMoreThanTheBound()
    {
        using ScriptedServer server = ScriptedServer.Saying("small");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address), memory: Bound / 4);
        string half = "GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + new string('y', 14_000);
        await HoldsAsync(bench, client => client.Send(half), Bound / 4);
    }

    private static RawPeer ConnectWithSmallBuffer(int port)
    {
        // Set before connecting, so that the window stays small and the bytes stay with the proxy.
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        socket.Connect(IPAddress.Loopback, port);
        return new RawPeer(socket);
    }

    private static async Task HoldsAsync(ProxyBench bench, Action<RawPeer> attack, long bound = Bound)
    {
        RawPeer[] clients = [.. Enumerable.Range(0, Clients).Select(_ => ConnectWithSmallBuffer(bench.Port))];
        ProxyBench.Until(() => bench.Plane.Http[0].Open == Clients, "not all are accepted");
        long most = 0;
        foreach (RawPeer client in clients)
        {
            attack(client);
            most = Math.Max(most, bench.OnShard(shard => shard.Blocks.BytesRented));
        }

        ProxyBench.Until(
            () =>
            {
                most = Math.Max(most, bench.OnShard(shard => shard.Blocks.BytesRented));
                return bench.Plane.Http[0].Counters.Shed > 0;
            },
            $"nobody was shed, {bench.OnShard(shard => shard.Blocks.BytesRented)} bytes are held");
        Assert.InRange(most, bound / 2, bound + OneEvent);
        Assert.True(bench.Outcomes(OutcomeCause.Overloaded) > 0);

        // And whoever behaves is served.
        Assert.Equal("small", bench.Get("/").Text);
        foreach (RawPeer client in clients) client.Dispose();
        await Task.CompletedTask;
    }
}

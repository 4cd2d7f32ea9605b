using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Protection;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.Protect;

/// <summary>Clients that are too slow, and responses that are not to be too fast.</summary>
public sealed class PaceTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    [Fact]
    public async Task SendRate_BodyThatDrips_Is408AndOthersAreServed()
    {
        using var server = new ScriptedServer(peer =>
        {
            if (peer.ReadRequestHead().StartLine.StartsWith("GET")) peer.Send(ScriptedServer.Ok("alive"));
            peer.ReadToEnd();
        });
        await using ProxyBench bench = await Start(server, new SlowClientSnapshot(1000, 0, TimeSpan.FromMilliseconds(200)));
        using RawPeer slow = bench.Connect();
        slow.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000\r\n\r\n");
        var watch = Stopwatch.StartNew();
        while (!slow.Socket.Poll(20_000, SelectMode.SelectRead) && watch.Elapsed.TotalSeconds < 20) slow.Send("x");
        Assert.Equal(408, slow.ReadResponse().Status);
        Assert.InRange(watch.ElapsedMilliseconds, 200, 5000);
        Assert.Equal(200, bench.Get().Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.SlowBody) == 1, "not counted");
    }

    [Fact]
    public async Task SendRate_BodyThatIsFastEnough_IsServed()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, new SlowClientSnapshot(1000, 0, TimeSpan.FromMilliseconds(300)));
        using RawPeer client = bench.Connect();
        client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
        for (int i = 0; i < 10; i++)
        {
            client.Send(new byte[500]);
            client.Socket.Poll(60_000, SelectMode.SelectRead);
        }

        Assert.Equal(200, client.ReadResponse().Status);
    }

    [Fact]
    public async Task SendRate_ServerThatDoesNotRead_IsNotTheClientsFault()
    {
        using var goOn = new ManualResetEventSlim();
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequestHead();
            goOn.Wait(TimeSpan.FromSeconds(20));
            peer.ReadExactly(16 * 1024 * 1024);
            peer.Send(ScriptedServer.Ok("alive"));
        });
        await using ProxyBench bench = await Start(server, new SlowClientSnapshot(100_000, 0, TimeSpan.FromMilliseconds(200)));
        using RawPeer client = bench.Connect();
        client.Send($"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {16 * 1024 * 1024}\r\n\r\n");
        var sending = Task.Run(() => client.Send(new byte[16 * 1024 * 1024]));
        await Task.Delay(600);
        goOn.Set();
        await sending;
        Assert.Equal(200, client.ReadResponse().Status);
    }

    [Fact]
    public async Task ReadRate_ClientThatReadsInDrops_IsReset()
    {
        string body = new('x', 4 * 1024 * 1024);
        using ScriptedServer server = ScriptedServer.Saying(body);
        await using ProxyBench bench = await Start(server, new SlowClientSnapshot(0, 10 * 1024 * 1024, TimeSpan.FromMilliseconds(300)));
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        socket.Connect(IPAddress.Loopback, bench.Port);
        using var slow = new RawPeer(socket);
        slow.Send(Get);
        ProxyBench.Until(
            () =>
            {
                if (socket.Poll(5_000, SelectMode.SelectRead)) TryReceive(socket, 512);
                return bench.Outcomes(OutcomeCause.SlowRead) == 1;
            },
            "not cut");
        Assert.Equal(body.Length, bench.Get().Body.Length);
    }

    [Fact]
    public async Task Bytes_OfALimitedResponse_ComeAtTheRate()
    {
        using ScriptedServer server = ScriptedServer.Saying(new string('x', 300_000));
        await using ProxyBench bench = await Limited(server, new Rate(400_000, TimeSpan.FromSeconds(1), 100_000));
        var watch = Stopwatch.StartNew();
        Assert.Equal(300_000, bench.Get().Body.Length);
        // Half a second by the rate; without it some milliseconds. The machine's own unrest gets the rest.
        Assert.InRange(watch.ElapsedMilliseconds, 250, 5000);
    }

    [Fact]
    public async Task Bytes_OfManySmallResponses_ComeAtTheRateToo()
    {
        using ScriptedServer server = ScriptedServer.Saying(new string('x', 10_000));
        await using ProxyBench bench = await Limited(server, new Rate(200_000, TimeSpan.FromSeconds(1), 20_000));
        var watch = Stopwatch.StartNew();
        for (int i = 0; i < 14; i++) Assert.Equal(10_000, bench.Get().Body.Length);
        Assert.InRange(watch.ElapsedMilliseconds, 300, 5000);
    }

    [Fact]
    public async Task Bytes_TwoConnectionsOfOneAddress_ShareTheRate()
    {
        using ScriptedServer server = ScriptedServer.Saying(new string('x', 100_000));
        await using ProxyBench bench = await Limited(server, new Rate(400_000, TimeSpan.FromSeconds(1), 50_000));
        var watch = Stopwatch.StartNew();
        Parallel.For(0, 3, _ => Assert.Equal(100_000, bench.Get().Body.Length));
        Assert.InRange(watch.ElapsedMilliseconds, 250, 6000);
    }

    private static Task<ProxyBench> Start(ScriptedServer server, SlowClientSnapshot slow) => ProxyBench.StartAsync(
        BenchConfig.Of(BenchConfig.Pool(server.Address), BenchConfig.Service() with { Protect = new ProtectSnapshot { SlowClients = slow } }));

    private static Task<ProxyBench> Limited(ScriptedServer server, Rate rate) => ProxyBench.StartAsync(BenchConfig.Of(
        BenchConfig.Pool(server.Address),
        BenchConfig.Service() with
        {
            Protect = new ProtectSnapshot
            {
                RateLimits = [new RateLimitSnapshot("pace", LimitUnit.Bytes, rate, [new LimitKey(HashSource.Address, "")], false, false, 1000)],
            },
        }));

    private static void TryReceive(Socket socket, int bytes)
    {
        try
        {
            socket.Receive(new byte[bytes]);
        }
        catch (SocketException)
        {
            // The reset that the test waits for.
        }
    }
}

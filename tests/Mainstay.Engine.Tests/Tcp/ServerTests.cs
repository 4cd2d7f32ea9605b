using System.Net;
using System.Net.Sockets;
using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Tests.Http.Bench;
using Mainstay.Engine.Tests.Tcp.Bench;

namespace Mainstay.Engine.Tests.Tcp;

/// <summary>Which server a connection goes to, and what happens when that one fails, is full, drained or gone.</summary>
public class ServerTests
{
    private static string Ask(TcpBench bench)
    {
        using RawPeer client = bench.Connect();
        return Encoding.ASCII.GetString(client.ReadToEnd());
    }

    private static Endpoint Closed()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return Endpoint.Ip(NetAddress.V4(0x7F000001), ((IPEndPoint)socket.LocalEndPoint!).Port);
    }

    [Theory]
    [InlineData(Algorithm.RoundRobin)]
    [InlineData(Algorithm.WeightedLeastConnections)]
    [InlineData(Algorithm.LeastRequest)]
    [InlineData(Algorithm.LeastTime)]
    [InlineData(Algorithm.Random)]
    public async Task Algorithm_UsesAllServers(Algorithm algorithm)
    {
        using TcpServer a = TcpServer.Naming("a"), b = TcpServer.Naming("b");
        await using TcpBench bench = await TcpBench.StartAsync(
            TcpConfig.Of(a.Endpoint, b.Endpoint).WithPool(pool => pool with { Balance = new BalanceSnapshot(algorithm) }));

        HashSet<string> seen = [];
        var open = new List<RawPeer>();
        for (int i = 0; i < 200 && seen.Count < 2; i++)
        {
            open.Add(bench.Connect());
            seen.Add(Encoding.ASCII.GetString(open[^1].ReadExactly(1)));
        }

        foreach (RawPeer client in open) client.Dispose();
        Assert.Equal(["a", "b"], seen.Order());
    }

    [Theory]
    [InlineData(Algorithm.SourceHash)]
    [InlineData(Algorithm.DestinationHash)]
    [InlineData(Algorithm.Maglev)]
    [InlineData(Algorithm.Hash)]
    [InlineData(Algorithm.Locality)]
    [InlineData(Algorithm.Failover)]
    public async Task Algorithm_KeepsAClientAtItsServer(Algorithm algorithm)
    {
        using TcpServer a = TcpServer.Naming("a"), b = TcpServer.Naming("b");
        await using TcpBench bench = await TcpBench.StartAsync(
            TcpConfig.Of(a.Endpoint, b.Endpoint).WithPool(pool => pool with { Balance = new BalanceSnapshot(algorithm) }));

        Assert.Single(Enumerable.Range(0, 20).Select(_ => Ask(bench)).Distinct());
    }

    [Fact]
    public async Task DeadServer_IsPassedOver_WithoutLosingABit()
    {
        using TcpServer good = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(Closed(), good.Endpoint));
        for (int i = 0; i < 10; i++)
        {
            using RawPeer client = bench.Connect();
            client.Send("said at once");
            client.HalfClose();
            Assert.Equal("said at once", Encoding.ASCII.GetString(client.ReadToEnd()));
        }

        bench.Until(FlowCause.Completed, 10);
    }

    [Fact]
    public async Task AllServersDead_ClientIsReset()
    {
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(Closed(), Closed(), Closed()));
        using RawPeer client = bench.Connect();

        Assert.True(client.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.ConnectRefused);
    }

    /// <summary>A full backlog drops SYNs: the connection neither stands nor fails.</summary>
    [Fact]
    public async Task ServerDoesNotAccept_NextOneAfterTheConnectTimeout()
    {
        using var stuck = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        stuck.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        stuck.Listen(0);
        var full = new List<Socket>();
        for (int i = 0; i < 4; i++)
        {
            var filler = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
            full.Add(filler);
            filler.ConnectAsync(stuck.LocalEndPoint!).Status.ToString();
        }

        using TcpServer good = TcpServer.Naming("good");
        Endpoint bad = Endpoint.Ip(NetAddress.V4(0x7F000001), ((IPEndPoint)stuck.LocalEndPoint!).Port);
        await using TcpBench bench = await TcpBench.StartAsync(
            TcpConfig.Of(bad, good.Endpoint).WithUpstream(upstream => upstream with { Connect = TimeSpan.FromMilliseconds(100) }));
        for (int i = 0; i < 2; i++) Assert.Equal("good", Ask(bench));
        foreach (Socket filler in full) filler.Dispose();
    }

    [Fact]
    public async Task NoServerUp_ClientIsReset()
    {
        using TcpServer server = TcpServer.Naming("a");
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        bench.Registry.Availability[bench.Pools[0].Servers[0].Slot] = new Availability(ServerState.Down, 1);
        bench.Publish();

        using RawPeer client = bench.Connect();
        Assert.True(client.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.NoServer);
    }

    [Fact]
    public async Task ServerGoesDown_WithDrop_FlowsAreCut_WithKeepTheyGoOn()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        using RawPeer client = bench.Connect();
        client.Send("1");
        client.ReadExactly(1);

        bench.Plane.OnServerOut(bench.Pools[0].Servers[0], cutBusy: false);
        client.Send("2");
        Assert.Equal("2", Encoding.ASCII.GetString(client.ReadExactly(1)));

        bench.Plane.OnServerOut(bench.Pools[0].Servers[0], cutBusy: true);
        Assert.True(client.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.ServerTakenOut);
    }

    [Fact]
    public async Task ServerIsFull_AnotherTakesIt_AllFull_ClientIsReset()
    {
        using TcpServer a = TcpServer.Echo(), b = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(
            TcpConfig.Service(), BenchConfig.Pool(BenchConfig.Server(a.Endpoint, maxConnections: 1), BenchConfig.Server(b.Endpoint, maxConnections: 1))));
        using RawPeer first = bench.Connect(), second = bench.Connect();
        foreach (RawPeer client in new[] { first, second })
        {
            client.Send("x");
            client.ReadExactly(1);
        }

        Assert.Equal((1, 1), (a.Accepted, b.Accepted));
        using RawPeer third = bench.Connect();
        Assert.True(third.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.ServersBusy);
    }

    [Fact]
    public async Task ServiceIsFull_FurtherConnectionsWaitInTheKernel()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(
            TcpConfig.Of(server.Endpoint).WithTcp(service => service with { MaxConnections = 1 }));
        RawPeer first = bench.Connect();
        first.Send("1");
        first.ReadExactly(1);
        using RawPeer second = bench.Connect();
        second.Send("2");
        Assert.False(second.Socket.Poll(200_000, SelectMode.SelectRead), "the second connection was served beside the first");

        first.Dispose();
        Assert.Equal("2", Encoding.ASCII.GetString(second.ReadExactly(1)));
    }

    [Fact]
    public async Task Reload_RemovesAServer_FlowsGoOn_NewOnesGoElsewhere()
    {
        using TcpServer old = TcpServer.Echo(), next = TcpServer.Naming("next");
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(old.Endpoint));
        using RawPeer client = bench.Connect();
        client.Send("1");
        client.ReadExactly(1);

        await bench.ApplyAsync(TcpConfig.Of(next.Endpoint));
        Assert.Equal("next", Ask(bench));
        client.Send("2");
        Assert.Equal("2", Encoding.ASCII.GetString(client.ReadExactly(1)));
    }

    [Fact]
    public async Task Drain_WaitsForFlows_AndCutsThemAtItsEnd()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        using RawPeer stays = bench.Connect();
        stays.Send("1");
        stays.ReadExactly(1);

        Task drain = bench.DrainAsync(TimeSpan.FromMilliseconds(300));
        stays.Send("2");
        Assert.Equal("2", Encoding.ASCII.GetString(stays.ReadExactly(1)));
        await drain;
        Assert.True(stays.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.DrainDeadline);
    }

    [Fact]
    public async Task Drain_EndsWithTheLastFlow()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint));
        RawPeer client = bench.Connect();
        client.Send("1");
        client.ReadExactly(1);
        Task drain = bench.DrainAsync(TimeSpan.FromSeconds(60));
        client.HalfClose();
        Assert.Empty(client.ReadToEnd());
        await drain.WaitAsync(TimeSpan.FromSeconds(20));
    }

    [Fact]
    public async Task IdleFlow_EndsPolitely()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(
            TcpConfig.Of(server.Endpoint).WithTcp(service => service with { Timeouts = service.Timeouts with { Idle = TimeSpan.FromMilliseconds(200) } }));
        using RawPeer client = bench.Connect();
        client.Send("1");
        client.ReadExactly(1);

        Assert.Equal(([], false), client.ReadToAnyEnd());
        bench.Until(FlowCause.IdleTimeout);
    }

    [Fact]
    public async Task HalfClosedFlow_HasItsOwnTime()
    {
        using var server = new TcpServer();
        await using TcpBench bench = await TcpBench.StartAsync(
            TcpConfig.Of(server.Endpoint).WithTcp(service => service with { Timeouts = service.Timeouts with { HalfClosed = TimeSpan.FromMilliseconds(200) } }));
        using RawPeer client = bench.Connect();
        client.HalfClose();
        using RawPeer peer = server.Take();
        Assert.Empty(peer.ReadToEnd());

        Assert.False(client.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.HalfClosedTimeout);
    }

    [Fact]
    public async Task Access_DeniedClientIsReset_AllowedOneServed()
    {
        using TcpServer server = TcpServer.Naming("a");
        TcpAccess denied = new([], TcpConfig.Ranges("127.0.0.0/8")), allowed = new(TcpConfig.Ranges("127.0.0.1", "10.0.0.0/8"), []);
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint).WithTcp(service => service with { Access = denied }));
        using (RawPeer client = bench.Connect()) Assert.True(client.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.AccessDenied);

        await bench.ApplyAsync(TcpConfig.Of(server.Endpoint).WithTcp(service => service with { Access = allowed }));
        Assert.Equal("a", Ask(bench));
    }
}

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

/// <summary>UDP sessions: datagrams whole, to the right server, and the answers from where they were asked for.</summary>
public class UdpTests
{
    private static Snapshot Of(DatagramSnapshot sessions, params Endpoint[] servers) => Of(BenchConfig.Listen(), sessions, servers);

    private static Snapshot Of(Endpoint listen, DatagramSnapshot sessions, params Endpoint[] servers) => TcpConfig.Of(
        TcpConfig.Service() with { Protocol = TransportProtocol.Udp, Datagrams = sessions, Listen = [new TcpListenSnapshot(listen)] },
        BenchConfig.Pool(servers));

    private static readonly DatagramSnapshot s_sessions = new(TimeSpan.FromSeconds(60));

    private static string Ask(Socket client, string text)
    {
        client.Send(Encoding.ASCII.GetBytes(text));
        byte[] answer = new byte[65536];
        return Encoding.ASCII.GetString(answer, 0, client.Receive(answer));
    }

    private static Socket Connect(IPAddress address, int port)
    {
        var client = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 30_000 };
        client.Connect(address, port);
        return client;
    }

    private static Socket Connect(TcpBench bench) => Connect(IPAddress.Loopback, bench.Port);

    private static Endpoint Closed()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return Endpoint.Ip(NetAddress.V4(0x7F000001), ((IPEndPoint)socket.LocalEndPoint!).Port);
    }

    [Fact]
    public async Task Session_StaysAtItsServer()
    {
        using UdpServer a = new("a"), b = new("b");
        await using TcpBench bench = await TcpBench.StartAsync(Of(s_sessions, a.Endpoint, b.Endpoint), shards: 2);
        var seen = new HashSet<string>();
        for (int i = 0; i < 8; i++)
        {
            using Socket client = Connect(bench);
            string first = Ask(client, "1");
            Assert.Equal(first, Ask(client, "1"));
            seen.Add(first);
        }

        Assert.Equal(["a:1", "b:1"], seen.Order());
    }

    [Fact]
    public async Task OnePacket_EveryDatagramIsScheduled()
    {
        using UdpServer a = new("a"), b = new("b");
        await using TcpBench bench = await TcpBench.StartAsync(Of(s_sessions with { OnePacket = true, Responses = 1 }, a.Endpoint, b.Endpoint));
        using Socket client = Connect(bench);

        Assert.Equal(["a:1", "b:2", "a:3", "b:4"], Enumerable.Range(1, 4).Select(i => Ask(client, $"{i}")));
        bench.Until(FlowCause.Completed, 4);
        Assert.Equal(0, bench.Plane.Tcp[0].Open);
    }

    [Fact]
    public async Task Session_EndsAfterTheExpectedResponses()
    {
        using var server = new UdpServer("a");
        await using TcpBench bench = await TcpBench.StartAsync(Of(s_sessions with { Responses = 1 }, server.Endpoint));
        using Socket client = Connect(bench);

        Ask(client, "1");
        bench.Until(FlowCause.Completed);
        Ask(client, "2");
        bench.Until(FlowCause.Completed, 2);
    }

    [Fact]
    public async Task Session_EndsWhenItIsQuiet()
    {
        using var server = new UdpServer("a");
        await using TcpBench bench = await TcpBench.StartAsync(Of(new DatagramSnapshot(TimeSpan.FromMilliseconds(150)), server.Endpoint));
        using Socket client = Connect(bench);
        Ask(client, "1");
        bench.Until(FlowCause.Completed);
    }

    /// <summary>The client's socket is connected: the kernel gives it nothing that comes from another address than the one it asked.</summary>
    [Theory]
    [InlineData("0.0.0.0", "127.0.0.5")]
    [InlineData("::", "::1")]
    public async Task Answer_LeavesFromTheAddressThatWasAsked(string listen, string asked)
    {
        using var server = new UdpServer("a");
        Assert.True(NetAddress.TryParse(listen, out NetAddress any));
        await using TcpBench bench = await TcpBench.StartAsync(Of(Endpoint.Ip(any, 1), s_sessions, server.Endpoint));
        using Socket client = Connect(IPAddress.Parse(asked), bench.Port);

        Assert.Equal("a:hello", Ask(client, "hello"));
    }

    [Fact]
    public async Task DeadServer_IsPassedOver_WithTheSameDatagram()
    {
        using var good = new UdpServer("good");
        await using TcpBench bench = await TcpBench.StartAsync(Of(s_sessions, Closed(), good.Endpoint));
        for (int i = 0; i < 4; i++)
        {
            using Socket client = Connect(bench);
            Assert.Equal($"good:{i}", Ask(client, $"{i}"));
        }
    }

    [Fact]
    public async Task AllServersDead_SessionEnds_NextDatagramTriesAgain()
    {
        await using TcpBench bench = await TcpBench.StartAsync(Of(s_sessions, Closed(), Closed()));
        using Socket client = Connect(bench);
        client.Send("x"u8);
        bench.Until(FlowCause.ConnectRefused);
        client.Send("x"u8);
        bench.Until(FlowCause.ConnectRefused, 2);
    }

    [Fact]
    public async Task SessionLimit_FurtherClientsAreDropped_AndCounted()
    {
        using var server = new UdpServer("a");
        await using TcpBench bench = await TcpBench.StartAsync(Of(s_sessions, server.Endpoint).WithTcp(service => service with { MaxConnections = 1 }));
        using Socket first = Connect(bench), second = Connect(bench);
        Ask(first, "1");
        second.Send("2"u8);
        bench.Until(FlowCause.SessionLimit);
        Assert.Equal("a:3", Ask(first, "3"));
    }

    [Fact]
    public async Task ServerIsCut_SessionGoesElsewhere()
    {
        using UdpServer a = new("a"), b = new("b");
        await using TcpBench bench = await TcpBench.StartAsync(Of(s_sessions, a.Endpoint, b.Endpoint));
        using Socket client = Connect(bench);
        Assert.Equal("a:1", Ask(client, "1"));
        bench.Registry.Availability[bench.Pools[0].Servers[0].Slot] = new Availability(ServerState.Down, 1);
        bench.Publish();
        bench.Plane.OnServerOut(bench.Pools[0].Servers[0], cutBusy: true);
        bench.Until(FlowCause.ServerTakenOut);

        Assert.Equal("b:2", Ask(client, "2"));
    }

    [Fact]
    public async Task Burst_IsAnsweredWhole_LargeDatagramsToo()
    {
        using var server = new UdpServer("");
        await using TcpBench bench = await TcpBench.StartAsync(Of(s_sessions, server.Endpoint), shards: 2);
        using Socket client = Connect(bench);
        string large = new('x', 60_000);
        Assert.Equal($":{large}", Ask(client, large));

        // In portions that fit the sockets' buffers: UDP itself may drop more.
        var answers = new HashSet<string>();
        byte[] buffer = new byte[100];
        for (int portion = 0; portion < 20; portion++)
        {
            for (int i = 0; i < 50; i++) client.Send(Encoding.ASCII.GetBytes($"{portion}.{i}"));
            for (int i = 0; i < 50; i++) answers.Add(Encoding.ASCII.GetString(buffer, 0, client.Receive(buffer)));
        }

        Assert.Equal(1000, answers.Count);
    }

    [Fact]
    public async Task Drain_AnswersWhatWasAsked()
    {
        using var server = new UdpServer("a");
        await using TcpBench bench = await TcpBench.StartAsync(Of(s_sessions, server.Endpoint));
        using Socket client = Connect(bench);
        Ask(client, "1");
        await bench.DrainAsync(TimeSpan.FromSeconds(30)).WaitAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(1, bench.Count(FlowCause.Completed));
    }
}

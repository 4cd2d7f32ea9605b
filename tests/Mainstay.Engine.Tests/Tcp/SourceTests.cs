using System.Net;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Tests.Http.Bench;
using Mainstay.Engine.Tests.Tcp.Bench;

namespace Mainstay.Engine.Tests.Tcp;

/// <summary>Connections to servers leave from the addresses that the pool names, in turn.</summary>
public class SourceTests
{
    private static NetAddress Address(string text)
    {
        Assert.True(NetAddress.TryParse(text, out NetAddress address));
        return address;
    }

    [Fact]
    public async Task Connections_LeaveFromEachSourceInTurn()
    {
        using var server = new TcpServer();
        await using TcpBench bench = await TcpBench.StartAsync(
            TcpConfig.Of(server.Endpoint).WithPool(pool => pool with { Sources = [Address("127.0.0.2"), Address("127.0.0.3"), Address("2001:db8::1")] }));
        var seen = new List<string>();
        for (int i = 0; i < 6; i++)
        {
            using RawPeer client = bench.Connect();
            using RawPeer peer = server.Take();
            seen.Add(((IPEndPoint)peer.Socket.RemoteEndPoint!).Address.ToString());
        }

        Assert.Equal(["127.0.0.2", "127.0.0.3"], seen.Distinct().Order());
        Assert.Equal(3, seen.Count(address => address == "127.0.0.2"));
    }

    [Fact]
    public async Task SourceThatIsNotHere_SaysSo()
    {
        using var server = new TcpServer();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(server.Endpoint).WithPool(pool => pool with { Sources = [Address("192.0.2.77")] }));
        using RawPeer client = bench.Connect();
        Assert.True(client.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.NoSourcePort);
    }

    [Fact]
    public async Task Requests_LeaveFromTheSource()
    {
        string? seen = null;
        using TcpServer server = new(peer =>
        {
            seen = ((IPEndPoint)peer.Socket.RemoteEndPoint!).Address.ToString();
            peer.ReadRequest();
            peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(BenchConfig.Pool(server.Endpoint) with { Sources = [Address("127.0.0.9")] }));
        Assert.Equal("ok", bench.Get().Text);
        Assert.Equal("127.0.0.9", seen);
    }
}

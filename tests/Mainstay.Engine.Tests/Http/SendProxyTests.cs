using System.Net;
using Mainstay.Core.Config;
using Mainstay.Core.Proxy;
using Mainstay.Engine.Tests.Http.Bench;
using Mainstay.Engine.Tests.Tcp.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Servers that want a PROXY header get one on every connection, and no connection is used for two clients.</summary>
public class SendProxyTests
{
    [Theory]
    [InlineData(ProxyVersion.V1)]
    [InlineData(ProxyVersion.V2)]
    public async Task EveryConnection_BeginsWithTheClientsAddress(ProxyVersion version)
    {
        using var server = new TcpServer();
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(BenchConfig.Pool(server.Endpoint) with { SendProxy = version }));
        for (int i = 0; i < 3; i++)
        {
            using RawPeer client = bench.Connect();
            for (int request = 0; request < 2; request++)
            {
                client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                using RawPeer peer = server.Take();
                ProxyHeader header = Read(peer);
                Assert.Equal(((IPEndPoint)client.Socket.LocalEndPoint!).Port, header.SourcePort);
                Assert.Equal("127.0.0.1", header.Source.ToString());
                Assert.Equal(bench.Port, header.DestinationPort);
                Assert.StartsWith("GET / ", peer.ReadRequest()!.StartLine, StringComparison.Ordinal);
                peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
                Assert.Equal("ok", client.ReadResponse().Text);
            }
        }
    }

    private static ProxyHeader Read(RawPeer peer)
    {
        var bytes = new List<byte>();
        while (true)
        {
            bytes.AddRange(peer.ReadExactly(1));
            ProxyRead read = ProxyHeaderReader.TryRead(bytes.ToArray(), out ProxyHeader header, out ProxyReject reason);
            Assert.NotEqual(ProxyRead.Refused, read);
            Assert.Equal(ProxyReject.None, reason);
            if (read == ProxyRead.Complete) return header;
        }
    }
}

using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Proxy;
using Mainstay.Engine.Tests.Http.Bench;
using Mainstay.Engine.Tests.Tcp.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>A balancer in front tells the client's address: servers, rules and the log know that one.</summary>
public class ProxyHeaderTests
{
    private static Snapshot Trusting(Snapshot snapshot, string range) => snapshot.WithService(service => service with
    {
        Listen = [service.Listen[0] with { Proxy = new ProxyProtocolSnapshot(TcpConfig.Ranges(range)) }],
    });

    private static byte[] Header(ProxyVersion version)
    {
        byte[] buffer = new byte[ProxyHeaderWriter.MaxLength];
        Assert.True(NetAddress.TryParse("192.0.2.7", out NetAddress source));
        Assert.True(NetAddress.TryParse("198.51.100.1", out NetAddress destination));
        return buffer[..ProxyHeaderWriter.Write(buffer, version, new ProxyEnds(source, 4000, destination, 443), default)];
    }

    [Theory]
    [InlineData(ProxyVersion.V1)]
    [InlineData(ProxyVersion.V2)]
    public async Task ClientsAddress_IsTheHeaders_CutAtEveryByte(ProxyVersion version)
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request["X-Forwarded-For"] ?? ""));
        await using ProxyBench bench = await ProxyBench.StartAsync(Trusting(BenchConfig.Of(server.Address), "127.0.0.1"));
        byte[] header = Header(version);
        for (int cut = 0; cut <= header.Length; cut++)
        {
            using RawPeer client = bench.Connect();
            client.Send(header.AsSpan(0, cut));
            client.Send([.. header[cut..], .. "GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8]);
            Assert.Equal("192.0.2.7", client.ReadResponse().Text);
            client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal("192.0.2.7", client.ReadResponse().Text);
        }
    }

    [Fact]
    public async Task HeaderOfAnUntrustedPeer_IsABadRequest()
    {
        using ScriptedServer server = ScriptedServer.Saying("fine");
        await using ProxyBench bench = await ProxyBench.StartAsync(Trusting(BenchConfig.Of(server.Address), "10.0.0.0/8"));
        using RawPeer client = bench.Connect();
        client.Send([.. Header(ProxyVersion.V1), .. "GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8]);
        Assert.Equal(400, client.ReadResponse().Status);
        Assert.Equal("fine", bench.Get().Text);
    }

    [Fact]
    public async Task TrustedPeerWithoutHeader_IsReset_AndCounted()
    {
        using ScriptedServer server = ScriptedServer.Saying("fine");
        await using ProxyBench bench = await ProxyBench.StartAsync(Trusting(BenchConfig.Of(server.Address), "127.0.0.1"));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.True(client.ReadToAnyEnd().WasReset);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ClientProxyHeaderRefused) == 1, "it is not counted");
        Assert.Equal(1, bench.Plane.Http[0].Counters.RefusedHeaders[(int)ProxyReject.NotAHeader]);
        bench.Connect().Dispose();
        bench.Settle();
        Assert.Equal(1, bench.Outcomes(OutcomeCause.ClientProxyHeaderRefused));
    }
}

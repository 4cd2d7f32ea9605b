using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Net;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>What counts against a server, and what does not.</summary>
public sealed class OutlierCountTests
{
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1, 0)]
    [InlineData("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 1, 0)]
    [InlineData("HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", 0, 1)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", 0, 1)]
    [InlineData("nonsense\r\n\r\n", 0, 1)]
    [InlineData("", 0, 1)]
    public async Task Answer_CountsOnce(string answer, int successes, int failures)
    {
        using var server = new ScriptedServer(peer =>
        {
            if (peer.ReadRequest() is not null) peer.Send(answer);
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(Of(server.Address));
        using (RawPeer client = bench.Connect())
        {
            client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
            client.ReadToEnd();
        }

        Assert.Equal((successes, failures), Counts(bench, server.Address));
    }

    [Fact]
    public async Task ServerThatRefuses_CountsForItselfAndNotForTheNext()
    {
        using ScriptedServer good = ScriptedServer.Saying("hello");
        Endpoint refusing = ScriptedServer.Closed();
        await using ProxyBench bench = await ProxyBench.StartAsync(Of(refusing, good.Address));
        for (int i = 0; i < 4; i++) Assert.Equal("hello", bench.Get().Text);
        Assert.Equal((0, 4), Counts(bench, refusing));
        Assert.Equal((4, 0), Counts(bench, good.Address));
        Assert.Equal(4, bench.LoadOf(refusing).FailuresInARow);
    }

    [Fact]
    public async Task ClientThatGoesAway_CountsForNobody()
    {
        using ScriptedServer server = ScriptedServer.Hanging();
        await using ProxyBench bench = await ProxyBench.StartAsync(Of(server.Address));
        using (RawPeer client = bench.Connect())
        {
            client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            ProxyBench.Until(() => server.Connections == 1, "the request did not arrive");
            client.Reset();
        }

        ProxyBench.Until(() => bench.Plane.Http.All(http => http.Open == 0), "the client is still there");
        Assert.Equal((0, 0), Counts(bench, server.Address));
    }

    private static (long, long) Counts(ProxyBench bench, Endpoint server)
    {
        bench.Settle();
        ServerLoad load = bench.LoadOf(server);
        return (load.Successes, load.Failures);
    }

    private static Snapshot Of(params Endpoint[] servers) => BenchConfig.Of(BenchConfig.Pool(servers) with { Outliers = new OutlierPolicy() });
}

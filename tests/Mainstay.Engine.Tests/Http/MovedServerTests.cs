using System.Net;
using Mainstay.Core.Net;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>A server given by name whose name gets another address.</summary>
public sealed class MovedServerTests
{
    [Fact]
    public async Task NameMoves_NextRequestGoesToTheNewAddress_WhateverWasKeptOpen()
    {
        using var goOn = new ManualResetEventSlim();
        using ScriptedServer before = ScriptedServer.Answering(request =>
        {
            if (request.StartLine.Contains("/slow", StringComparison.Ordinal)) goOn.Wait();
            return ScriptedServer.Ok("before");
        });
        int port = before.Address.Port;
        using ScriptedServer after = ScriptedServer.Saying("after", new IPEndPoint(IPAddress.Parse("127.0.0.2"), port));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(Endpoint.Name("app.test", port)));
        ServerRuntime server = bench.Pools[0].Servers[0];
        Assert.False(server.Resolve(Address("127.0.0.1")));
        using RawPeer idle = bench.Connect(), busy = bench.Connect();
        busy.Send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
        ProxyBench.Until(() => before.Requests.Count == 1, "the slow request does not come");
        idle.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("before", idle.ReadResponse().Text);
        bench.Settle();

        Assert.True(server.Resolve(Address("127.0.0.2")));
        bench.Plane.OnServerOut(server, cutBusy: false);

        idle.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("after", idle.ReadResponse().Text);
        goOn.Set();
        Assert.Equal("before", busy.ReadResponse().Text);
        for (int i = 0; i < 10; i++) Assert.Equal("after", bench.Get().Text);
        Assert.Equal(2, before.Requests.Count);
    }

    private static NetAddress Address(string text) =>
        NetAddress.TryParse(text, out NetAddress address) ? address : throw new ArgumentException(text);
}

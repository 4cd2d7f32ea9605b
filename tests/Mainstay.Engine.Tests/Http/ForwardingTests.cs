using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Requests there and responses back, over real sockets.</summary>
public sealed class ForwardingTests
{
    [Fact]
    public async Task KeepAlive_ManyRequests_UseOneConnectionOnEachSide()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.StartLine));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        for (int i = 0; i < 50; i++)
        {
            client.Send($"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal($"GET /{i} HTTP/1.1", client.ReadResponse().Text);
        }

        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task Pipelining_ManyRequestsInOneSegment_AreAnsweredInOrder()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.StartLine + request.Text));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send(string.Concat(Enumerable.Range(0, 100).Select(i => i % 2 == 0
            ? $"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n"
            : $"POST /{i} HTTP/1.1\r\nHost: a\r\nContent-Length: {i.ToString().Length}\r\n\r\n{i}")));
        client.HalfClose();
        for (int i = 0; i < 100; i++)
            Assert.Equal(i % 2 == 0 ? $"GET /{i} HTTP/1.1" : $"POST /{i} HTTP/1.1{i}", client.ReadResponse().Text);
        Assert.Empty(client.ReadToEnd());
    }

    [Fact]
    public async Task Pipelining_ClientThatReadsLate_GetsEverything()
    {
        string body = new('x', 300_000);
        using ScriptedServer server = ScriptedServer.Saying(body);
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send(string.Concat(Enumerable.Repeat("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 40)));
        bench.Settle();
        for (int i = 0; i < 40; i++) Assert.Equal(body.Length, client.ReadResponse().Body.Length);
    }

    [Fact]
    public async Task RequestBody_ChunkedWithExtensionsAndTrailers_ArrivesWhole()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.Text + "|" + request.Trailers));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nwiki\r\n5 ; q=\"x\\\"y\"\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n");
        Assert.Equal("wikipedia|X-Sum: 9\n", client.ReadResponse().Text);
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("|", client.ReadResponse().Text);
    }

    [Fact]
    public async Task ResponseBody_ChunkedWithExtensionsAndTrailers_ArrivesWhole()
    {
        using ScriptedServer server = ScriptedServer.Answering(
            _ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n4;a=b\r\nwiki\r\n5\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        for (int i = 0; i < 2; i++)
        {
            client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            Message response = client.ReadResponse();
            Assert.Equal(("wikipedia", "X-Sum: 9\n"), (response.Text, response.Trailers));
        }

        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task ResponseBody_UntilClose_EndsTheClientsConnectionToo()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 200 OK\r\n\r\nall there is");
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Message response = client.ReadResponse();
        Assert.Equal(("all there is", "close"), (response.Text, response["Connection"]));
    }

    [Fact]
    public async Task Http10Client_ChunkedResponse_GetsItsContentUntilClose()
    {
        using ScriptedServer server = ScriptedServer.Answering(
            _ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;a=b\r\nwiki\r\n5\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Message response = bench.Ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        Assert.Equal(("wikipedia", null), (response.Text, response["Transfer-Encoding"]));
        Assert.Equal("close", response["Connection"]);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("Connection: keep-alive\r\n", true)]
    public async Task Http10Client_ConnectionStaysOnlyWhenAskedFor(string field, bool stays)
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send($"GET / HTTP/1.0\r\n{field}\r\n");
        Message response = client.ReadResponse();
        Assert.Equal(("hi", stays ? "keep-alive" : "close"), (response.Text, response["Connection"]));
        if (!stays)
        {
            Assert.Empty(client.ReadToEnd());
            return;
        }

        client.Send($"GET / HTTP/1.0\r\n{field}\r\n");
        Assert.Equal("hi", client.ReadResponse().Text);
    }

    [Fact]
    public async Task Head_LengthWithoutBody_LeavesBothConnectionsUsable()
    {
        using ScriptedServer server = ScriptedServer.Answering(
            request => "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n" + (request.StartLine.StartsWith("HEAD", StringComparison.Ordinal) ? "" : "hello"));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Message head = client.ReadResponse(toHead: true);
        Assert.Equal("5", head["Content-Length"]);
        Assert.Equal("hello", client.ReadResponse().Text);
        Assert.Equal(1, server.Connections);
    }

    [Theory]
    [InlineData("204 No Content", "")]
    [InlineData("304 Not Modified", "Content-Length: 12\r\n")]
    public async Task StatusWithoutBody_ConnectionsStayInStep(string status, string fields)
    {
        using ScriptedServer server = ScriptedServer.Answering(
            request => request.StartLine.Contains("/none", StringComparison.Ordinal) ? $"HTTP/1.1 {status}\r\n{fields}\r\n" : ScriptedServer.Ok("next"));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("GET /none HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal($"HTTP/1.1 {status}", client.ReadResponse().StartLine);
        Assert.Equal("next", client.ReadResponse().Text);
    }

    [Fact]
    public async Task AbsoluteForm_IsForwardedInOriginFormWithItsHost()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok($"{request.StartLine}|{request["Host"]}"));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Assert.Equal("GET /a?b HTTP/1.1|x.example", bench.Ask("GET http://x.example/a?b HTTP/1.1\r\nHost: y.example\r\n\r\n").Text);
        Assert.Equal("OPTIONS * HTTP/1.1|x", bench.Ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n").Text);
        Assert.Equal(501, bench.Ask("CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n").Status);
    }

    [Fact]
    public async Task HopByHopFields_AndWhatConnectionNames_StayOnTheirSide()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => $"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: x-secret\r\nX-Secret: 1\r\nKeep-Alive: 5\r\nX-Seen: {request["X-Private"]}{request["Keep-Alive"]}{request["Via"]}\r\n\r\n");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Message response = bench.Ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: X-Private\r\nX-Private: p\r\nKeep-Alive: 3\r\n\r\n");
        Assert.Equal("1.1 mainstay", response["X-Seen"]);
        Assert.Equal((null, null, "1.1 mainstay"), (response["X-Secret"], response["Keep-Alive"], response["Via"]));
        Assert.NotNull(response["Date"]);
    }

    [Fact]
    public async Task ForwardedFields_OfUntrustedClients_AreReplacedAndThoseOfTrustedOnesExtended()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok($"{request["X-Forwarded-For"]}|{request["X-Request-Id"]}"));
        Snapshot plain = BenchConfig.Of(server.Address);
        const string request = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nX-Request-Id: given\r\n\r\n";
        await using ProxyBench bench = await ProxyBench.StartAsync(plain);
        string[] seen = bench.Ask(request).Text.Split('|');
        Assert.Equal("127.0.0.1", seen[0]);
        Assert.NotEqual("given", seen[1]);
        Assert.True(AddressRange.TryParse("127.0.0.0/8", out AddressRange loopback));
        await bench.ApplyAsync(plain.WithService(service => service with { Forwarded = new ForwardedSnapshot([loopback]) }));
        Assert.Equal("1.2.3.4, 127.0.0.1|given", bench.Ask(request).Text);
    }

    [Fact]
    public async Task Routes_PoolFixedResponseAndRedirect_FirstMatchWins()
    {
        using ScriptedServer server = ScriptedServer.Saying("from the pool");
        RouteMatch path(string text) => new() { Path = [new PathPattern(PatternKind.SegmentPrefix, text)] };
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(
            BenchConfig.Pool(server.Address),
            BenchConfig.Service(
                BenchConfig.Route(new RouteAction.Respond(410, "gone\n", "text/plain"), path("/old")),
                BenchConfig.Route(new RouteAction.Redirect(308, "https://{host}{uri}"), path("/secure")),
                BenchConfig.Route(new RouteAction.ToPool("app"), path("/app")))));
        using RawPeer client = bench.Connect();
        client.Send("POST /old/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /secure/y?z HTTP/1.1\r\nHost: a.example\r\n\r\n"
            + "GET /app HTTP/1.1\r\nHost: a\r\n\r\nHEAD /old HTTP/1.1\r\nHost: a\r\n\r\nGET /none HTTP/1.1\r\nHost: a\r\n\r\n");
        Message gone = client.ReadResponse();
        Assert.Equal((410, "gone\n"), (gone.Status, gone.Text));
        Message moved = client.ReadResponse();
        Assert.Equal((308, "https://a.example/secure/y?z"), (moved.Status, moved["Location"]));
        Assert.Equal("from the pool", client.ReadResponse().Text);
        Assert.Equal(410, client.ReadResponse(toHead: true).Status);
        Assert.Equal(404, client.ReadResponse().Status);
    }

    [Fact]
    public async Task UnixSockets_OnBothSides_Work()
    {
        string folder = Directory.CreateTempSubdirectory("mainstay-http").FullName;
        using ScriptedServer server = ScriptedServer.Answering(
            request => ScriptedServer.Ok($"{request["X-Forwarded-For"]}|{request["Host"]}"), new UnixDomainSocketEndPoint($"{folder}/server"));
        await using (ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithService(service => service with { Listen = [Endpoint.Unix($"{folder}/listen")] }), shards: 2))
        {
            for (int i = 0; i < 10; i++)
            {
                var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                socket.Connect(new UnixDomainSocketEndPoint($"{folder}/listen"));
                using var client = new RawPeer(socket);
                client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                Assert.EndsWith("|a", client.ReadResponse().Text, StringComparison.Ordinal);
            }
        }

        server.Dispose();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task IPv6_OnBothSides_Works()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok($"{request["X-Forwarded-For"]}"), new IPEndPoint(IPAddress.IPv6Loopback, 0));
        Assert.True(NetAddress.TryParse("::1", out NetAddress loopback));
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithService(service => service with { Listen = [Endpoint.Ip(loopback, 1)] }));
        var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(IPAddress.IPv6Loopback, bench.Port);
        using var client = new RawPeer(socket);
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("::1", client.ReadResponse().Text);
    }

    [Theory]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3, 3\r\n\r\nabc", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400)]
    [InlineData("GET / HTTP/1.1\r\n\r\n", 400)]
    [InlineData("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505)]
    [InlineData("GET / HTTP/1.1\nHost: a\n\n", 400)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501)]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400)]
    public async Task RefusedRequest_IsAnsweredAndClosedWithoutReachingAServer(string request, int status)
    {
        using ScriptedServer server = ScriptedServer.Saying("smuggled");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send(request + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n");
        Message response = client.ReadResponse();
        Assert.Equal((status, "close"), (response.Status, response["Connection"]));
        Assert.Empty(client.ReadToEnd());
        Assert.Equal(1, bench.Plane.Http[0].Counters.Rejected.Sum());
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task OversizedHeads_AreRefusedForWhatIsTooLarge()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Assert.Equal(414, bench.Ask($"GET /{new string('a', 9000)} HTTP/1.1\r\nHost: a\r\n\r\n").Status);
        Assert.Equal(431, bench.Ask($"GET / HTTP/1.1\r\nHost: a\r\nX: {new string('a', 40_000)}\r\n\r\n").Status);
        Assert.Equal(431, bench.Ask($"GET / HTTP/1.1\r\nHost: a\r\n{string.Concat(Enumerable.Repeat("X: y\r\n", 101))}\r\n").Status);
        await bench.ApplyAsync(BenchConfig.Of(server.Address).WithService(service => service with { Limits = new HttpLimits(Body: 10) }));
        Assert.Equal(413, bench.Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world").Status);
        Assert.Equal(413, bench.Ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n").Status);
    }

    [Theory]
    [InlineData(60_000, 200)]
    [InlineData(70_000, 502)]
    public async Task LargeResponseHead_IsForwardedWithItsBodyUpToTheLimit(int size, int status)
    {
        using ScriptedServer server = ScriptedServer.Answering(
            _ => $"HTTP/1.1 200 OK\r\nX-Large: {new string('x', size)}\r\nContent-Length: 300000\r\n\r\n{new string('b', 300_000)}");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Message response = bench.Get();
        Assert.Equal(status, response.Status);
        if (status == 200) Assert.Equal((size, 300_000), (response["X-Large"]!.Length, response.Body.Length));
    }

    [Fact]
    public async Task Pipelining_ThousandsOfSmallRequestsAtOnce_AreAnsweredInOrder()
    {
        const int count = 4000;
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(
            BenchConfig.Pool(ScriptedServer.Closed()), BenchConfig.Service(BenchConfig.Route(new RouteAction.Redirect(302, "{uri}")))));
        using RawPeer client = bench.Connect();
        Task sending = Task.Run(() =>
        {
            using (bench.Hold()) client.Send(string.Concat(Enumerable.Range(0, count).Select(i => $"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n")));
        });
        for (int i = 0; i < count; i++) Assert.Equal($"/{i}", client.ReadResponse()["Location"]);
        await sending;
    }

    /// <summary>Once the stash was as large as a block can be, the copy for the server found no room and the shard hung.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task LargestConfigurableHead_WithABodyBehindIt_IsForwarded(int parts)
    {
        const int size = 60_000;
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok($"{request["X-Large"]!.Length} {request.Body.Length}"));
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithService(service => service with { Limits = new HttpLimits(Head: 64 * 1024) }));
        using RawPeer client = bench.Connect();
        string request = $"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\nX-Large: {new string('x', size)}\r\n\r\n{new string('b', 400_000)}";
        using (parts == 1 ? bench.Hold() : null)
        {
            var sending = Task.Run(() =>
            {
                for (int part = 0; part < parts - 1; part++)
                {
                    client.Send(request[(part * 20_000)..((part + 1) * 20_000)]);
                    bench.Settle();
                }

                client.Send(request[((parts - 1) * 20_000)..]);
            });
            if (parts == 1) ProxyBench.Until(() => client.Socket.Poll(0, SelectMode.SelectWrite) || sending.IsCompleted, "nothing is sent");
        }

        Assert.Equal($"{size} 400000", client.ReadResponse().Text);
    }
}

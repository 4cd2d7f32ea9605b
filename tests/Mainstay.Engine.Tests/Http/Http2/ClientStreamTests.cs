using System.Net;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.Http2;

/// <summary>Clients that speak HTTP/2, servers that speak HTTP/1.1.</summary>
public sealed class ClientStreamTests
{
    [Fact]
    public async Task ManyStreams_OnOneConnection_AllAnswered()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.StartLine));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 500).Select(i => client.GetStringAsync($"/{i}")));
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"GET /{i} HTTP/1.1"), answers);
        Assert.Equal(1, bench.Plane.Http[0].Open);
        client.Dispose();
    }

    [Fact]
    public async Task Request_AsTheServerGetsIt_IsHttp11()
    {
        using ScriptedServer server = ScriptedServer.Saying("hello");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/a?b=c")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { { "X-One", "1" }, { "Cookie", "a=b; c=d" } },
        };
        using HttpResponseMessage response = await client.SendAsync(request);
        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (response.StatusCode, response.Version));
        Assert.Equal("1.1 mainstay", response.Headers.Via.ToString());
        Message got = Assert.Single(server.Requests);
        Assert.Equal("GET /a?b=c HTTP/1.1", got.StartLine);
        Assert.Equal(($"127.0.0.1:{bench.Port}", "1", "a=b; c=d", "2.0 mainstay"), (got["host"], got["x-one"], got["cookie"], got["via"]));
        Assert.Null(got["transfer-encoding"]);
        client.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(1_000_000)]
    public async Task Body_WithLength_GoesBothWays(int size)
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.Text));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        string body = new('x', size);
        using HttpResponseMessage response = await client.PostAsync("/", new StringContent(body));
        Assert.Equal(body, await response.Content.ReadAsStringAsync());
        Assert.Equal(size.ToString(), Assert.Single(server.Requests)["content-length"]);
        client.Dispose();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(1_000_000)]
    public async Task Body_WithoutLength_BecomesChunked(int size)
    {
        using ScriptedServer server = ScriptedServer.Answering(
            request => $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{request.Text.Length:x}\r\n{request.Text}\r\n0\r\n\r\n");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        byte[] body = Encoding.ASCII.GetBytes(new string('y', size));
        using HttpResponseMessage response = await client.PostAsync("/", new Http2Clients.Streamed(async stream =>
        {
            await stream.WriteAsync(body.AsMemory(0, size / 2));
            await stream.FlushAsync();
            await stream.WriteAsync(body.AsMemory(size / 2));
        }));
        Assert.Equal(size, (await response.Content.ReadAsByteArrayAsync()).Length);
        Message got = Assert.Single(server.Requests);
        Assert.Equal(("chunked", size), (got["transfer-encoding"], got.Body.Length));
        client.Dispose();
    }

    [Fact]
    public async Task Trailers_OfAChunkedResponse_ArriveAsTrailers()
    {
        using ScriptedServer server = ScriptedServer.Answering(
            _ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n4;a=b\r\nwiki\r\n5\r\npedia\r\n0\r\nX-Sum: 9\r\n\r\n");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        using HttpResponseMessage response = await client.GetAsync("/");
        Assert.Equal("wikipedia", await response.Content.ReadAsStringAsync());
        Assert.Equal("9", Assert.Single(response.TrailingHeaders.GetValues("x-sum")));
        client.Dispose();
    }

    [Fact]
    public async Task Body_ThatEndsWithTheServersConnection_EndsTheStreamOnly()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        for (int i = 0; i < 3; i++) Assert.Equal("until the end", await client.GetStringAsync("/"));
        Assert.Equal(1, bench.Plane.Http[0].Counters.Accepted);
        client.Dispose();
    }

    [Theory]
    [InlineData("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200)]
    [InlineData("GET", "HTTP/1.1 204 No Content\r\n\r\n", 204)]
    [InlineData("GET", "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\n\r\n", 304)]
    [InlineData("GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200)]
    public async Task Response_WithoutBody_EndsWithItsHead(string method, string answer, int status)
    {
        using ScriptedServer server = ScriptedServer.Answering(_ => answer);
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        for (int i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), "/")
            { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            using HttpResponseMessage response = await client.SendAsync(request);
            Assert.Equal(status, (int)response.StatusCode);
            Assert.Empty(await response.Content.ReadAsByteArrayAsync());
        }

        client.Dispose();
    }

    [Fact]
    public async Task OwnResponses_OfEveryKind_AreHttp2()
    {
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(BenchConfig.Pool(ScriptedServer.Closed()), BenchConfig.Service(
            BenchConfig.Route(new RouteAction.Respond(200, "fixed", "text/plain"), new RouteMatch { Path = [new(PatternKind.Exact, "/fixed")] }, "a"),
            BenchConfig.Route(new RouteAction.Redirect(301, "https://{host}{uri}"), new RouteMatch { Path = [new(PatternKind.Exact, "/moved")] }, "b"),
            BenchConfig.Route(new RouteAction.ToPool("app"), new RouteMatch { Path = [new(PatternKind.Exact, "/dead")] }, "c"))));
        using HttpClient client = Http2Clients.Connect(bench);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("fixed", await client.GetStringAsync("/fixed"));
            using HttpResponseMessage moved = await client.GetAsync("/moved");
            Assert.Equal($"https://127.0.0.1/moved", moved.Headers.Location!.ToString());
            using HttpResponseMessage dead = await client.GetAsync("/dead");
            Assert.Equal(HttpStatusCode.BadGateway, dead.StatusCode);
            using HttpResponseMessage none = await client.PostAsync("/none", new StringContent(new string('x', 200_000)));
            Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        }

        Assert.Equal(1, bench.Plane.Http[0].Counters.Accepted);
        Assert.Equal(3, bench.Outcomes(OutcomeCause.NoRoute));
        client.Dispose();
    }

    [Fact]
    public async Task LargeResponse_100MB_IsWhole()
    {
        const int size = 100_000_000;
        using var server = new ScriptedServer(peer =>
        {
            while (peer.ReadRequest() is not null)
            {
                peer.Send($"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
                byte[] piece = new byte[100_000];
                for (int i = 0; i < size / piece.Length; i++)
                {
                    piece.AsSpan().Fill((byte)i);
                    peer.Send(piece);
                }
            }
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        using HttpResponseMessage response = await client.GetAsync("/", HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        byte[] got = new byte[100_000];
        for (int i = 0; i < size / got.Length; i++)
        {
            await body.ReadExactlyAsync(got);
            Assert.Equal(-1, got.AsSpan().IndexOfAnyExcept((byte)i));
        }

        Assert.Equal(0, await body.ReadAsync(got));
        client.Dispose();
    }

    [Fact]
    public async Task LargeRequest_100MB_IsWhole()
    {
        const int pieces = 1000, pieceSize = 100_000;
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequestHead();
            for (int i = 0; i < pieces; i++)
            {
                byte[] got = peer.ReadExactly(pieceSize);
                Assert.Equal(-1, got.AsSpan().IndexOfAnyExcept((byte)i));
            }

            peer.Send(ScriptedServer.Ok("whole"));
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        var content = new Http2Clients.Streamed(async stream =>
        {
            byte[] piece = new byte[pieceSize];
            for (int i = 0; i < pieces; i++)
            {
                piece.AsSpan().Fill((byte)i);
                await stream.WriteAsync(piece);
            }
        });
        content.Headers.ContentLength = (long)pieces * pieceSize;
        using HttpResponseMessage response = await client.PostAsync("/", content);
        Assert.Equal("whole", await response.Content.ReadAsStringAsync());
        client.Dispose();
    }
}

using System.Net;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.Http2;

/// <summary>Servers that speak HTTP/2: the platform's own for what is ordinary, frames by hand for what is not.</summary>
public sealed class ServerStreamTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ManyRequests_ShareAConnection(bool clientSpeaksHttp2)
    {
        await using var server = await KestrelServer.StartAsync();
        await using ProxyBench bench = await ProxyBench.StartAsync(H2(server.Address));
        using HttpClient client = clientSpeaksHttp2 ? Http2Clients.Connect(bench) : Http1(bench);
        for (int round = 0; round < 3; round++)
        {
            string[] answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => client.GetStringAsync($"/path?{i}")));
            Assert.Equal(Enumerable.Range(0, 50).Select(i => $"GET /path?{i} HTTP/2"), answers);
        }

        Assert.Equal(1, server.Connections);
        client.Dispose();
    }

    [Theory]
    [InlineData(false, 0, true)]
    [InlineData(true, 0, true)]
    [InlineData(true, 10, true)]
    [InlineData(false, 10, false)]
    [InlineData(true, 60_000, true)] // this client does not read the response before it has sent such a request
    [InlineData(true, 1_000_000, false)]
    [InlineData(false, 60_000, true)]
    [InlineData(false, 1_000_000, false)]
    public async Task Body_GoesBothWays(bool clientSpeaksHttp2, int size, bool withLength)
    {
        await using var server = await KestrelServer.StartAsync();
        await using ProxyBench bench = await ProxyBench.StartAsync(H2(server.Address));
        using HttpClient client = clientSpeaksHttp2 ? Http2Clients.Connect(bench) : Http1(bench);
        byte[] body = Encoding.ASCII.GetBytes(new string('b', size));
        for (int i = 0; i < 2; i++)
        {
            HttpContent content = withLength ? new ByteArrayContent(body) : new Http2Clients.Streamed(stream => stream.WriteAsync(body).AsTask());
            using HttpResponseMessage response = await client.PostAsync("/echo", content);
            Assert.Equal(size, (await response.Content.ReadAsByteArrayAsync()).Length);

            // Without content the server says Content-Length: 0, and HTTP/1.1 has no place for a trailer behind that.
            if (size > 0) Assert.Equal("after", Assert.Single(response.TrailingHeaders.GetValues("x-trailer")));
        }

        client.Dispose();
    }

    [Fact]
    public async Task LargeBody_100MB_BothWaysAtOnce()
    {
        const int pieces = 1000, size = 100_000;
        await using var server = await KestrelServer.StartAsync();
        await using ProxyBench bench = await ProxyBench.StartAsync(H2(server.Address));
        using HttpClient client = Http2Clients.Connect(bench);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/echo")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new Http2Clients.Streamed(async stream =>
            {
                byte[] piece = new byte[size];
                for (int i = 0; i < pieces; i++)
                {
                    piece.AsSpan().Fill((byte)i);
                    await stream.WriteAsync(piece);
                }
            }),
        };
        using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        await using Stream body = await response.Content.ReadAsStreamAsync();
        byte[] got = new byte[size];
        for (int i = 0; i < pieces; i++)
        {
            await body.ReadExactlyAsync(got);
            Assert.Equal(-1, got.AsSpan().IndexOfAnyExcept((byte)i));
        }

        Assert.Equal(0, await body.ReadAsync(got));
        client.Dispose();
    }

    [Theory]
    [InlineData("HEAD", "/length", 200)]
    [InlineData("GET", "/204", 204)]
    [InlineData("GET", "/304", 304)]
    public async Task Response_WithoutBody_LeavesTheConnection(string method, string path, int status)
    {
        await using var server = await KestrelServer.StartAsync();
        await using ProxyBench bench = await ProxyBench.StartAsync(H2(server.Address));
        using RawPeer client = bench.Connect();
        for (int i = 0; i < 3; i++)
        {
            client.Send($"{method} {path} HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal(status, client.ReadResponse(toHead: method == "HEAD").Status);
        }

        Assert.Equal(1, server.Connections);
    }

    [Fact]
    public async Task GoAway_RequestsAboveItsLast_AreSentAgain()
    {
        int connections = 0;
        using var server = new ScriptedServer(peer =>
        {
            using var h2 = Accept(peer);
            int number = Interlocked.Increment(ref connections);
            while (h2.ReadTo(Frame.Headers) is { } request)
            {
                if (number == 1)
                {
                    // Leaves before it has begun with anything.
                    h2.Send(Frame.GoAway, 0, 0, [.. H2Peer.Number(0), .. H2Peer.Number(0)]);
                    return;
                }

                Answer(h2, request.Stream, "again");
            }
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(H2(server.Address));
        Assert.Equal("again", bench.Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody").Text);
        Assert.Equal(2, connections);
    }

    [Fact]
    public async Task RefusedStream_IsSentAgain_OtherResetsAreNot()
    {
        int requests = 0;
        using var server = new ScriptedServer(peer =>
        {
            using var h2 = Accept(peer);
            while (h2.ReadTo(Frame.Headers) is { } request)
            {
                switch (Interlocked.Increment(ref requests))
                {
                    case 1:
                        h2.Send(Frame.Reset, 0, request.Stream, H2Peer.Number(7));
                        break;
                    case 2:
                        Answer(h2, request.Stream, "again");
                        break;
                    default:
                        h2.Send(Frame.Reset, 0, request.Stream, H2Peer.Number(2));
                        break;
                }
            }
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(H2(server.Address));
        Assert.Equal("again", bench.Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody").Text);
        Assert.Equal(502, bench.Ask("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").Status);
        Assert.Equal(3, requests);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ServerReset) == 1, "the reset was not counted");
    }

    [Fact]
    public async Task Response_WholeWhenTheConnectionEnds_IsWholeForASlowClient()
    {
        const int size = 60_000;
        using var server = new ScriptedServer(peer =>
        {
            using var h2 = Accept(peer);
            Frame request = h2.ReadTo(Frame.Headers)!;
            h2.Send(Frame.Headers, 4, request.Stream, H2Peer.Block((":status", "200")));
            for (int left = size; left > 0; left -= 10_000) h2.Send(Frame.Data, left == 10_000 ? 1 : 0, request.Stream, new byte[10_000]);
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(H2(server.Address));
        using H2Peer client = H2Peer.Connect(bench, (4, 100));
        client.Send(H2Peer.Get(1));
        ProxyBench.Until(() => bench.OnShard(http => http.Loop.ChannelCount) == 2, "the server's connection is still there"); // the listener and the client
        client.Send(Frame.WindowUpdate, 0, 1, H2Peer.Number(1_000_000));
        Assert.Equal(size, client.ReadContent(1));
    }

    [Fact]
    public async Task ConnectRefused_IsABadGateway()
    {
        await using ProxyBench bench = await ProxyBench.StartAsync(H2(ScriptedServer.Closed()));
        for (int i = 0; i < 3; i++) Assert.Equal(502, bench.Get().Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ConnectRefused) == 3, "not every request was counted");
    }

    [Fact]
    public async Task ClientThatLeaves_CancelsItsStreamOnly()
    {
        using var server = new ScriptedServer(peer =>
        {
            using var h2 = Accept(peer);
            Frame first = h2.ReadTo(Frame.Headers)!;
            Frame reset = h2.ReadTo(Frame.Reset, first.Stream)!;
            Assert.Equal(8, reset.ErrorCode);
            Frame second = h2.ReadTo(Frame.Headers)!;
            Answer(h2, second.Stream, "still here");
            h2.ReadTo(Frame.GoAway);
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(H2(server.Address));
        RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        ProxyBench.Until(() => server.Connections == 1, "the request did not arrive");
        bench.Settle();
        client.Reset();
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ClientReset) == 1, "the exchange goes on");
        Assert.Equal("still here", bench.Get().Text);
        Assert.Equal(1, server.Connections);
    }

    private static Snapshot H2(params Core.Net.Endpoint[] servers) =>
        BenchConfig.Of(servers).WithUpstream(upstream => upstream with { Protocol = UpstreamProtocol.Http2 });

    private static HttpClient Http1(ProxyBench bench) =>
        new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = new Uri($"http://127.0.0.1:{bench.Port}/") };

    /// <summary>The server's side of a connection that has just begun.</summary>
    private static H2Peer Accept(RawPeer peer)
    {
        Assert.Equal(H2Peer.Preface, Encoding.ASCII.GetString(peer.ReadExactly(H2Peer.Preface.Length)));
        var h2 = new H2Peer(peer);
        h2.Send(Frame.Settings, 0, 0, default);
        h2.Send(Frame.Settings, 1, 0, default);
        return h2;
    }

    private static void Answer(H2Peer h2, int stream, string body)
    {
        h2.Send(Frame.Headers, 4, stream, H2Peer.Block((":status", "200"), ("content-length", body.Length.ToString())));
        h2.Send(Frame.Data, 1, stream, Encoding.ASCII.GetBytes(body));
    }
}

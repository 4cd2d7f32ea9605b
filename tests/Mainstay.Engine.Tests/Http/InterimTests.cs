using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>1xx responses, early responses and Upgrade tunnels.</summary>
public sealed class InterimTests
{
    private const string Expecting = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

    [Fact]
    public async Task Continue_ComesFromTheServerAndThenTheBodyGoes()
    {
        using var server = new ScriptedServer(peer =>
        {
            Message head = peer.ReadRequestHead();
            Assert.Equal("100-continue", head["Expect"]);
            peer.Send("HTTP/1.1 100 Continue\r\n\r\n");
            string body = System.Text.Encoding.Latin1.GetString(peer.ReadExactly(5));
            peer.Send(ScriptedServer.Ok(body));
            peer.ReadToEnd();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send(Expecting);
        Assert.Equal(100, client.ReadResponse().Status);
        client.Send("hello");
        Message response = client.ReadResponse();
        Assert.Equal(("hello", null), (response.Text, response["Connection"]));
    }

    /// <summary>A client that saw no "close" would send its next request, which a lingering close throws away.</summary>
    [Theory]
    [InlineData("417 Expectation Failed")]
    [InlineData("413 Content Too Large")]
    [InlineData("200 OK")]
    public async Task ExpectingClient_AnsweredWithoutContinue_IsToldThatTheConnectionCloses(string status)
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequestHead();
            peer.Send($"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno");
            peer.ReadToEnd();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send(Expecting);
        Message response = client.ReadResponse();
        Assert.Equal(($"HTTP/1.1 {status}", "no", "close"), (response.StartLine, response.Text, response["Connection"]));
        Assert.Empty(client.ReadToEnd());
    }

    [Fact]
    public async Task EarlyHints_GoToTheClientBeforeTheResponse()
    {
        using ScriptedServer server = ScriptedServer.Answering(_ => "HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </b.css>\r\n\r\n" + ScriptedServer.Ok("done"));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("</a.css>", client.ReadResponse()["Link"]);
        Assert.Equal("</b.css>", client.ReadResponse()["Link"]);
        Assert.Equal("done", client.ReadResponse().Text);
        Assert.Equal("done", bench.Ask("GET / HTTP/1.0\r\n\r\n").Text);
    }

    [Fact]
    public async Task ManyInterimResponses_AreRefused()
    {
        using ScriptedServer server = ScriptedServer.Answering(_ => string.Concat(Enumerable.Repeat("HTTP/1.1 102 Processing\r\n\r\n", 10_000)));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Message response;
        do response = client.ReadResponse();
        while (response.Status == 102);
        Assert.Equal(502, response.Status);
    }

    [Fact]
    public async Task EarlyResponse_ToALargeUpload_ReachesTheClientThatStillSends()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequestHead();
            peer.Send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 5\r\nConnection: close\r\n\r\nlarge");
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        for (int i = 0; i < 20; i++)
        {
            using RawPeer client = bench.Connect();
            client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n" + new string('x', 500_000));
            Message response = client.ReadResponse();
            Assert.Equal((413, "large"), (response.Status, response.Text));
        }
    }

    [Fact]
    public async Task RequestBody_GoesOnWhileTheResponseRuns()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequestHead();
            peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
            for (int i = 0; i < 5000; i++) peer.Send(peer.ReadExactly(1));
            peer.ReadToEnd();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n");
        byte[] echoed = new byte[5000];
        Message? response = null;
        var reading = Task.Run(() => response = client.ReadResponse());
        for (int i = 0; i < 5000; i++) client.Send([(byte)i]);
        await reading;
        Assert.Equal(Enumerable.Range(0, 5000).Select(i => (byte)i), response!.Body);
    }

    [Fact]
    public async Task Upgrade_BytesFlowBothWaysUntilBothSidesHaveEnded()
    {
        using ScriptedServer server = Echo(first: "welcome");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();

        // "ahead" is sent before the 101 has come.
        client.Send("GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nahead");
        Message response = client.ReadResponse();
        Assert.Equal((101, "websocket", "upgrade"), (response.Status, response["Upgrade"], response["Connection"]));
        Assert.Equal("welcomeahead", System.Text.Encoding.Latin1.GetString(client.ReadExactly(12)));
        for (int i = 0; i < 100; i++)
        {
            client.Send($"ping{i:000}");
            Assert.Equal($"ping{i:000}", System.Text.Encoding.Latin1.GetString(client.ReadExactly(7)));
        }

        client.HalfClose();
        Assert.Equal("bye", System.Text.Encoding.Latin1.GetString(client.ReadToEnd()));
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.Completed) == 1, "the tunnel did not end well");
    }

    /// <summary>When both directions are shut, epoll says EPOLLHUP with the client's last bytes still unread.</summary>
    [Fact]
    public async Task Tunnel_ServerEndsFirst_StillGetsTheClientsLastBytes()
    {
        string? last = null;
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
            peer.HalfClose();
            last = System.Text.Encoding.Latin1.GetString(peer.ReadToEnd());
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using (RawPeer client = bench.Connect())
        {
            client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
            Assert.Equal(101, client.ReadResponse().Status);
            Assert.Empty(client.ReadToEnd());
            using (bench.Hold())
            {
                client.Send("last words");
                client.HalfClose();
            }

            bench.Settle();
        }

        ProxyBench.Until(() => last is not null, "the server's side did not end");
        Assert.Equal("last words", last);
    }

    [Fact]
    public async Task Tunnel_OneSideResets_TheOtherIsClosed()
    {
        using ScriptedServer server = Echo(first: "");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        Assert.Equal(101, client.ReadResponse().Status);
        client.HalfClose();
        client.Reset();
        ProxyBench.Until(() => bench.Plane.Http[0].Open == 0, "the tunnel stayed open");
    }

    [Fact]
    public async Task Upgrade_RefusedByTheServer_IsAnOrdinaryResponse()
    {
        using ScriptedServer server = ScriptedServer.Saying("no");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal("no", client.ReadResponse().Text);
        Assert.Equal("no", client.ReadResponse().Text);
    }

    private static ScriptedServer Echo(string first) => new(peer =>
    {
        peer.ReadRequest();
        peer.Send($"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n{first}");
        while (peer.ReadSome() is { Length: > 0 } bytes) peer.Send(bytes);
        peer.Send("bye");
    });
}

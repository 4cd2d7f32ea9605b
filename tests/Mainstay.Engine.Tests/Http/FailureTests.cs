using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Engine.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Servers and clients that break off in every phase: what is tried again, and what the other side sees.</summary>
public sealed class FailureTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    private const string Post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody";

    [Theory]
    [InlineData(Get)]
    [InlineData(Post)]
    public async Task ConnectionRefused_AnotherServerIsTried(string request)
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        Endpoint dead = ScriptedServer.Closed();
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(dead, server.Address));
        for (int i = 0; i < 6; i++) Assert.Equal("alive", bench.Ask(request).Text);
    }

    [Fact]
    public async Task AllConnectionsRefused_IsBadGateway()
    {
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(ScriptedServer.Closed(), ScriptedServer.Closed()));
        Assert.Equal(502, bench.Get().Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ConnectRefused) == 1, "not told why");
    }

    [Fact]
    public async Task NameThatIsNotResolved_IsBadGateway()
    {
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(Endpoint.Name("nowhere.invalid", 80)));
        Assert.Equal(502, bench.Get().Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.NameNotResolved) == 1, "not told why");
    }

    [Fact]
    public async Task NoServerEligible_IsServiceUnavailable()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        bench.Registry.Availability[bench.Pools[0].Servers[0].Slot] = new Availability(ServerState.Down, 1);
        bench.Publish();
        Assert.Equal(503, bench.Get().Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.NoServer) == 1, "not told why");
    }

    [Theory]
    [InlineData("GET", true)]
    [InlineData("PUT", true)]
    [InlineData("POST", false)]
    [InlineData("PATCH", false)]
    public async Task KeptConnectionDiesUnderARequest_OnlyIdempotentOnesAreSentAgain(string method, bool isSentAgain)
    {
        int received = 0;
        using var server = new ScriptedServer(peer =>
        {
            // One request for each connection, although it seems to stay; the second one finds it closed.
            peer.ReadRequest();
            peer.Send(ScriptedServer.Ok("first"));
            if (peer.ReadRequest() is not null) Interlocked.Increment(ref received);
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Assert.Equal("first", bench.Get().Text);
        Message response = bench.Ask($"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        Assert.Equal(isSentAgain ? 200 : 502, response.Status);
        Assert.Equal(1, received);
    }

    /// <summary>Nothing was sent, so even a POST goes to another connection; once its body was then waited for in vain.</summary>
    [Fact]
    public async Task KeptConnectionIsResetBeforeAnythingIsSent_UploadGoesOnOverANewOne()
    {
        using var mayReset = new SemaphoreSlim(0);
        using var isReset = new SemaphoreSlim(0);
        int connections = 0;
        using var server = new ScriptedServer(peer =>
        {
            bool isFirst = Interlocked.Increment(ref connections) == 1;
            peer.ReadRequest();
            peer.Send(ScriptedServer.Ok("done"));
            if (!isFirst) return;
            mayReset.Wait();
            peer.Reset();
            isReset.Release();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Assert.Equal("done", bench.Get().Text);
        using RawPeer client = bench.Connect();
        bench.Settle();
        using (bench.Hold())
        {
            // The shard learns of the request first and of the reset when it sends.
            client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nbody");
            mayReset.Release();
            Assert.True(await isReset.WaitAsync(TimeSpan.FromSeconds(30)));
        }

        bench.Settle();
        client.Send("rest");
        Assert.Equal("done", client.ReadResponse().Text);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nonly this", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n", false)]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n0\r\n", true)]
    public async Task ServerDiesInTheBody_ClientSeesATruncatedResponse(string part, bool byReset)
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send(part);
            if (byReset) peer.Reset();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send(Get);
        Assert.ThrowsAny<Exception>(() => client.ReadResponse());
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ServerClosed) + bench.Outcomes(OutcomeCause.ServerReset) == 1, "not the server's fault");
    }

    [Theory]
    [InlineData("1.1", "HTTP/1.1 200 OK\r\n\r\nonly this")]
    [InlineData("1.0", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nonly\r\n")]
    public async Task ServerDiesInABodyThatEndsWithTheConnection_ClientSeesAReset(string version, string part)
    {
        using var gate = new SemaphoreSlim(0);
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send(part);
            gate.Wait();
            peer.Reset();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send($"GET / HTTP/{version}\r\nHost: a\r\n\r\n");
        client.ReadLine();
        gate.Release();
        Assert.True(client.ReadToAnyEnd().WasReset);
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 O")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    public async Task ServerDiesBeforeItsResponseHasBegun_IsBadGateway(string part)
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send(part);
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send(Post);
        Message response = client.ReadResponse();
        if (response.Status == 100) response = client.ReadResponse();
        Assert.Equal(502, response.Status);
        Assert.Equal(1, server.Connections);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")]
    [InlineData("HELLO\r\n\r\n")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n")]
    [InlineData("\r\n\r\n\r\n")]
    public async Task ServerBreaksTheProtocol_IsBadGateway(string answer)
    {
        using ScriptedServer server = ScriptedServer.Answering(_ => answer);
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Assert.Equal(502, bench.Get().Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ServerRejected) == 1, "not the server's fault");
    }

    /// <summary>It comes with the event that says the connection stands: nothing announces it again.</summary>
    [Fact]
    public async Task ServerSpeaksBeforeItIsAsked_ItsResponseIsNotMissed()
    {
        int spoken = 0;
        using var server = new ScriptedServer(peer =>
        {
            peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nearly");
            Interlocked.Increment(ref spoken);
            peer.ReadToEnd();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        for (int i = 0; i < 20; i++)
        {
            using RawPeer client = bench.Connect();
            bench.Settle();
            using (bench.Hold())
            {
                // The next turn begins to connect, then stops at the second hold until the server has spoken.
                client.Send(Get);
                bench.HoldLater(() => ProxyBench.Until(() => Volatile.Read(ref spoken) == i + 1, "the server does not speak"));
            }

            Assert.Equal("early", client.ReadResponse().Text);
        }
    }

    [Fact]
    public async Task IdleConnection_OnWhichTheServerSpeaks_IsNotUsedAgain()
    {
        ProxyBench? running = null;
        using var isGone = new SemaphoreSlim(0);
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send(ScriptedServer.Ok("right"));
            running!.Settle();
            peer.Send("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
            peer.ReadToAnyEnd();
            isGone.Release();
        });
        await using ProxyBench bench = running = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal("right", bench.Get().Text);
            Assert.True(await isGone.WaitAsync(TimeSpan.FromSeconds(30)), "the connection is kept");
        }
    }

    [Fact]
    public async Task BytesBehindAResponse_AreNotTakenForTheNextOne()
    {
        using ScriptedServer server = ScriptedServer.Answering(
            request => ScriptedServer.Ok("right") + (request.StartLine.Contains("/extra", StringComparison.Ordinal) ? ScriptedServer.Ok("x") : ""));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        for (int i = 0; i < 20; i++)
        {
            Assert.Equal("right", bench.Get("/extra").Text);
            Assert.Equal("right", bench.Get().Text);
        }
    }

    /// <summary>A receive that fills the buffer exactly leaves open whether there is more; that was taken for the next response.</summary>
    [Fact]
    public async Task BytesBehindAResponseThatFillsTheBuffer_AreNotTakenForTheNextOne()
    {
        using var mayAnswer = new SemaphoreSlim(0);
        using var hasAnswered = new SemaphoreSlim(0);
        using var server = new ScriptedServer(peer =>
        {
            while (peer.ReadRequest() is { } request)
            {
                switch (request.StartLine.Split(' ')[1])
                {
                    case "/large":
                        peer.Send(ScriptedServer.Ok(new string('l', 30_000_000)));
                        break;
                    case "/extra":
                        mayAnswer.Wait();
                        string head = "HTTP/1.1 200 OK\r\nContent-Length: 000000\r\n\r\n";
                        int length = HttpShard.ReceiveSize - head.Length;
                        head = head.Replace("000000", $"{length:000000}", StringComparison.Ordinal);
                        peer.Send(head + new string('r', length) + ScriptedServer.Ok("wrong"));
                        hasAnswered.Release();
                        break;
                    default:
                        peer.Send(ScriptedServer.Ok("right"));
                        break;
                }
            }
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();

        // Makes the kernel's buffers large enough to take the next response whole.
        client.Send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        client.ReadResponse();
        client.Send("GET /extra HTTP/1.1\r\nHost: a\r\n\r\n");
        bench.Settle();
        using (bench.Hold())
        {
            mayAnswer.Release();
            Assert.True(await hasAnswered.WaitAsync(TimeSpan.FromSeconds(30)));
        }

        Assert.Equal('r', (char)client.ReadResponse().Body[^1]);
        client.Send(Get);
        Assert.Equal("right", client.ReadResponse().Text);
    }

    [Theory]
    [InlineData("GET / HT")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")]
    [InlineData("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha")]
    [InlineData(Get)]
    public async Task ClientResetsInAnyPhase_NothingIsLeft(string part)
    {
        using ScriptedServer server = ScriptedServer.Hanging();
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        for (int i = 0; i < 5; i++)
        {
            RawPeer client = bench.Connect();
            client.Send(part);
            bench.Settle();
            client.Reset();
        }

        ProxyBench.Until(() => bench.Plane.Http[0].Open == 0 && bench.LoadOf(server.Address).InFlight == 0, "something is left");
    }

    [Fact]
    public async Task ServerIsTakenOut_ItsWorkIsCutAndNoOtherIs()
    {
        using ScriptedServer hung = ScriptedServer.Hanging();
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(hung.Address, server.Address));
        using RawPeer first = bench.Connect(), second = bench.Connect();
        first.Send(Post);
        second.Send(Get);
        bench.Settle();
        ProxyBench.Until(() => bench.LoadOf(hung.Address).InFlight > 0, "nothing hangs");
        using RawPeer third = bench.Connect();
        third.Send(Get);
        bench.Settle();
        var runtime = bench.Pools[0].Servers[0];
        bench.Registry.Availability[runtime.Slot] = new Availability(ServerState.Down, 1);
        bench.Publish();
        bench.Plane.OnServerOut(runtime, cutBusy: true);
        int[] statuses = [first.ReadResponse().Status, second.ReadResponse().Status, third.ReadResponse().Status];
        Assert.Equal([503, 200, 503], statuses);
    }

    [Fact]
    public async Task MaxConnections_IsNeverExceededOverShards()
    {
        int now = 0, most = 0;
        using ScriptedServer server = ScriptedServer.Answering(_ =>
        {
            int busy = Interlocked.Increment(ref now);
            for (int seen = most; busy > seen; seen = most) Interlocked.CompareExchange(ref most, busy, seen);
            Thread.Yield();
            Interlocked.Decrement(ref now);
            return ScriptedServer.Ok("hi");
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(BenchConfig.Pool(BenchConfig.Server(server.Address, maxConnections: 3))), shards: 2);
        int good = 0, busy = 0;
        Task[] clients = [.. Enumerable.Range(0, 12).Select(_ => Task.Factory.StartNew(
            () =>
            {
                using RawPeer client = bench.Connect();
                for (int i = 0; i < 200; i++)
                {
                    client.Send(Get);
                    Message response = client.ReadResponse();
                    Interlocked.Increment(ref response.Status == 200 ? ref good : ref busy);
                    if (response.Status == 200) continue;
                    Assert.Equal(503, response.Status);
                    return;
                }
            },
            TaskCreationOptions.LongRunning))];
        await Task.WhenAll(clients);
        Assert.InRange(most, 1, 3);
        Assert.True(good >= 200, $"{good} answered, {busy} refused");
    }
}

using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Protection;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.Protect;

/// <summary>Limits, lists and bans as clients meet them. Rates are so slow that no test's time gives a token back.</summary>
public sealed class LimitTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    private static readonly ImmutableArray<LimitKey> s_byAddress = [new LimitKey(HashSource.Address, "")];

    [Fact]
    public async Task Requests_BeyondTheBurst_AreTooManyAndTheConnectionStays()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, new ProtectSnapshot { RateLimits = [Limit("api", 3, s_byAddress) with { Announce = true }] });
        using RawPeer client = bench.Connect();
        for (int i = 0; i < 3; i++) Assert.Equal(200, Ask(client).Status);
        Message refused = Ask(client);
        Assert.Equal(429, refused.Status);
        Assert.InRange(int.Parse(refused["Retry-After"]!), 1, 3600);
        Assert.Equal(("3", "0"), (refused["RateLimit-Limit"], refused["RateLimit-Remaining"]));
        Assert.InRange(int.Parse(refused["RateLimit-Reset"]!), 3600, 3 * 3600);
        Assert.Null(refused["Connection"]);
        Assert.Equal(429, Ask(client).Status);
        Assert.Equal(3, server.Requests.Count);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.RateLimited) == 2, "not counted");
    }

    [Fact]
    public async Task Requests_OfSeveralShards_CountTogetherExactly()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(BenchConfig.Pool(server.Address), BenchConfig.Service() with { Protect = new ProtectSnapshot { RateLimits = [Limit("api", 50, s_byAddress)] } }),
            shards: 2);
        int passed = 0;
        Parallel.For(0, 100, _ => Interlocked.Add(ref passed, bench.Get().Status == 200 ? 1 : 0));
        Assert.Equal(50, passed);
    }

    [Fact]
    public async Task Requests_OfAnotherAddressOrAnExemptOne_AreNotLimited()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(
            server, new ProtectSnapshot { RateLimits = [Limit("api", 1, s_byAddress)], Exempt = [Range("127.0.0.9")] });
        Assert.Equal([200, 429, 429], Enumerable.Range(0, 3).Select(_ => GetFrom(bench, "127.0.0.2").Status));
        Assert.Equal([200, 429], Enumerable.Range(0, 2).Select(_ => GetFrom(bench, "127.0.0.3").Status));
        Assert.Equal([200, 200, 200], Enumerable.Range(0, 3).Select(_ => GetFrom(bench, "127.0.0.9").Status));
    }

    [Fact]
    public async Task Requests_ByHeaderAndAddress_AreToldApartByBoth()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        ImmutableArray<LimitKey> by = [new LimitKey(HashSource.Header, "X-Key"), new LimitKey(HashSource.Address, "")];
        await using ProxyBench bench = await Start(server, new ProtectSnapshot { RateLimits = [Limit("api", 1, by)] });
        Assert.Equal(200, With("a", "127.0.0.2"));
        Assert.Equal(429, With("a", "127.0.0.2"));
        Assert.Equal(200, With("b", "127.0.0.2"));
        Assert.Equal(200, With("a", "127.0.0.3"));

        int With(string key, string from) => GetFrom(bench, from, $"GET / HTTP/1.1\r\nHost: a\r\nX-Key: {key}\r\nConnection: close\r\n\r\n").Status;
    }

    [Fact]
    public async Task Requests_ThroughATrustedProxy_CountForTheClientThatItNames()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        HttpSnapshot service = BenchConfig.Service() with
        {
            Forwarded = new ForwardedSnapshot([Range("127.0.0.1"), Range("10.0.0.0/8")]),
            Protect = new ProtectSnapshot { RateLimits = [Limit("api", 1, s_byAddress)] },
        };
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(BenchConfig.Pool(server.Address), service));
        Assert.Equal(200, Through("192.0.2.1"));
        Assert.Equal(429, Through("192.0.2.1"));
        Assert.Equal(200, Through("192.0.2.2"));

        // What stands in front of the first untrusted address may be invented; another trusted proxy is passed over.
        Assert.Equal(429, Through("198.51.100.1, 192.0.2.1"));
        Assert.Equal(429, Through("192.0.2.1, 10.1.2.3"));
        Assert.Equal(429, Through("192.0.2.1:4711"));
        Assert.Equal(200, Through("nonsense"));
        Assert.Equal(429, GetFrom(bench, "127.0.0.1").Status);

        int Through(string forwarded) => bench.Ask($"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {forwarded}\r\nConnection: close\r\n\r\n").Status;
    }

    [Fact]
    public async Task Requests_DryRun_AreOnlyCounted()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, new ProtectSnapshot { RateLimits = [Limit("api", 1, s_byAddress) with { DryRun = true }] });
        for (int i = 0; i < 4; i++) Assert.Equal(200, bench.Get().Status);
        Assert.Equal(3, bench.Plane.Current!.Services[0].Guard.Limited[0].State.Refused);
    }

    [Fact]
    public async Task Requests_OfARoute_AreLimitedThereOnly()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        HttpSnapshot service = BenchConfig.Service(
            BenchConfig.Route(new RouteAction.ToPool("app"), new RouteMatch { Path = [new PathPattern(PatternKind.SegmentPrefix, "/login")] }, "login")
                with
            { RateLimits = [Limit("tries", 1, s_byAddress)] },
            BenchConfig.Route(new RouteAction.ToPool("app"), name: "rest"));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(BenchConfig.Pool(server.Address), service));
        Assert.Equal([200, 429, 429], new[] { "/login", "/login", "/x/../login/y" }.Select(path => bench.Get(path).Status));
        Assert.Equal([200, 200], new[] { "/", "/other" }.Select(path => bench.Get(path).Status));
    }

    [Fact]
    public async Task Requests_RefusedWithABodyOnItsWay_AnswerIsSeenAndTheConnectionEnds()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, new ProtectSnapshot { RateLimits = [Limit("api", 1, s_byAddress)] });
        Assert.Equal(200, bench.Get().Status);
        using RawPeer client = bench.Connect();
        client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nsome");
        Message refused = client.ReadResponse();
        Assert.Equal((429, "close"), (refused.Status, refused["Connection"]));
        client.Send(new byte[50_000]);
        Assert.Empty(client.ReadToAnyEnd().Bytes);
    }

    [Fact]
    public async Task Requests_Pipelined_EachIsAnsweredInOrder()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, new ProtectSnapshot { RateLimits = [Limit("api", 2, s_byAddress)] });
        using RawPeer client = bench.Connect();
        client.Send(string.Concat(Enumerable.Repeat(Get, 5)));
        Assert.Equal([200, 200, 429, 429, 429], Enumerable.Range(0, 5).Select(_ => client.ReadResponse().Status));
    }

    [Fact]
    public async Task Requests_AfterAReload_HaveNotForgottenWhatWasUsed()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        var protect = new ProtectSnapshot { RateLimits = [Limit("api", 2, s_byAddress)] };
        await using ProxyBench bench = await Start(server, protect);
        Assert.Equal([200, 200, 429], Enumerable.Range(0, 3).Select(_ => bench.Get().Status));
        await bench.ApplyAsync(BenchConfig.Of(BenchConfig.Pool(server.Address), BenchConfig.Service() with { Protect = protect with { ConnectionsPerAddress = 100 } }));
        Assert.Equal(429, bench.Get().Status);
        await bench.ApplyAsync(BenchConfig.Of(server.Address));
        Assert.Equal(200, bench.Get().Status);
    }

    [Fact]
    public async Task Connections_BeyondTheRate_AreReset()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(
            server, new ProtectSnapshot { RateLimits = [Limit("conn", 2, s_byAddress) with { Unit = LimitUnit.Connections }] });
        Assert.Equal(200, GetFrom(bench, "127.0.0.2").Status);
        Assert.Equal(200, GetFrom(bench, "127.0.0.2").Status);
        Assert.True(IsTurnedAway(bench, "127.0.0.2"));
        Assert.Equal(200, GetFrom(bench, "127.0.0.3").Status);
        Assert.Equal(1, TurnedAway(bench, Admission.TooFast));
    }

    [Fact]
    public async Task ConnectionsPerAddress_FurtherOnes_AreResetUntilOneEnds()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, new ProtectSnapshot { ConnectionsPerAddress = 2 });
        using RawPeer first = ConnectFrom(bench, "127.0.0.2"), second = ConnectFrom(bench, "127.0.0.2");
        Assert.Equal((200, 200), (Ask(first).Status, Ask(second).Status));
        Assert.True(IsTurnedAway(bench, "127.0.0.2"));
        Assert.Equal(200, GetFrom(bench, "127.0.0.3").Status);
        first.Dispose();
        ProxyBench.Until(() => bench.Plane.Http.Sum(http => http.Open) == 1, "not closed");
        Assert.Equal(200, GetFrom(bench, "127.0.0.2").Status);
        Assert.Equal(200, Ask(second).Status);
    }

    [Fact]
    public async Task Access_OfTheMostSpecificRange_Decides()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(
            server, new ProtectSnapshot { Access = new AccessSnapshot([Range("127.0.0.0/29")], [Range("127.0.0.4/31")], Others: false) });
        Assert.Equal(200, GetFrom(bench, "127.0.0.1").Status);
        Assert.True(IsTurnedAway(bench, "127.0.0.5"));
        Assert.True(IsTurnedAway(bench, "127.0.0.8"));
        Assert.Equal(2, TurnedAway(bench, Admission.Denied));
    }

    [Fact]
    public async Task Detector_AddressThatAsksTooMuch_IsBannedAndOthersAreNot()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        var announced = new List<Ban>();
        await using ProxyBench bench = await Start(server, new ProtectSnapshot { Detector = Detector(5) });
        using RawPeer client = ConnectFrom(bench, "127.0.0.2");
        using RawPeer idle = ConnectFrom(bench, "127.0.0.2");
        for (int i = 0; i < 4; i++) Assert.Equal(200, Ask(client).Status);
        client.Send(Get);
        Assert.Equal((0, true), Lost(client));
        Assert.True(IsTurnedAway(bench, "127.0.0.2"));
        idle.Send(Get);
        Assert.Equal((0, true), Lost(idle));
        Assert.Equal(200, GetFrom(bench, "127.0.0.3").Status);
        Ban ban = Assert.Single(bench.Protection.Bans.All());
        Assert.Equal(("127.0.0.2", "web", 1), (ban.Range.ToString(), ban.By, ban.Strikes));
        Assert.Equal(1, TurnedAway(bench, Admission.Banned));
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.Banned) == 2, "not counted");
    }

    [Theory]
    [InlineData(BanAction.Forbidden, 403)]
    [InlineData(BanAction.TooManyRequests, 429)]
    public async Task Detector_ActionThatAnswers_TellsAndCloses(BanAction action, int status)
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        DetectorSnapshot detector = Detector(2);
        await using ProxyBench bench = await Start(server, new ProtectSnapshot { Detector = detector with { Ban = detector.Ban with { Action = action } } });
        Assert.Equal(200, GetFrom(bench, "127.0.0.2").Status);
        for (int i = 0; i < 2; i++)
        {
            Message refused = GetFrom(bench, "127.0.0.2", Get);
            Assert.Equal((status, "close"), (refused.Status, refused["Connection"]));
            Assert.Equal(status == 429, refused["Retry-After"] is not null);
        }
    }

    [Fact]
    public async Task Detector_WeightsAndStatuses_SayWhatCounts()
    {
        using ScriptedServer server = ScriptedServer.Answering(
            request => request.StartLine.Contains("/wrong") ? "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n" : ScriptedServer.Ok("alive"));
        await using ProxyBench bench = await Start(server, new ProtectSnapshot
        {
            Detector = Detector(10) with
            {
                Weights = [new PathWeight([new PathPattern(PatternKind.SegmentPrefix, "/images/")], 0), new PathWeight([new PathPattern(PatternKind.Regex, "\\.php$")], 4)],
                Statuses = [new StatusWeight([(401, 401)], 5)],
            },
        });
        for (int i = 0; i < 20; i++) Assert.Equal(200, Path("/images/a.png", "127.0.0.2").Status);
        Assert.Equal(200, Path("/a.php", "127.0.0.2").Status);
        Assert.Equal(200, Path("/b.php", "127.0.0.2").Status);
        Assert.Equal(401, Path("/wrong", "127.0.0.3").Status);
        Assert.False(bench.Protection.Bans.TryFind(Address("127.0.0.3"), Now, out _));
        Assert.Equal(401, Path("/wrong", "127.0.0.3").Status);
        ProxyBench.Until(() => bench.Protection.Bans.TryFind(Address("127.0.0.3"), Now, out _), "not banned");
        Assert.False(bench.Protection.Bans.TryFind(Address("127.0.0.2"), Now, out _));

        Message Path(string path, string from) => GetFrom(bench, from, $"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    }

    [Fact]
    public async Task Detector_DryRun_BansNobody()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, new ProtectSnapshot { Detector = Detector(3) with { DryRun = true } });
        for (int i = 0; i < 9; i++) Assert.Equal(200, bench.Get().Status);
        Assert.Equal(3, bench.Plane.Current!.Services[0].Guard.Detector!.Detected);
        Assert.True(bench.Protection.Bans.IsEmpty);
    }

    [Fact]
    public async Task Ban_ByHandOfTarpit_HoldsTheConnectionWithoutAnAnswer()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, ProtectSnapshot.None);
        bench.Protection.Bans.AddManual(Range("127.0.0.2"), BanAction.Tarpit, null, "", Now);
        using RawPeer held = ConnectFrom(bench, "127.0.0.2");
        held.Send(Get);
        ProxyBench.Until(() => TurnedAway(bench, Admission.Tarpitted) == 1, "not held");
        Assert.Equal(200, GetFrom(bench, "127.0.0.3").Status);
        Assert.False(held.Socket.Poll(50_000, SelectMode.SelectRead));
        await bench.DrainAsync(TimeSpan.Zero);
        Assert.Equal((0, true), Lost(held));
    }

    [Fact]
    public async Task Ban_RemovedByHand_LetsTheAddressInAgain()
    {
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await Start(server, ProtectSnapshot.None);
        using RawPeer open = ConnectFrom(bench, "127.0.0.2");
        Assert.Equal(200, Ask(open).Status);
        bench.Protection.Bans.AddManual(Range("127.0.0.0/29"), BanAction.Reset, null, "", Now);
        open.Send(Get);
        Assert.Equal((0, true), Lost(open));
        Assert.True(IsTurnedAway(bench, "127.0.0.2"));
        Assert.Equal(1, bench.Protection.Bans.Remove(Range("127.0.0.0/29"), Now));
        Assert.Equal(200, GetFrom(bench, "127.0.0.2").Status);
    }

    private static long Now => DateTimeOffset.UtcNow.ToUnixTimeSeconds();

    private static Task<ProxyBench> Start(ScriptedServer server, ProtectSnapshot protect) => ProxyBench.StartAsync(
        BenchConfig.Of(BenchConfig.Pool(server.Address), BenchConfig.Service() with { Protect = protect }));

    private static RateLimitSnapshot Limit(string name, long burst, ImmutableArray<LimitKey> by) =>
        new(name, LimitUnit.Requests, new Rate(1, TimeSpan.FromHours(1), burst), by, Announce: false, DryRun: false, Keys: 1000);

    private static DetectorSnapshot Detector(int threshold) => new(
        threshold, TimeSpan.FromHours(1), [], [],
        new BanTerms(TimeSpan.FromHours(1), 2, TimeSpan.FromHours(4), TimeSpan.FromHours(1), BanAction.Reset), DryRun: false, Keys: 1000);

    private static Message Ask(RawPeer client)
    {
        client.Send(Get);
        return client.ReadResponse();
    }

    private static RawPeer ConnectFrom(ProxyBench bench, string address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        socket.Connect(IPAddress.Loopback, bench.Port);
        return new RawPeer(socket);
    }

    private static Message GetFrom(ProxyBench bench, string address, string request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    {
        using RawPeer client = ConnectFrom(bench, address);
        client.Send(request);
        return client.ReadResponse();
    }

    /// <summary>The reset may come before or after what is sent.</summary>
    private static bool IsTurnedAway(ProxyBench bench, string address)
    {
        using RawPeer client = ConnectFrom(bench, address);
        try
        {
            client.Send(Get);
        }
        catch (SocketException)
        {
            return true;
        }

        return Lost(client) == (0, true);
    }

    private static (int Bytes, bool WasReset) Lost(RawPeer client)
    {
        (byte[] bytes, bool wasReset) = client.ReadToAnyEnd();
        return (bytes.Length, wasReset);
    }

    private static long TurnedAway(ProxyBench bench, Admission admission) =>
        bench.Plane.Http.Sum(http => Volatile.Read(ref http.Services[0].TurnedAway[(int)admission]));

    private static NetAddress Address(string text) => NetAddress.TryParse(text, out NetAddress address) ? address : throw new FormatException();

    private static AddressRange Range(string text) => AddressRange.TryParse(text, out AddressRange range) ? range : throw new FormatException();
}

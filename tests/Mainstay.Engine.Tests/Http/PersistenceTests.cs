using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Clients that stay with their server.</summary>
public sealed class PersistenceTests : IDisposable
{
    private readonly ScriptedServer[] _servers = [.. Enumerable.Range(0, 3).Select(number => ScriptedServer.Answering(request => Answer(request, number)))];

    public void Dispose()
    {
        foreach (ScriptedServer server in _servers) server.Dispose();
    }

    [Fact]
    public async Task InsertedCookie_EveryRequest_GoesToTheSameServerAndHidesItself()
    {
        await using ProxyBench bench = await ProxyBench.StartAsync(Snapshot(CookieMode.Insert), shards: 2);
        for (int client = 0; client < 6; client++)
        {
            Message first = Get(bench);
            string cookie = CookieOf(first)!;
            for (int i = 0; i < 5; i++)
            {
                Message next = Get(bench, $"lang=ko; {cookie}");
                Assert.Equal(first.Text.Split(' ')[0], next.Text.Split(' ')[0]);
                Assert.EndsWith("lang=ko", next.Text);
                Assert.Null(CookieOf(next));
            }
        }
    }

    [Fact]
    public async Task InsertedCookie_ServerRefusesConnections_ClientMovesAndIsToldSo()
    {
        await using ProxyBench bench = await ProxyBench.StartAsync(
            Snapshot(CookieMode.Insert).WithUpstream(upstream => upstream with { KeepAlive = TimeSpan.Zero }));
        Message first = Get(bench);
        _servers[int.Parse(first.Text[..1])].Dispose();
        Message moved = Get(bench, CookieOf(first));
        Assert.Equal(200, moved.Status);
        Assert.NotEqual(first.Text[0], moved.Text[0]);
        Assert.NotNull(CookieOf(moved));
        Assert.Equal(moved.Text[0], Get(bench, CookieOf(moved)).Text[0]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DrainedServer_ItsClients_MoveOrStayAsConfigured(bool stays)
    {
        await using ProxyBench bench = await ProxyBench.StartAsync(Snapshot(CookieMode.Insert, persist => persist with { StayWhileDraining = stays }));
        Message first = Get(bench);
        ServerRuntime server = bench.Pools[0].Servers[int.Parse(first.Text[..1])];
        bench.Registry.Availability[server.Slot] = new Availability(ServerState.Draining, 1);
        bench.Publish();
        Assert.Equal(stays, first.Text[0] == Get(bench, CookieOf(first)).Text[0]);
        Assert.All(Enumerable.Range(0, 6), _ => Assert.NotEqual(first.Text[0], Get(bench).Text[0]));
    }

    [Fact]
    public async Task LearnedCookie_AfterAReloadThatAddsAServer_LeadsToTheSameServer()
    {
        Snapshot snapshot = Snapshot(CookieMode.Learn);
        await using ProxyBench bench = await ProxyBench.StartAsync(snapshot, shards: 2);
        Message first = Get(bench);
        PoolSnapshot pool = snapshot.Pools[0];
        await bench.ApplyAsync(snapshot with { Pools = [pool with { Servers = [BenchConfig.Server(ScriptedServer.Closed()), .. pool.Servers] }] });
        for (int i = 0; i < 8; i++) Assert.Equal(first.Text[0], Get(bench, $"app=session-{first.Text[0]}").Text[0]);
    }

    [Fact]
    public async Task Source_EveryRequest_GoesToTheSameServer()
    {
        await using ProxyBench bench = await ProxyBench.StartAsync(
            Snapshot(new PersistenceSnapshot { Source = true, Timeout = TimeSpan.FromMinutes(1), Entries = 1000 }), shards: 2);
        char server = Get(bench).Text[0];
        Assert.All(Enumerable.Range(0, 10), _ => Assert.Equal(server, Get(bench).Text[0]));
    }

    private static string Answer(Message request, int number)
    {
        string? cookies = request["Cookie"];
        string body = $"{number} {cookies}";
        return $"HTTP/1.1 200 OK\r\nSet-Cookie: app=session-{number}; Path=/\r\nContent-Length: {body.Length}\r\n\r\n{body}";
    }

    private static Message Get(ProxyBench bench, string? cookie = null) =>
        bench.Ask($"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{(cookie is null ? "" : $"Cookie: {cookie}\r\n")}\r\n");

    private static string? CookieOf(Message response) =>
        response.Fields.FirstOrDefault(field => field.Name == "Set-Cookie" && field.Value.StartsWith("SRV=", StringComparison.Ordinal)).Value?.Split(';')[0];

    private Snapshot Snapshot(CookieMode mode, Func<PersistenceSnapshot, PersistenceSnapshot>? change = null)
    {
        var persist = new PersistenceSnapshot
        {
            Cookie = new CookieSnapshot(
                mode == CookieMode.Insert ? "SRV" : "app", mode, "/", "", Secure: false, HttpOnly: true, SameSite.Lax, TimeSpan.Zero, Hide: true),
            Timeout = TimeSpan.FromMinutes(1),
            Entries = 1000,
        };
        return Snapshot(change is null ? persist : change(persist));
    }

    private Snapshot Snapshot(PersistenceSnapshot persist) =>
        BenchConfig.Of(BenchConfig.Pool([.. _servers.Select(server => server.Address)]) with { Persist = persist });
}

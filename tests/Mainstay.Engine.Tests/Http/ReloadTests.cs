using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Reload and drain while clients are at work.</summary>
public sealed class ReloadTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    [Fact]
    public async Task Reloads_UnderLoad_LoseNoRequestAndKeepTheCounters()
    {
        using ScriptedServer one = ScriptedServer.Saying("1"), two = ScriptedServer.Saying("2"), three = ScriptedServer.Saying("3");
        Snapshot[] snapshots = [BenchConfig.Of(one.Address, two.Address), BenchConfig.Of(two.Address, three.Address), BenchConfig.Of(three.Address)];
        await using ProxyBench bench = await ProxyBench.StartAsync(snapshots[0], shards: 2);
        long asked = 0;
        bool isOver = false;
        Task[] clients = [.. Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(
            () =>
            {
                while (!Volatile.Read(ref isOver))
                {
                    using RawPeer client = bench.Connect();
                    for (int i = 0; i < 20; i++)
                    {
                        client.Send(Get);
                        Assert.Equal(200, client.ReadResponse().Status);
                        Interlocked.Increment(ref asked);
                    }
                }
            },
            TaskCreationOptions.LongRunning))];
        for (int i = 1; i <= 60; i++)
        {
            long before = Volatile.Read(ref asked);
            await bench.ApplyAsync(snapshots[i % snapshots.Length]);
            ProxyBench.Until(() => Volatile.Read(ref asked) > before + 10 || clients.Any(client => client.IsFaulted), "no progress");
        }

        Volatile.Write(ref isOver, true);
        await Task.WhenAll(clients);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.Completed) == asked, "requests were not counted, or twice");
    }

    /// <summary>
    /// The pools' plane has given out no slots and said why; the exception about the missing pool ended the worker.
    /// </summary>
    [Fact]
    public async Task Prepare_WithoutThePoolsOfTheConfiguration_ChangesNothing()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        Snapshot snapshot = BenchConfig.Of(server.Address);
        await using ProxyBench bench = await ProxyBench.StartAsync(snapshot);
        await bench.RefuseAsync(snapshot with { Pools = [.. snapshot.Pools, snapshot.Pools[0] with { Name = "one too many" }] });
        Assert.Equal("hi", bench.Get().Text);
    }

    [Fact]
    public async Task RemovedServer_ItsIdleConnectionsEnd()
    {
        using var ended = new ManualResetEventSlim();
        using var leaving = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send(ScriptedServer.Ok("bye"));
            peer.ReadToEnd();
            ended.Set();
        });
        using ScriptedServer staying = ScriptedServer.Saying("hi");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(leaving.Address));
        Assert.Equal("bye", bench.Get().Text);
        await bench.ApplyAsync(BenchConfig.Of(staying.Address));
        Assert.True(ended.Wait(TimeSpan.FromSeconds(30)));
        Assert.Equal("hi", bench.Get().Text);
    }

    [Fact]
    public async Task RequestUnderWay_OverAReloadThatRemovesItsServer_IsFinished()
    {
        using var gate = new SemaphoreSlim(0);
        using ScriptedServer leaving = ScriptedServer.Answering(_ =>
        {
            gate.Wait();
            return ScriptedServer.Ok("done");
        });
        using ScriptedServer staying = ScriptedServer.Saying("hi");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(leaving.Address));
        using RawPeer client = bench.Connect();
        client.Send(Get);
        ProxyBench.Until(() => leaving.Requests.Count == 1, "the request did not arrive");
        await bench.ApplyAsync(BenchConfig.Of(staying.Address));
        gate.Release();
        Assert.Equal("done", client.ReadResponse().Text);
        client.Send(Get);
        Assert.Equal("hi", client.ReadResponse().Text);
    }

    /// <summary>By then its slot can be another server's, whose counts and state would be taken for its own.</summary>
    [Fact]
    public async Task RequestOlderThanAReload_IsNotTriedOnAServerThatWasRemoved()
    {
        using var full = new FullServer();
        using ScriptedServer removed = ScriptedServer.Saying("removed"), staying = ScriptedServer.Saying("hi");
        PoolSnapshot pool = BenchConfig.Pool(full.Address, removed.Address) with { Balance = new BalanceSnapshot(Algorithm.First) };
        Snapshot first = BenchConfig.Of(pool).WithUpstream(upstream => upstream with { Connect = TimeSpan.FromMilliseconds(300) });
        await using ProxyBench bench = await ProxyBench.StartAsync(first);
        using RawPeer client = bench.Connect();
        bench.Settle();
        Task reload;
        using (bench.Hold())
        {
            // The shard sees the events of a turn before its messages, so the request comes before the new configuration.
            client.Send(Get);
            reload = bench.ApplyAsync(BenchConfig.Of(staying.Address));
            Assert.False(reload.IsCompleted);
        }

        await reload;
        Assert.Equal(504, client.ReadResponse().Status);
        Assert.Empty(removed.Requests);
        Assert.Equal("hi", bench.Get().Text);
    }

    [Fact]
    public async Task ReloadThatFails_LeavesTheOldConfigurationRunning()
    {
        using ScriptedServer server = ScriptedServer.Saying("old");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Snapshot next = BenchConfig.Of(server.Address)
            .WithService(service => service with { Listen = [BenchConfig.Listen(), BenchConfig.Listen(2)] });
        next = next with { AccessLog = new AccessLogSnapshot(AccessLogFormat.Json, "/nonexistent/folder/log") };
        IReadOnlyList<string> errors = await bench.Plane.PrepareAsync(next, bench.Listeners, CancellationToken.None);
        Assert.Single(errors);
        bench.Plane.Abandon();
        Assert.Equal("old", bench.Get().Text);
    }

    [Fact]
    public async Task ReloadThatIsCancelled_ClosesWhatItHadOpened()
    {
        using ScriptedServer server = ScriptedServer.Saying("old");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using var cancel = new CancellationTokenSource();
        Snapshot next = BenchConfig.Of(server.Address)
            .WithService(service => service with { Listen = [BenchConfig.Listen(2), BenchConfig.Listen(3)] });
        bench.Listeners.Opened = cancel.Cancel;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => bench.Plane.PrepareAsync(next, bench.Listeners, cancel.Token));
        bench.Plane.Abandon();
        int given = Assert.Single(bench.Listeners.Given[^1]);
        Assert.False(Path.Exists($"/proc/self/fd/{given}") && new FileInfo($"/proc/self/fd/{given}").LinkTarget == bench.Listeners.LastLink);
        Assert.Equal("old", bench.Get().Text);
    }

    /// <summary>The keeper still has the socket: it stays in the epoll set when only the worker's descriptor is closed.</summary>
    [Fact]
    public async Task DroppedListener_WithClientsInItsQueue_DoesNotKeepTheShardBusy()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        Snapshot both = BenchConfig.Of(server.Address)
            .WithService(service => service with { Listen = [BenchConfig.Listen(), BenchConfig.Listen(2)] });
        await using ProxyBench bench = await ProxyBench.StartAsync(both);
        int dropped = bench.Listeners.PortOf(BenchConfig.Listen(2));
        await bench.ApplyAsync(BenchConfig.Of(server.Address));
        using var waiting = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        waiting.Connect(IPAddress.Loopback, dropped);
        long before = bench.Plane.Http[0].Loop.Turns;
        using var pause = new ManualResetEventSlim();
        pause.Wait(200);
        Assert.InRange(bench.Plane.Http[0].Loop.Turns - before, 0, 50);
    }

    /// <summary>They would go on with a configuration that is gone, and with slots of servers that belong to others by then.</summary>
    [Fact]
    public async Task DroppedListener_ItsKeptConnectionsEnd()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        Snapshot both = BenchConfig.Of(server.Address)
            .WithService(service => service with { Listen = [BenchConfig.Listen(), BenchConfig.Listen(2)] });
        await using ProxyBench bench = await ProxyBench.StartAsync(both);
        using RawPeer staying = bench.Connect(), leaving = bench.Connect(bench.Listeners.PortOf(BenchConfig.Listen(2)));
        foreach (RawPeer client in (RawPeer[])[staying, leaving])
        {
            client.Send(Get);
            Assert.Equal("hi", client.ReadResponse().Text);
        }

        await bench.ApplyAsync(BenchConfig.Of(server.Address));
        Assert.Empty(leaving.ReadToEnd());
        staying.Send(Get);
        Assert.Equal("hi", staying.ReadResponse().Text);
    }

    /// <summary>The connection was counted for one service and uncounted for the other.</summary>
    [Fact]
    public async Task ListenerGivenToAnotherService_ConnectionsStayCounted()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        Snapshot first = BenchConfig.Of(server.Address);
        await using ProxyBench bench = await ProxyBench.StartAsync(first);
        using (RawPeer client = bench.Connect())
        {
            client.Send(Get);
            Assert.Equal("hi", client.ReadResponse().Text);
            await bench.ApplyAsync(first.WithService(service => service with { Name = "other" }));
            client.Send(Get);
            Assert.Equal("hi", client.ReadResponse().Text);
        }

        ProxyBench.Until(() => bench.Plane.Http[0].Open == 0, "the client is still there");
        Assert.All(bench.Plane.Http[0].Services, service => Assert.Equal(0, service.Connections));
    }

    [Fact]
    public async Task Drain_LetsWorkEndAndClosesIdleConnections()
    {
        using var gate = new SemaphoreSlim(0);
        using ScriptedServer server = ScriptedServer.Answering(request =>
        {
            if (request.StartLine.Contains("/slow", StringComparison.Ordinal)) gate.Wait();
            return ScriptedServer.Ok("done");
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer idle = bench.Connect(), busy = bench.Connect(), fresh = bench.Connect();
        idle.Send(Get);
        Assert.Equal("done", idle.ReadResponse().Text);
        busy.Send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
        ProxyBench.Until(() => server.Requests.Count == 2, "the request did not arrive");
        Task drain = bench.DrainAsync(TimeSpan.FromSeconds(30));

        // Accepted before the drain, and its first request is on its way: sent at once, since it is waited for a second only.
        fresh.Send(Get);
        Message response = fresh.ReadResponse();
        Assert.Equal(("done", "close"), (response.Text, response["Connection"]));
        Assert.Empty(idle.ReadToEnd());
        Assert.False(drain.IsCompleted);
        gate.Release();
        response = busy.ReadResponse();
        Assert.Equal(("done", "close"), (response.Text, response["Connection"]));
        await drain;
    }

    [Fact]
    public async Task Drain_AtItsDeadline_CutsWhatIsLeft()
    {
        using ScriptedServer hung = ScriptedServer.Hanging();
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(hung.Address));
        using RawPeer client = bench.Connect();
        client.Send(Get);
        ProxyBench.Until(() => hung.Connections == 1, "the request did not arrive");
        bench.Settle();
        await bench.DrainAsync(TimeSpan.FromMilliseconds(50));
        Assert.Equal(503, client.ReadResponse().Status);
    }
}

using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Engine.Probing;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Tests.Probing;

public sealed class ProberTests : IDisposable
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private readonly string _folder = Directory.CreateTempSubdirectory("mainstay-prober").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Publish_CompletesWhenEveryServerHasHadItsFirstCheck()
    {
        using TcpPeer peer = TcpPeer.Hanging();
        using var bench = new ProberBench();
        await bench.ApplyAsync(ProberBench.Pool("app", ProberBench.Tcp, ProberBench.Loopback(peer.Port), ProberBench.Loopback(Certificates.ClosedPort())));
        ServerHealth up = await bench.ReadAsync(), down = await bench.ReadAsync(server: "s2");
        Assert.Equal((ServerState.Up, ServerState.Down), (bench.StateInTable(up), bench.StateInTable(down)));
        Assert.Equal("first check: connection refused", down.Reason);
    }

    [Fact]
    public async Task Crash_TakesAServerDownAndRecoveryBringsItBack()
    {
        bool isBroken = false;
        using TcpPeer web = TcpPeer.Answering(() => isBroken ? "HTTP/1.1 500 Oops\r\n\r\n" : Ok);
        using var bench = new ProberBench();
        await bench.ApplyAsync(ProberBench.Pool("app", ProberBench.Of(CheckKind.Http), ProberBench.Loopback(web.Port)));
        isBroken = true;
        ServerHealth health = await bench.WaitAsync(now => now.State == ServerState.Down);
        Assert.Equal("HTTP 500, 2 bad results in a row", health.Reason);
        Assert.Equal(ServerState.Down, bench.StateInTable(health));
        isBroken = false;
        await bench.WaitAsync(now => now.State == ServerState.Up);
        Assert.Contains(bench.Notices, notice => notice.IsWarning && notice.Text == "server app/s1 is down: HTTP 500, 2 bad results in a row");
    }

    [Fact]
    public async Task ThousandStuckChecks_DoNotDelayAnother()
    {
        using TcpPeer hung = TcpPeer.Hanging();
        using TcpPeer web = TcpPeer.Answering(() => Ok);
        using var bench = new ProberBench(descriptorBudget: 4000);
        CheckSnapshot stuck = ProberBench.Of(CheckKind.Http) with { Timeout = TimeSpan.FromMinutes(5), Interval = TimeSpan.FromMinutes(5) };
        Endpoint[] servers = [.. Enumerable.Repeat(ProberBench.Loopback(hung.Port), 1000)];
        var hurry = new CancellationToken(canceled: true);
        await bench.ApplyAsync(hurry, ProberBench.Pool("stuck", stuck, servers));
        await ProberBench.UntilAsync(() => hung.Accepted == 1000, "not all stuck checks are under way");
        await bench.ApplyAsync(
            hurry, ProberBench.Pool("stuck", stuck, servers), ProberBench.Pool("app", ProberBench.Of(CheckKind.Http), ProberBench.Loopback(web.Port)));
        ServerHealth before = await bench.WaitAsync(now => now.State == ServerState.Up);
        ServerHealth after = await bench.WaitAsync(now => now.Passed >= before.Passed + 20);
        Assert.Equal(0, after.Failed);
        Assert.InRange(after.LastDuration, TimeSpan.Zero, TimeSpan.FromMilliseconds(400));
        Assert.Equal(1000, hung.Accepted);
    }

    [Fact]
    public async Task Hiccup_OfTheProberItself_IsNotHeldAgainstServers()
    {
        bool hangs = false;
        using var web = new TcpPeer(async (stream, stop) =>
        {
            await TcpPeer.ReadHeadAsync(stream, stop);
            if (Volatile.Read(ref hangs)) await Task.Delay(-1, stop);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok), stop);
        });
        using var bench = new ProberBench();
        await bench.ApplyAsync(ProberBench.Pool("app", ProberBench.Of(CheckKind.Http) with { Fall = 1 }, ProberBench.Loopback(web.Port)));
        Volatile.Write(ref hangs, true);
        int accepted = web.Accepted;
        await ProberBench.UntilAsync(() => web.Accepted > accepted, "no further check");
        using var wayBehind = new ManualResetEventSlim();
        bench.Prober.Loop.Post(new Stall(wayBehind));
        await Task.Delay(TimeSpan.FromMilliseconds(1000), TestContext.Current.CancellationToken); // the time that is lost
        Volatile.Write(ref hangs, false);
        wayBehind.Set();
        ServerHealth health = await bench.WaitAsync(now => now.Failed == 1);
        health = await bench.WaitAsync(now => now.Passed > health.Passed);
        Assert.Equal((ServerState.Up, 1L), (health.State, health.Changes)); // up since its first check
    }

    [Fact]
    public async Task DescriptorBudget_WhenUsedUp_IsNoEvidenceAgainstServers()
    {
        using TcpPeer hung = TcpPeer.Hanging();
        using var bench = new ProberBench(descriptorBudget: 4);
        CheckSnapshot check = ProberBench.Of(CheckKind.Http) with { Timeout = TimeSpan.FromSeconds(2), Interval = TimeSpan.FromSeconds(2) };
        await bench.ApplyAsync(ProberBench.Pool("app", check, [.. Enumerable.Repeat(ProberBench.Loopback(hung.Port), 12)]));
        PoolHealth pool = Assert.Single(await bench.Prober.ReadAsync());
        Assert.Equal(4, pool.Servers.Count(server => server.State == ServerState.Down));
        Assert.All(pool.Servers.Where(server => server.State == ServerState.Unknown), server =>
            Assert.Equal("all 4 descriptors for checks are in use", server.LastCheck));
    }

    [Fact]
    public async Task Reload_KeepsWhatDidNotChangeAndForgetsWhatIsGone()
    {
        using TcpPeer first = TcpPeer.Hanging();
        using TcpPeer second = TcpPeer.Hanging();
        using var bench = new ProberBench();
        PoolSnapshot one = ProberBench.Pool("app", ProberBench.Tcp, ProberBench.Loopback(first.Port));
        await bench.ApplyAsync(one, ProberBench.Pool("old", ProberBench.Tcp, ProberBench.Loopback(first.Port)));
        await bench.WaitAsync(now => now.Passed > 3);
        ServerHealth before = await bench.ReadAsync();
        PoolSnapshot two = ProberBench.Pool("app", ProberBench.Tcp with { Rise = 5 }, ProberBench.Loopback(first.Port), ProberBench.Loopback(second.Port));
        await bench.ApplyAsync(two);
        ServerHealth after = await bench.ReadAsync();
        Assert.True(after.Passed >= before.Passed && after.InState >= before.InState);
        Assert.Equal((before.Slot, before.Reason), (after.Slot, after.Reason));
        Assert.Equal(ServerState.Up, (await bench.ReadAsync(server: "s2")).State);
        Assert.Equal(["app"], (await bench.Prober.ReadAsync()).Select(pool => pool.Name));
    }

    [Fact]
    public async Task Reload_WithAnotherCheck_AsksTheNewQuestionSoon()
    {
        using TcpPeer hung = TcpPeer.Hanging();
        using var bench = new ProberBench();
        CheckSnapshot slow = ProberBench.Tcp with { Interval = TimeSpan.FromMinutes(5), FastInterval = TimeSpan.FromMilliseconds(50) };
        await bench.ApplyAsync(ProberBench.Pool("app", slow, ProberBench.Loopback(hung.Port)));
        await bench.ApplyAsync(ProberBench.Pool("app", slow with { Kind = CheckKind.Http }, ProberBench.Loopback(hung.Port)));
        ServerHealth health = await bench.WaitAsync(now => now.State == ServerState.Down);
        Assert.Equal("timeout after 400ms waiting for the status line, 2 bad results in a row", health.Reason);
    }

    [Fact]
    public async Task Reload_WithAnotherAddress_KeepsTheOperatorsOrder()
    {
        using TcpPeer peer = TcpPeer.Hanging();
        using var bench = new ProberBench();
        await bench.ApplyAsync(ProberBench.Pool("app", ProberBench.Tcp, ProberBench.Loopback(peer.Port)));
        Assert.Null(await bench.Prober.OrderAsync("app", "s1", ServerOrder.Drain, "moving"));
        await bench.ApplyAsync(ProberBench.Pool("app", ProberBench.Tcp, ProberBench.Loopback(peer.Port, isV6: true)));
        Assert.Equal(ServerState.Draining, (await bench.ReadAsync()).State);
    }

    [Fact]
    public async Task Prepare_OfAnImpossibleCheck_IsRefusedAndTheOldOneGoesOn()
    {
        using TcpPeer peer = TcpPeer.Hanging();
        using var bench = new ProberBench();
        await bench.ApplyAsync(ProberBench.Pool("app", ProberBench.Tcp, ProberBench.Loopback(peer.Port)));
        IReadOnlyList<string> errors = await bench.ApplyAsync(
            ProberBench.Pool("app", ProberBench.Of(CheckKind.Http) with { BodyMatches = "(" }, ProberBench.Loopback(peer.Port)),
            ProberBench.Pool("dns", ProberBench.Of(CheckKind.Dns) with { QueryName = "x", QueryType = "HINFO" }, ProberBench.Loopback(53)));
        Assert.Equal(2, errors.Count);
        Assert.StartsWith("pools.app.check: ", errors[0], StringComparison.Ordinal);
        long passed = (await bench.ReadAsync()).Passed;
        await bench.WaitAsync(now => now.Passed > passed);
    }

    [Fact]
    public async Task Panic_BeginsAndEndsWithANotice()
    {
        bool isBroken = true;
        using TcpPeer good = TcpPeer.Answering(() => Ok);
        using TcpPeer bad = TcpPeer.Answering(() => isBroken ? "HTTP/1.1 500 Oops\r\n\r\n" : Ok);
        using var bench = new ProberBench();
        await bench.ApplyAsync(ProberBench.Pool(
            "app", ProberBench.Of(CheckKind.Http), ProberBench.Loopback(good.Port), ProberBench.Loopback(bad.Port), ProberBench.Loopback(bad.Port))
            with
        { PanicThreshold = 50 });
        Assert.Equal(PoolTier.Panic, Assert.Single(await bench.Prober.ReadAsync()).Tier);
        Assert.Contains(bench.Notices, notice => notice.Text == "pool app panics: 1 of 3 servers healthy, below 50 %; all are used");
        isBroken = false;
        await bench.WaitAsync(now => now.State == ServerState.Up, server: "s2");
        await ProberBench.UntilAsync(
            () => bench.Notices.Any(notice => notice.Text == "pool app has ended its panic: primary servers are used"), "no end of panic");
    }

    [Fact]
    public async Task Order_ForAServerThatIsNotThere_NamesThoseThatAre()
    {
        using var bench = new ProberBench();
        await bench.ApplyAsync(ProberBench.Pool("app", null, ProberBench.Loopback(1)));
        Assert.Equal("pool 'app' has no server 'x'; it has: s1", await bench.Prober.OrderAsync("app", "x", ServerOrder.Drain, ""));
        Assert.Equal("there is no pool 'y'; there are: app", await bench.Prober.OrderAsync("y", "x", ServerOrder.Drain, ""));
    }

    [Fact]
    public async Task OrdersAndHealth_SurviveARestart()
    {
        PoolSnapshot pool = ProberBench.Pool("app", ProberBench.Tcp, ProberBench.Loopback(Certificates.ClosedPort()), ProberBench.Loopback(1));
        using (var bench = new ProberBench(_folder))
        {
            await bench.ApplyAsync(pool);
            Assert.Null(await bench.Prober.OrderAsync("app", "s2", ServerOrder.Maintenance, "new disk"));
        } // no farewell: what the order's completion promised has to be enough

        using var next = new ProberBench(_folder);
        await next.ApplyAsync(pool);
        Assert.Equal("last known: first check: connection refused", (await next.ReadAsync()).Reason);
        ServerHealth kept = await next.ReadAsync(server: "s2");
        Assert.Equal((ServerState.Maintenance, "put into maintenance by the operator: new disk"), (kept.State, kept.Reason));
    }

    [Fact]
    public async Task StateFile_ThatIsUnreadable_IsIgnoredWithANotice()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, HealthStateStore.FileName), "{\"version\":1,");
        using TcpPeer peer = TcpPeer.Hanging();
        using var bench = new ProberBench(_folder);
        await bench.ApplyAsync(ProberBench.Pool("app", ProberBench.Tcp, ProberBench.Loopback(peer.Port)));
        Assert.Equal(ServerState.Up, (await bench.ReadAsync()).State);
        Assert.Contains(bench.Notices, notice => notice.IsWarning && notice.Text.Contains("is ignored: not readable as JSON", StringComparison.Ordinal));
    }

    [Fact]
    public async Task StateDirectory_ThatCannotBeWritten_IsSaidOnceAndOrdersStillWork()
    {
        using var bench = new ProberBench(Path.Combine(_folder, "missing"));
        await bench.ApplyAsync(ProberBench.Pool("app", null, ProberBench.Loopback(1)));
        Assert.Null(await bench.Prober.OrderAsync("app", "s1", ServerOrder.Drain, ""));
        Assert.Null(await bench.Prober.OrderAsync("app", "s1", ServerOrder.None, ""));
        Assert.Equal(ServerState.Up, (await bench.ReadAsync()).State);
        await ProberBench.UntilAsync(() => bench.Notices.Any(notice => notice.Text.Contains("cannot be written", StringComparison.Ordinal)), "no notice");
        Assert.Single(bench.Notices, notice => notice.Text.Contains("cannot be written", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ClosedChecks_LeaveNoDescriptors()
    {
        using TcpPeer web = TcpPeer.Answering(() => Ok);
        using var bench = new ProberBench();
        CheckSnapshot quick = ProberBench.Of(CheckKind.Http) with { Interval = TimeSpan.FromMilliseconds(20), FastInterval = TimeSpan.FromMilliseconds(20) };
        await bench.ApplyAsync(ProberBench.Pool("app", quick, ProberBench.Loopback(web.Port)));
        await bench.WaitAsync(now => now.Passed > 50);
        Assert.InRange(bench.Prober.Context.DescriptorsInUse, 0, 1);
        Assert.Equal(0, (await bench.ReadAsync()).Failed);
    }

    [Fact]
    public async Task Metrics_TellStateAndResults()
    {
        using TcpPeer web = TcpPeer.Answering(() => Ok);
        using var bench = new ProberBench();
        await bench.ApplyAsync(ProberBench.Pool("app", ProberBench.Of(CheckKind.Http), ProberBench.Loopback(web.Port)));
        var output = new System.Buffers.ArrayBufferWriter<byte>();
        bench.Prober.WriteMetrics(new MetricsWriter(output));
        string text = Encoding.UTF8.GetString(output.WrittenSpan);
        Assert.Contains("mainstay_server_up{pool=\"app\",server=\"s1\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("mainstay_checks_total{pool=\"app\",server=\"s1\",result=\"good\"} ", text, StringComparison.Ordinal);
    }

    private sealed class Stall(ManualResetEventSlim end) : ILoopReceiver
    {
        public void OnMessage(object? content, long number) => end.Wait();
    }
}

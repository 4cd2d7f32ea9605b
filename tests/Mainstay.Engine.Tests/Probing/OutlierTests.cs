using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Engine.Probing;

namespace Mainstay.Engine.Tests.Probing;

public sealed class OutlierTests
{
    private static readonly OutlierPolicy s_policy =
        new() { Interval = TimeSpan.FromMilliseconds(50), EjectFor = TimeSpan.FromMilliseconds(400), Longest = TimeSpan.FromSeconds(1) };

    [Fact]
    public async Task FailingServer_IsLeftOutThoughItsCheckPasses_AndComesBack()
    {
        using TcpPeer first = TcpPeer.Hanging(), second = TcpPeer.Hanging();
        using var bench = new ProberBench();
        await bench.ApplyAsync(Pool(first, second, s_policy));
        await Task.WhenAll(bench.WaitAsync(now => now.State == ServerState.Up), bench.WaitAsync(now => now.State == ServerState.Up, server: "s2"));
        ServerHealth server = await bench.ReadAsync();
        for (int i = 0; i < 5; i++) bench.Registry.Loads.Judge(server.Slot, isGood: false);
        ServerHealth leftOut = await bench.WaitAsync(now => now.State == ServerState.Down);
        Assert.Equal((ServerState.Up, "left out for 0.4 s: 5 failed requests in a row", 1), (leftOut.Health, leftOut.Reason, leftOut.Ejections));
        await bench.WaitAsync(now => now.State == ServerState.Up);
        Assert.Equal(ServerState.Up, bench.StateInTable(server));
        Assert.Contains(bench.Notices, notice => notice.IsWarning && notice.Text.Contains("app/s1 is left out for 0.4 s", StringComparison.Ordinal));
        Assert.Contains(bench.Notices, notice => notice.Text == "server app/s1 takes work again");
    }

    [Fact]
    public async Task ReloadWithoutTheRule_BringsTheServerBackAtOnce()
    {
        using TcpPeer first = TcpPeer.Hanging(), second = TcpPeer.Hanging();
        using var bench = new ProberBench();
        await bench.ApplyAsync(Pool(first, second, s_policy with { EjectFor = TimeSpan.FromHours(1), Longest = TimeSpan.FromHours(1) }));
        await Task.WhenAll(bench.WaitAsync(now => now.State == ServerState.Up), bench.WaitAsync(now => now.State == ServerState.Up, server: "s2"));
        ServerHealth server = await bench.ReadAsync();
        for (int i = 0; i < 5; i++) bench.Registry.Loads.Judge(server.Slot, isGood: false);
        await bench.WaitAsync(now => now.State == ServerState.Down);
        await bench.ApplyAsync(Pool(first, second, null));
        Assert.Equal(ServerState.Up, (await bench.ReadAsync()).State);
    }

    private static PoolSnapshot Pool(TcpPeer first, TcpPeer second, OutlierPolicy? outliers) =>
        ProberBench.Pool("app", ProberBench.Tcp, ProberBench.Loopback(first.Port), ProberBench.Loopback(second.Port)) with { Outliers = outliers };
}

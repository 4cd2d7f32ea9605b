using System.Net.Sockets;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Every timeout of a service and of a pool, each alone short.</summary>
public sealed class TimeoutTests
{
    private const string Get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    private static readonly TimeSpan s_short = TimeSpan.FromMilliseconds(150);

    [Fact]
    public async Task Connect_ServerWhoseQueueIsFull_IsGatewayTimeout()
    {
        using var full = new FullServer();
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(full.Address).WithUpstream(upstream => upstream with { Connect = s_short }));
        Assert.Equal(504, bench.Get().Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ConnectTimeout) == 1, "not told why");
    }

    [Fact]
    public async Task Connect_AnotherServerIsTried()
    {
        using var full = new FullServer();
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(full.Address, server.Address).WithUpstream(upstream => upstream with { Connect = s_short }));
        for (int i = 0; i < 4; i++) Assert.Equal("alive", bench.Get().Text);
    }

    [Fact]
    public async Task FirstByte_HungServer_IsGatewayTimeoutAndNotTriedAgain()
    {
        using ScriptedServer hung = ScriptedServer.Hanging();
        using ScriptedServer server = ScriptedServer.Saying("alive");
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(hung.Address, server.Address).WithUpstream(upstream => upstream with { FirstByte = s_short }));
        int[] statuses = [bench.Get().Status, bench.Get().Status];
        Assert.Equal([200, 504], statuses.Order());
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ServerFirstByteTimeout) == 1, "not told why");
    }

    [Fact]
    public async Task Idle_ServerStopsInTheBody_ResponseIsBrokenOff()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            peer.ReadToEnd();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithUpstream(upstream => upstream with { Idle = s_short }));
        using RawPeer client = bench.Connect();
        client.Send(Get);
        Assert.Throws<EndOfStreamException>(() => client.ReadResponse());
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ServerIdleTimeout) == 1, "not told why");
    }

    [Theory]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]
    public async Task Total_ServerThatDripsForEver_IsEnded(string head)
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send(head);
            while (true)
            {
                peer.Send(head.Length == 0 ? "HTTP/1.1 102 Processing\r\n\r\n" : "1\r\nx\r\n");
                if (peer.Socket.Poll(40_000, SelectMode.SelectRead)) return;
            }
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithUpstream(upstream => upstream with { Total = s_short }));
        using RawPeer client = bench.Connect();
        client.Send(Get);
        string all = System.Text.Encoding.Latin1.GetString(client.ReadToAnyEnd().Bytes);
        if (head.Length == 0) Assert.Contains("HTTP/1.1 504 ", all, StringComparison.Ordinal);
        else Assert.DoesNotContain("0\r\n\r\n", all, StringComparison.Ordinal);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.TotalTimeout) == 1, "not told why");
    }

    [Fact]
    public async Task Head_ThatDoesNotEnd_IsRequestTimeout()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithTimeouts(timeouts => timeouts with { Head = s_short }));
        using RawPeer silent = bench.Connect(), slow = bench.Connect();
        slow.Send("GET / HTTP/1.1\r\nHo");
        Assert.Equal(408, slow.ReadResponse().Status);
        Assert.Empty(slow.ReadToEnd());
        Assert.Empty(silent.ReadToEnd());
        Assert.Equal(1, bench.Plane.Http[0].Counters.HeadTimeouts);
    }

    [Fact]
    public async Task Body_ThatDoesNotGoOn_IsRequestTimeout()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithTimeouts(timeouts => timeouts with { Body = s_short }));
        Assert.Equal(408, bench.Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf").Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ClientBodyTimeout) == 1, "not told why");
    }

    [Fact]
    public async Task KeepAlive_IdleClient_IsClosedWithoutAWord()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithTimeouts(timeouts => timeouts with { KeepAlive = s_short }));
        using RawPeer client = bench.Connect();
        client.Send(Get);
        Assert.Equal("hi", client.ReadResponse().Text);
        Assert.Empty(client.ReadToEnd());
    }

    [Fact]
    public async Task KeepAlive_Zero_SaysCloseWithEveryResponse()
    {
        using ScriptedServer server = ScriptedServer.Saying("hi");
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithTimeouts(timeouts => timeouts with { KeepAlive = TimeSpan.Zero }));
        using RawPeer client = bench.Connect();
        client.Send(Get);
        Assert.Equal("close", client.ReadResponse()["Connection"]);
        Assert.Empty(client.ReadToEnd());
    }

    [Fact]
    public async Task KeepAlive_OfServers_ClosesIdleConnections()
    {
        using var closed = new ManualResetEventSlim();
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send(ScriptedServer.Ok("hi"));
            peer.ReadToEnd();
            closed.Set();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithUpstream(upstream => upstream with { KeepAlive = s_short }));
        bench.Get();
        Assert.True(closed.Wait(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task Write_ClientThatStopsReading_IsCutOff()
    {
        using ScriptedServer server = ScriptedServer.Saying(new string('x', 30_000_000));
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithTimeouts(timeouts => timeouts with { Write = s_short }));
        using RawPeer client = bench.Connect();
        client.Send(Get);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ClientWriteTimeout) == 1, "still waiting");
        Assert.InRange(client.ReadToAnyEnd().Bytes.Length, 1, 29_999_999);
    }

    /// <summary>The next request waits here, but it is the client that does not read: a 408 would be wrong, and come after half a response.</summary>
    [Fact]
    public async Task Write_PipeliningClientThatStopsReading_GetsNo408()
    {
        using ScriptedServer server = ScriptedServer.Answering(_ => ScriptedServer.Ok(new string('x', 50_000)));
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address).WithTimeouts(
            timeouts => timeouts with { Write = s_short, KeepAlive = s_short }));
        using RawPeer client = bench.Connect();
        client.Send(string.Concat(Enumerable.Repeat(Get, 1000)));
        ProxyBench.Until(() => bench.Plane.Http[0].Open == 0, "still waiting");
        Assert.Equal(0, bench.Plane.Http[0].Counters.HeadTimeouts);
        Assert.DoesNotContain("408", System.Text.Encoding.Latin1.GetString(client.ReadToAnyEnd().Bytes), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tunnel_Quiet_IsEnded()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
            peer.ReadToEnd();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(server.Address).WithUpstream(upstream => upstream with { Tunnel = s_short }));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n");
        Assert.Equal(101, client.ReadResponse().Status);
        Assert.Empty(client.ReadToAnyEnd().Bytes);
    }

    [Fact]
    public async Task HundredContinue_ThatNeverComes_IsTheServersFault()
    {
        using ScriptedServer hung = ScriptedServer.Hanging();
        await using ProxyBench bench = await ProxyBench.StartAsync(
            BenchConfig.Of(hung.Address).WithUpstream(upstream => upstream with { FirstByte = s_short }));
        Assert.Equal(504, bench.Ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n").Status);
    }
}

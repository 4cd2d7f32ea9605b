using System.Runtime.CompilerServices;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Http;
using Mainstay.Engine.Shards;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>A bug on a request's way costs that connection and nothing else: not the worker, no place, no buffer, no descriptor.</summary>
public sealed class FaultTests
{
    [Fact]
    public async Task Fault_WhileARequestIsTaken_IsA500AndOthersGoOn()
    {
        using ScriptedServer server = ScriptedServer.Saying("fine");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(
            BenchConfig.Pool(server.Address),
            BenchConfig.Service(
                BenchConfig.Route(new RouteAction.Respond(200, "x", "text/plain"), new RouteMatch { Path = [new PathPattern(PatternKind.Exact, "/bug")] }),
                BenchConfig.Route(new RouteAction.ToPool("app")))));
        ResponseOf(bench.Plane.Current!.Services[0].Targets[0]) = null;
        using RawPeer neighbour = bench.Connect();

        for (int i = 0; i < 20; i++)
        {
            Assert.Equal(500, bench.Ask("GET /bug HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n").Status);
            neighbour.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.Equal("fine", neighbour.ReadResponse().Text);
        }

        bench.Settle();
        Assert.Equal(20, bench.Outcomes(OutcomeCause.Fault));
        TakeFaults(bench, 20);
    }

    [Fact]
    public async Task Fault_WhileAResponseIsRead_EndsThatExchangeOnBothSides()
    {
        using var goOn = new ManualResetEventSlim();
        using ScriptedServer server = ScriptedServer.Answering(request =>
        {
            if (request.StartLine.Contains("/bug", StringComparison.Ordinal)) goOn.Wait();
            return ScriptedServer.Ok("fine");
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        using RawPeer client = bench.Connect();
        client.Send("GET /bug HTTP/1.1\r\nHost: a\r\n\r\n");
        ProxyBench.Until(() => server.Requests.Count == 1, "the request does not come");
        ServerLane lane = bench.OnShard(shard => shard.FindLane(bench.Pools[0].Servers[0])!);
        ServerCounters? counters = CountersOf(lane);
        CountersOf(lane) = null;
        goOn.Set();

        Assert.Equal(500, client.ReadResponse().Status);
        CountersOf(lane) = counters;
        Assert.Equal("fine", bench.Get().Text);
        // A place is given back after the response has gone out.
        bench.Settle();
        Assert.Equal(0, bench.LoadOf(server.Address).InFlight);
        Assert.Equal(1, bench.Outcomes(OutcomeCause.Fault));
        Assert.True(bench.Faults.TryDequeue(out Exception? fault) && fault is NullReferenceException);
        bench.Faults.Clear();
    }

    [Fact]
    public async Task Fault_OfAMessageAndOfADeadline_TheLoopGoesOn()
    {
        using ScriptedServer server = ScriptedServer.Saying("fine");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        bench.HoldLater(() => throw new InvalidOperationException("message"));
        var timer = new BrokenTimer();
        bench.OnShard(shard =>
        {
            shard.Loop.Arm(timer, shard.Loop.Now);
            return 0;
        });
        ProxyBench.Until(() => bench.Faults.Count == 2 && timer.IsToldOfIt, "not both faults were told");
        Assert.Equal("fine", bench.Get().Text);
        TakeFaults(bench, 2);
    }

    private static void TakeFaults(ProxyBench bench, int count)
    {
        Assert.Equal(count, bench.Faults.Count);
        bench.Faults.Clear();
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Response>k__BackingField")]
    private static extern ref FixedResponse? ResponseOf(RouteTarget target);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "<Counters>k__BackingField")]
    private static extern ref ServerCounters? CountersOf(ServerLane lane);

    private sealed class BrokenTimer : TimerNode
    {
        public volatile bool IsToldOfIt;

        public override void OnDeadline(Mainstay.Core.Instant now) => throw new InvalidOperationException("deadline");

        public override void OnFault() => IsToldOfIt = true;
    }
}

using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Core.Net;

namespace Mainstay.Engine.Tests.Http.Bench;

/// <summary>Configurations of the tests: everything generous but what a test is about.</summary>
internal static class BenchConfig
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

    public static readonly UpstreamSnapshot Upstream = new(
        Connect: s_long, FirstByte: s_long, Idle: s_long, Tunnel: s_long, Total: TimeSpan.Zero, KeepAlive: s_long, MaxIdle: 100, Retries: 2);

    public static readonly HttpTimeouts Timeouts = new(Head: s_long, Body: s_long, KeepAlive: s_long, Write: s_long);

    /// <summary>Stands for any free port: the bench binds port 0 and knows what it got.</summary>
    public static Endpoint Listen(int number = 1) => Endpoint.Ip(NetAddress.V4(0x7F000001), number);

    public static TimeSpan Milliseconds(int milliseconds) => TimeSpan.FromMilliseconds(milliseconds);

    public static ServerSnapshot Server(Endpoint address, int maxConnections = 0) =>
        new(address.ToString(), address, Weight: 1, Backup: false, maxConnections, Upper: 0, Lower: 0);

    public static PoolSnapshot Pool(params Endpoint[] servers) => Pool([.. servers.Select(address => Server(address))]);

    public static PoolSnapshot Pool(params ServerSnapshot[] servers) => new()
    {
        Name = "app",
        Balance = new BalanceSnapshot(Algorithm.RoundRobin),
        Check = null,
        Servers = [.. servers],
        PanicThreshold = 0,
        SlowStart = TimeSpan.Zero,
        DrainTimeout = s_long,
        OnFailure = FailedFlows.Keep,
        Upstream = Upstream,
    };

    public static RouteSnapshot Route(RouteAction action, RouteMatch? match = null, string name = "web-1") =>
        new(name, match ?? new RouteMatch(), action);

    public static HttpSnapshot Service(params RouteSnapshot[] routes) => new()
    {
        Name = "web",
        Listen = [Listen()],
        Routes = routes.Length > 0 ? [.. routes] : [Route(new RouteAction.ToPool("app"))],
        Limits = new HttpLimits(),
        Timeouts = Timeouts,
        Forwarded = new ForwardedSnapshot([]),
    };

    public static Snapshot Of(PoolSnapshot pool, HttpSnapshot? service = null) => new()
    {
        Node = "test",
        Admin = new AdminSnapshot(null, "/nonexistent"),
        Process = new ProcessSnapshot(0, "", "/nonexistent", s_long, 0),
        AccessLog = new AccessLogSnapshot(AccessLogFormat.None, "stdout"),
        Pools = [pool],
        Http = [service ?? Service()],
    };

    public static Snapshot Of(params Endpoint[] servers) => Of(Pool(servers));

    public static Snapshot WithUpstream(this Snapshot snapshot, Func<UpstreamSnapshot, UpstreamSnapshot> change) =>
        snapshot with { Pools = [.. snapshot.Pools.Select(pool => pool with { Upstream = change(pool.Upstream) })] };

    public static Snapshot WithService(this Snapshot snapshot, Func<HttpSnapshot, HttpSnapshot> change) =>
        snapshot with { Http = [.. snapshot.Http.Select(change)] };

    public static Snapshot WithTimeouts(this Snapshot snapshot, Func<HttpTimeouts, HttpTimeouts> change) =>
        snapshot.WithService(service => service with { Timeouts = change(service.Timeouts) });
}

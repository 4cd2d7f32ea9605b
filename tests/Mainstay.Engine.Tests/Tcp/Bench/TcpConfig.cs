using System.Collections.Immutable;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Tcp.Bench;

/// <summary>Configurations of the tests: everything generous but what a test is about.</summary>
internal static class TcpConfig
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(60);

    public static TcpSnapshot Service(params TcpRouteSnapshot[] routes) => new()
    {
        Name = "mail",
        Protocol = TransportProtocol.Tcp,
        Listen = [new TcpListenSnapshot(BenchConfig.Listen())],
        Routes = routes.Length > 0 ? [.. routes] : [Route("app")],
        Timeouts = new TcpTimeouts(s_long, s_long, s_long),
    };

    public static TcpRouteSnapshot Route(string pool, TcpMatch? match = null) => new($"to-{pool}", match ?? new TcpMatch(), pool);

    public static Snapshot Of(TcpSnapshot service, params PoolSnapshot[] pools) =>
        BenchConfig.Of(pools[0]) with { Pools = [.. pools], Http = [], Tcp = [service] };

    public static Snapshot Of(params Endpoint[] servers) => Of(Service(), BenchConfig.Pool(servers));

    public static Snapshot WithTcp(this Snapshot snapshot, Func<TcpSnapshot, TcpSnapshot> change) =>
        snapshot with { Tcp = [.. snapshot.Tcp.Select(change)] };

    public static Snapshot WithPool(this Snapshot snapshot, Func<PoolSnapshot, PoolSnapshot> change) =>
        snapshot with { Pools = [.. snapshot.Pools.Select(change)] };

    public static ImmutableArray<AddressRange> Ranges(params string[] texts) => [.. texts.Select(text =>
    {
        Assert.True(AddressRange.TryParse(text, out AddressRange range));
        return range;
    })];
}

using System.Collections.Immutable;
using System.Globalization;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Probing;

// Runs the prober alone, as the worker does: so many tcp and as many http checks a second until standard input ends.
if (args is not [var countText, var tcpPort, var httpPort]
    || !int.TryParse(countText, NumberStyles.None, CultureInfo.InvariantCulture, out int count)
    || !int.TryParse(tcpPort, NumberStyles.None, CultureInfo.InvariantCulture, out int tcp)
    || !int.TryParse(httpPort, NumberStyles.None, CultureInfo.InvariantCulture, out int http))
{
    Console.Error.WriteLine("usage: Mainstay.Bench.Checks SERVERS TCP-PORT HTTP-PORT");
    return 2;
}

var snapshot = new Snapshot
{
    Node = "bench",
    Admin = new AdminSnapshot(null, "@none"),
    Process = new ProcessSnapshot(1, "", "", TimeSpan.Zero, 0),
    AccessLog = new AccessLogSnapshot(AccessLogFormat.None, ""),
    Pools = [Pool("tcp", CheckKind.Tcp, tcp), Pool("http", CheckKind.Http, http)],
    Http = [],
};
var pools = new PoolsPlane(new PoolRegistry());
using var prober = new Prober(pools, null, notice => { if (notice.IsWarning) Console.Error.WriteLine(notice.Text); }, descriptorBudget: 16384);
var listeners = new NoListeners();
foreach (IPlane plane in new IPlane[] { pools, prober })
{
    if (await plane.PrepareAsync(snapshot, listeners, CancellationToken.None) is [var error, ..]) throw new InvalidOperationException(error);
    await plane.PublishAsync(CancellationToken.None);
}

Console.WriteLine("ready");
while (await Console.In.ReadLineAsync() is not null)
{
    IReadOnlyList<PoolHealth> health = await prober.ReadAsync();
    IEnumerable<ServerHealth> servers = health.SelectMany(pool => pool.Servers);
    Console.WriteLine(string.Join(' ', health.Select(pool => pool.Servers.Sum(server => server.Passed))) + $" {servers.Sum(server => server.Failed)}");
}

return 0;

PoolSnapshot Pool(string name, CheckKind kind, int port) => new()
{
    Name = name,
    Balance = new BalanceSnapshot(Algorithm.RoundRobin),
    Check = new CheckSnapshot
    {
        Kind = kind,
        Path = "/healthz",
        Interval = TimeSpan.FromSeconds(1),
        FastInterval = TimeSpan.FromSeconds(1),
        Timeout = TimeSpan.FromMilliseconds(500),
        Rise = 2,
        Fall = 3,
    },
    Servers = [.. Enumerable.Range(0, count).Select(i => Server(i, port))],
    PanicThreshold = 0,
    SlowStart = TimeSpan.Zero,
    DrainTimeout = TimeSpan.Zero,
    OnFailure = FailedFlows.Keep,
    Upstream = new UpstreamSnapshot(
        TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), TimeSpan.Zero, TimeSpan.Zero, TimeSpan.Zero, 0, 0),
};

// 127.1.x.y: an address of its own for every server.
static ServerSnapshot Server(int i, int port) =>
    new($"s{i}", Endpoint.Ip(NetAddress.V4(0x7F010000u + (uint)(i / 250 * 256 + i % 250 + 1)), port), 1, false, 0, 0, 0);

internal sealed class NoListeners : IListenerSource
{
    public Task<ListenerSockets> OpenAsync(Endpoint endpoint, int count) => Task.FromResult(new ListenerSockets(ImmutableArray<int>.Empty, null));
}

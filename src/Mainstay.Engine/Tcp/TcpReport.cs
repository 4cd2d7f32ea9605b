using Mainstay.Core.Config;
using Mainstay.Core.Proxy;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Control;
using Mainstay.Engine.Pools;

namespace Mainstay.Engine.Tcp;

/// <summary>What the TCP plane tells of itself: the shards' counters, added up.</summary>
public sealed class TcpReport(TcpPlane plane) : IStatusSource
{
    public void FillStatus(StatusReport report)
    {
        if (plane.Current is not { } current) return;
        foreach ((PoolRuntime pool, ServerRuntime server) in ServersOf(current))
        {
            if (report.FindServer(pool.Snapshot.Name, server.Name) is not { } row) continue;
            List<TcpServerCounters> counters = [.. CountersOf(server)];
            if (counters.Count == 0) continue;
            row.Requests += counters.Sum(c => Volatile.Read(ref c.Connections));
            row.Failures += counters.Sum(c => Volatile.Read(ref c.ConnectFailures) + Volatile.Read(ref c.Resets));
        }

        foreach (TcpService service in current.Services)
        {
            if (report.Tcp.FirstOrDefault(candidate => candidate.Name == service.Snapshot.Name) is not { } row) continue;
            foreach (TcpServiceCounters counters in CountersOf(service))
            {
                row.Connections += Volatile.Read(ref counters.Open);
                row.Accepted += Volatile.Read(ref counters.Accepted);
                row.BytesFromClients += Volatile.Read(ref counters.BytesFromClients);
                row.BytesToClients += Volatile.Read(ref counters.BytesToClients);
                for (int cause = 0; cause < counters.Causes.Length; cause++)
                    if (((FlowCause)cause).IsFailure()) row.Failures += Volatile.Read(ref counters.Causes[cause]);
            }
        }
    }

    public void WriteMetrics(MetricsWriter writer)
    {
        if (plane.Current is not { } current) return;
        WriteServices(writer, current);
        WriteServers(writer, current);
        WriteShards(writer);
    }

    private static IEnumerable<(PoolRuntime Pool, ServerRuntime Server)> ServersOf(TcpGeneration current) =>
        current.Pools.SelectMany(pool => pool.Servers.Select(server => (pool, server)));

    private IEnumerable<TcpServerCounters> CountersOf(ServerRuntime server)
    {
        foreach (TcpShard shard in plane.Tcp)
            if (shard.FindLane(server) is { } lane) yield return lane.Counters;
    }

    private IEnumerable<TcpServiceCounters> CountersOf(TcpService service) =>
        plane.Tcp.Select(shard => shard.Services).Where(all => service.Number < all.Length).Select(all => all[service.Number]);

    private void WriteServices(MetricsWriter writer, TcpGeneration current)
    {
        writer.Gauge("mainstay_tcp_connections", "Open client connections, or UDP sessions.");
        Each((labels, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.Open)), labels));
        writer.Counter("mainstay_tcp_accepted_total", "Client connections accepted, or UDP sessions begun.");
        Each((labels, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.Accepted)), labels));
        writer.Counter("mainstay_tcp_outcomes_total", "Ended connections by who ended them and why.");
        Each((labels, all) =>
        {
            for (int cause = 0; cause < FlowCauses.Count; cause++)
            {
                long count = all.Sum(c => Volatile.Read(ref c.Causes[cause]));
                if (count > 0) writer.Sample(count, [.. labels, ("by", ((FlowCause)cause).PartyLabel()), ("cause", ((FlowCause)cause).Label())]);
            }
        });
        writer.Counter("mainstay_tcp_received_bytes_total", "Bytes of clients; of a connection when it has ended.");
        Each((labels, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.BytesFromClients)), labels));
        writer.Counter("mainstay_tcp_sent_bytes_total", "Bytes to clients; of a connection when it has ended.");
        Each((labels, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.BytesToClients)), labels));
        writer.Counter("mainstay_udp_received_total", "Datagrams of clients.");
        Each((labels, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.DatagramsFromClients)), labels), TransportProtocol.Udp);
        writer.Counter("mainstay_udp_sent_total", "Datagrams to clients.");
        Each((labels, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.DatagramsToClients)), labels), TransportProtocol.Udp);
        writer.Counter("mainstay_udp_dropped_total", "Datagrams that found no session, no server or no room.");
        Each((labels, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.DatagramsDropped)), labels), TransportProtocol.Udp);

        void Each(Action<(string Name, string Value)[], List<TcpServiceCounters>> write, TransportProtocol? only = null)
        {
            foreach (TcpService service in current.Services)
                if (only is null || service.Snapshot.Protocol == only) write([("service", service.Snapshot.Name)], [.. CountersOf(service)]);
        }
    }

    private void WriteServers(MetricsWriter writer, TcpGeneration current)
    {
        Family("mainstay_tcp_server_connections_total", "Connections begun to the server.", c => Volatile.Read(ref c.Connections));
        Family("mainstay_tcp_server_connect_failures_total", "Those that did not come about.", c => Volatile.Read(ref c.ConnectFailures));
        Family("mainstay_tcp_server_connect_timeouts_total", "Of these, those that took too long.", c => Volatile.Read(ref c.ConnectTimeouts));
        Family("mainstay_tcp_server_resets_total", "Connections that the server broke off.", c => Volatile.Read(ref c.Resets));
        Family("mainstay_tcp_server_retries_total", "Clients taken on to another server.", c => Volatile.Read(ref c.Retries));
        Family("mainstay_tcp_server_sent_bytes_total", "Bytes sent to the server.", c => Volatile.Read(ref c.BytesToServer));
        Family("mainstay_tcp_server_received_bytes_total", "Bytes received from it.", c => Volatile.Read(ref c.BytesFromServer));

        void Family(string name, string help, Func<TcpServerCounters, long> value)
        {
            writer.Counter(name, help);
            foreach ((PoolRuntime pool, ServerRuntime server) in ServersOf(current))
            {
                List<TcpServerCounters> counters = [.. CountersOf(server)];
                if (counters.Count > 0) writer.Sample(counters.Sum(value), ("pool", pool.Snapshot.Name), ("server", server.Name));
            }
        }
    }

    private void WriteShards(MetricsWriter writer)
    {
        Family("mainstay_tcp_accept_failures_total", "Accepts that failed for want of descriptors or memory.", c => c.AcceptFailures);
        Family("mainstay_tcp_accept_pauses_total", "Times accepting paused because there was no room.", c => c.AcceptPauses);
        Family("mainstay_tcp_spliced_total", "Times the kernel was left to move bulk data.", c => c.Spliced);
        Family("mainstay_tcp_splices_refused_total", "Times there was no pipe for that.", c => c.SplicesRefused);
        writer.Counter("mainstay_tcp_refused_proxy_headers_total", "PROXY headers refused, by what was wrong with them.");
        for (int reason = 1; reason < ProxyRejects.Count; reason++)
        {
            long count = plane.Tcp.Sum(shard => Volatile.Read(ref shard.Counters.RefusedHeaders[reason]));
            if (count > 0) writer.Sample(count, ("reason", ((ProxyReject)reason).Label()));
        }

        void Family(string name, string help, Func<TcpShardCounters, long> value)
        {
            writer.Counter(name, help);
            writer.Sample(plane.Tcp.Sum(shard => value(shard.Counters)));
        }
    }
}

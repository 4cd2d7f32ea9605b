using Mainstay.Core.Http;
using Mainstay.Core.Proxy;
using Mainstay.Core.Http2;
using Mainstay.Core.Tls;
using Mainstay.Engine.Control;
using Mainstay.Engine.Logging;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http;

/// <summary>What the HTTP plane tells of itself: the shards' counters, added up.</summary>
public sealed class HttpReport(HttpPlane plane, AccessLog log) : IStatusSource
{
    /// <summary>Histogram bounds in seconds: every second power of two from 64 us to 67 s. Finer buckets stay inside.</summary>
    private static readonly int[] s_boundBuckets = [.. Enumerable.Range(0, 11).Select(i => LatencyHistogram.BucketBelow(64L << (2 * i)))];
    private static readonly double[] s_bounds = [.. s_boundBuckets.Select(bucket => LatencyHistogram.UpperBorder(bucket).TotalSeconds)];

    public void FillStatus(StatusReport report)
    {
        if (plane.Current is not { } current) return;
        var counts = new long[LatencyHistogram.Size];
        foreach (PoolTarget target in current.Pools.Values)
        {
            foreach (ServerRuntime server in target.Pool.Servers)
            {
                if (report.FindServer(target.Pool.Snapshot.Name, server.Name) is not { } row) continue;
                List<ServerCounters> counters = [.. CountersOf(server)];
                row.Requests = counters.Sum(c => Volatile.Read(ref c.Requests) + Failures(c));
                row.Failures = counters.Sum(Failures);
                Array.Clear(counts);
                foreach (ServerCounters each in counters) each.ResponseTimes.AddTo(counts);
                row.ResponseP50Milliseconds = LatencyHistogram.Quantile(counts, 0.50).TotalMilliseconds;
                row.ResponseP99Milliseconds = LatencyHistogram.Quantile(counts, 0.99).TotalMilliseconds;
            }
        }

        foreach (HttpService service in current.Services)
        {
            if (report.Http.FirstOrDefault(candidate => candidate.Name == service.Snapshot.Name) is not { } row) continue;
            foreach (ServiceCounters counters in CountersOf(service))
            {
                row.Connections += Volatile.Read(ref counters.Connections);
                row.Requests += Volatile.Read(ref counters.Requests);
                for (int cause = 0; cause < counters.Causes.Length; cause++)
                    if (new Outcome(default, (OutcomeCause)cause).Status >= 500) row.Failures += Volatile.Read(ref counters.Causes[cause]);
            }
        }
    }

    public void WriteMetrics(MetricsWriter writer)
    {
        if (plane.Current is not { } current) return;
        WriteServices(writer, current);
        WriteServers(writer, current);
        WriteShards(writer);
        WriteFiles(writer);
    }

    private static long Failures(ServerCounters counters) =>
        Volatile.Read(ref counters.ConnectFailures) + Volatile.Read(ref counters.ResponseFailures) + Volatile.Read(ref counters.Timeouts);

    private IEnumerable<ServerCounters> CountersOf(ServerRuntime server)
    {
        foreach (HttpShard shard in plane.Http)
            if (shard.FindLane(server) is { } lane) yield return lane.Counters;
    }

    private IEnumerable<ServiceCounters> CountersOf(HttpService service) =>
        plane.Http.Select(shard => shard.Services).Where(all => service.Number < all.Length).Select(all => all[service.Number]);

    private void WriteServices(MetricsWriter writer, HttpGeneration current)
    {
        writer.Gauge("mainstay_http_connections", "Open client connections.");
        Each((service, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.Connections)), ("service", service)));
        writer.Counter("mainstay_http_responses_total", "Responses to clients by status class; 0 is none.");
        Each((service, all) =>
        {
            for (int digit = 0; digit < 6; digit++)
                writer.Sample(all.Sum(c => Volatile.Read(ref c.Statuses[digit])), ("service", service), ("class", digit == 0 ? "0" : $"{digit}xx"));
        });
        writer.Counter("mainstay_http_outcomes_total", "Ended exchanges by who ended them and why.");
        Each((service, all) =>
        {
            for (int cause = 0; cause < Outcome.CauseCount; cause++)
            {
                long count = all.Sum(c => Volatile.Read(ref c.Causes[cause]));
                var outcome = new Outcome(default, (OutcomeCause)cause);
                if (count > 0) writer.Sample(count, ("service", service), ("by", outcome.PartyLabel), ("cause", outcome.CauseLabel));
            }
        });
        writer.Counter("mainstay_tls_handshakes_total", "TLS handshakes of clients that succeeded; resumed: those that took up a session.");
        Each((service, all) =>
        {
            long resumed = all.Sum(c => Volatile.Read(ref c.Resumed)), succeeded = all.Sum(c => Volatile.Read(ref c.Handshakes));
            writer.Sample(Math.Max(0, succeeded - resumed), ("service", service), ("resumed", "no"));
            writer.Sample(resumed, ("service", service), ("resumed", "yes"));
        });
        writer.Counter("mainstay_tls_handshake_failures_total", "TLS handshakes of clients that did not succeed, by cause.");
        Each((service, all) =>
        {
            for (int failure = 1; failure < TlsFailures.Count; failure++)
            {
                long count = all.Sum(c => Volatile.Read(ref c.HandshakeFailures[failure]));
                if (count > 0) writer.Sample(count, ("service", service), ("cause", ((TlsFailure)failure).Label()));
            }
        });
        writer.Counter("mainstay_http_received_bytes_total", "Bytes of requests.");
        Each((service, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.BytesFromClients)), ("service", service)));
        writer.Counter("mainstay_http_sent_bytes_total", "Bytes of responses.");
        Each((service, all) => writer.Sample(all.Sum(c => Volatile.Read(ref c.BytesToClients)), ("service", service)));
        writer.Histogram("mainstay_http_duration_seconds", "From a request's head to the end of its response.");
        Each((service, all) => WriteHistogram(writer, all.Select(c => c.Durations), ("service", service)));

        void Each(Action<string, List<ServiceCounters>> write)
        {
            foreach (HttpService service in current.Services) write(service.Snapshot.Name, [.. CountersOf(service)]);
        }
    }

    private void WriteServers(MetricsWriter writer, HttpGeneration current)
    {
        Family("mainstay_server_requests_total", "Responses that the server completed.", c => Volatile.Read(ref c.Requests));
        Family("mainstay_server_sent_bytes_total", "Bytes of requests sent to the server.", c => Volatile.Read(ref c.BytesToServer));
        Family("mainstay_server_received_bytes_total", "Bytes of responses received from it.", c => Volatile.Read(ref c.BytesFromServer));
        Family("mainstay_server_connections_total", "Connections opened to it.", c => Volatile.Read(ref c.Connections));
        Family("mainstay_server_tls_handshakes_total", "TLS handshakes with the server.", c => Volatile.Read(ref c.Handshakes));
        Family("mainstay_server_tls_resumed_total", "Of these, those that took up a session.", c => Volatile.Read(ref c.Resumed));
        Family("mainstay_server_connect_failures_total", "Connections that did not come about.", c => Volatile.Read(ref c.ConnectFailures));
        Family("mainstay_server_response_failures_total", "Responses broken off or not understood.", c => Volatile.Read(ref c.ResponseFailures));
        Family("mainstay_server_timeouts_total", "Times it took too long to connect or to answer.", c => Volatile.Read(ref c.Timeouts));
        Family("mainstay_server_retries_total", "Requests taken on to another server.", c => Volatile.Read(ref c.Retries));
        writer.Histogram("mainstay_server_response_seconds", "From the request sent to the end of its response.");
        foreach ((PoolTarget target, ServerRuntime server) in Servers())
            WriteHistogram(writer, CountersOf(server).Select(c => c.ResponseTimes), ("pool", target.Pool.Snapshot.Name), ("server", server.Name));

        void Family(string name, string help, Func<ServerCounters, long> value)
        {
            writer.Counter(name, help);
            foreach ((PoolTarget target, ServerRuntime server) in Servers())
                writer.Sample(CountersOf(server).Sum(value), ("pool", target.Pool.Snapshot.Name), ("server", server.Name));
        }

        IEnumerable<(PoolTarget, ServerRuntime)> Servers() =>
            current.Pools.Values.SelectMany(target => target.Pool.Servers.Select(server => (target, server)));
    }

    private void WriteShards(MetricsWriter writer)
    {
        Family("mainstay_accepted_total", "Client connections accepted.", c => c.Accepted);
        Family("mainstay_accept_failures_total", "Accepts that failed for want of descriptors or memory.", c => c.AcceptFailures);
        Family("mainstay_accept_pauses_total", "Times accepting paused because the shard was full.", c => c.AcceptPauses);
        Family("mainstay_shed_total", "Connections ended because messages under way held too much memory.", c => c.Shed);
        writer.Counter("mainstay_faults_total", "Exceptions that ended one connection; each is a bug, and in the worker's log.");
        foreach (HttpShard shard in plane.Http) writer.Sample(shard.Faults, ("shard", shard.Number.ToString()));
        Family("mainstay_head_timeouts_total", "Requests whose head did not come in time.", c => c.HeadTimeouts);
        Family("mainstay_heads_aborted_total", "Clients that left in the middle of a head.", c => c.HeadsAborted);
        Family("mainstay_taken_over_total", "Idle server connections taken over from another shard.", c => c.TakenOver);
        Reasons("mainstay_rejected_requests_total", "Requests refused, by what was wrong with them.", c => c.Rejected);
        writer.Counter("mainstay_http_refused_proxy_headers_total", "PROXY headers refused, by what was wrong with them.");
        for (int reason = 1; reason < ProxyRejects.Count; reason++)
        {
            long count = plane.Http.Sum(shard => Volatile.Read(ref shard.Counters.RefusedHeaders[reason]));
            if (count > 0) writer.Sample(count, ("reason", ((ProxyReject)reason).Label()));
        }

        Reasons("mainstay_rejected_responses_total", "Responses of servers refused, by what was wrong with them.", c => c.RefusedResponses);
        writer.Counter("mainstay_http2_errors_total", "HTTP/2 connections and streams ended, and messages refused, because the peer broke a rule.");
        for (int reason = 1; reason < Http2Reasons.Count; reason++)
        {
            long count = plane.Http.Sum(shard => Volatile.Read(ref shard.Http2.Counters[reason]));
            if (count > 0) writer.Sample(count, ("reason", ((Http2Reason)reason).Label()));
        }

        writer.Counter("mainstay_access_log_dropped_total", "Lines dropped because the log could not be written fast enough.");
        writer.Sample(log.Dropped);
        writer.Counter("mainstay_access_log_failed_writes_total", "Writes to the access log that failed.");
        writer.Sample(log.FailedWrites);

        void Family(string name, string help, Func<ShardCounters, long> value)
        {
            writer.Counter(name, help);
            foreach (HttpShard shard in plane.Http) writer.Sample(value(shard.Counters), ("shard", shard.Number.ToString()));
        }

        void Reasons(string name, string help, Func<ShardCounters, long[]> counts)
        {
            writer.Counter(name, help);
            for (int reason = 1; reason < RejectReasons.Count; reason++)
            {
                long count = plane.Http.Sum(shard => Volatile.Read(ref counts(shard.Counters)[reason]));
                if (count > 0) writer.Sample(count, ("reason", ((RejectReason)reason).Label()));
            }
        }
    }

    private void WriteFiles(MetricsWriter writer)
    {
        Family("mainstay_files_looked_up_total", "Looks for files, in the kernel's cache or on the disk.", http => http.Files.Counts.Looks);
        Family("mainstay_files_awaited_total", "Looks for files that had to wait for the disk.", http => http.Files.Counts.Offloaded);
        Family("mainstay_uncompressed_total", "Responses sent as they were because too many others were being compressed.", http => http.Encoders.Refused);
        writer.Gauge("mainstay_files_open", "Descriptors of files held open.");
        foreach (HttpShard shard in plane.Http) writer.Sample(shard.Files.Held.Descriptors, ("shard", shard.Number.ToString()));

        void Family(string name, string help, Func<HttpShard, long> value)
        {
            writer.Counter(name, help);
            foreach (HttpShard shard in plane.Http) writer.Sample(value(shard), ("shard", shard.Number.ToString()));
        }
    }

    private static void WriteHistogram(
        MetricsWriter writer, IEnumerable<LatencyHistogram> histograms, params ReadOnlySpan<(string Name, string Value)> labels)
    {
        Span<long> fine = stackalloc long[LatencyHistogram.Size];
        long sum = 0;
        foreach (LatencyHistogram histogram in histograms) sum += histogram.AddTo(fine);
        Span<long> coarse = stackalloc long[s_bounds.Length + 1];
        int bound = 0;
        for (int bucket = 0; bucket < fine.Length; bucket++)
        {
            while (bound < s_boundBuckets.Length && bucket > s_boundBuckets[bound]) bound++;
            coarse[bound] += fine[bucket];
        }

        writer.Buckets(s_bounds, coarse, sum / 1e6, labels);
    }
}

using System.Buffers;
using System.Diagnostics;
using System.Reflection;
using Mainstay.Core.Config;
using Mainstay.Engine.Control;

namespace Mainstay.Admin;

/// <summary>Puts together what all parts of the worker report. One report at a time: the sources need not be prepared for two.</summary>
internal sealed class StatusSources(IReadOnlyList<IStatusSource> sources)
{
    private readonly Lock _gate = new();
    private readonly long _started = Stopwatch.GetTimestamp();
    private Snapshot? _snapshot;
    private long _generation;

    public static string Version { get; } =
        typeof(StatusSources).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "";

    public void Show(Snapshot snapshot)
    {
        lock (_gate)
        {
            _snapshot = snapshot;
            _generation++;
        }
    }

    /// <summary>The configuration in force as a file; it may hold secrets.</summary>
    public string WriteConfiguration()
    {
        lock (_gate) return _snapshot is null ? "" : ConfigWriter.Write(_snapshot);
    }

    public StatusReport Report()
    {
        lock (_gate)
        {
            var report = new StatusReport
            {
                Node = _snapshot?.Node ?? "",
                Version = Version,
                Configuration = _generation,
                WorkerPid = Environment.ProcessId,
                UptimeSeconds = Stopwatch.GetElapsedTime(_started).TotalSeconds,
                Pools = [.. (_snapshot?.Pools ?? []).Select(ListPool)],
                Http = [.. (_snapshot?.Http ?? []).Select(http => new HttpStatus { Name = http.Name, Listen = [.. http.Listen.Select(at => at.ToString())] })],
                Tcp = [.. (_snapshot?.Tcp ?? []).Select(ListTcp)],
            };
            foreach (IStatusSource source in sources) source.FillStatus(report);
            return report;
        }
    }

    public void WriteMetrics(IBufferWriter<byte> output)
    {
        lock (_gate)
        {
            var writer = new MetricsWriter(output);
            writer.Gauge("mainstay_info", "Always 1; the labels say what runs.");
            writer.Sample(1, ("version", Version), ("node", _snapshot?.Node ?? ""));
            writer.Gauge("mainstay_configuration", "How often a configuration was put in force in this worker.");
            writer.Sample(_generation);
            ProcessMetrics.Write(writer);
            foreach (IStatusSource source in sources) source.WriteMetrics(writer);
        }
    }

    private static TcpStatus ListTcp(TcpSnapshot service) => new()
    {
        Name = service.Name,
        Protocol = service.Protocol == TransportProtocol.Udp ? "udp" : "tcp",
        Listen = [.. service.Listen.Select(listen => listen.Address.ToString())],
    };

    private static PoolStatus ListPool(PoolSnapshot pool) => new()
    {
        Name = pool.Name,
        Balance = pool.Balance.AlgorithmName,
        Servers =
        [
            .. pool.Servers.Select(server => new ServerStatus
            {
                Name = server.Name,
                Address = server.Address.ToString(),
                Backup = server.Backup,
                Weight = server.Weight,
            }),
        ],
    };
}

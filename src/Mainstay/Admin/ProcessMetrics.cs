using System.Diagnostics;
using Mainstay.Engine.Control;

namespace Mainstay.Admin;

/// <summary>What the worker process itself costs, under the names that Prometheus client libraries use.</summary>
internal static class ProcessMetrics
{
    public static void Write(MetricsWriter writer)
    {
        Environment.ProcessCpuUsage cpu = Environment.CpuUsage;
        writer.Counter("process_cpu_seconds_total", "User and system CPU time of the worker in seconds.");
        writer.Sample(cpu.TotalTime.TotalSeconds);
        writer.Gauge("process_resident_memory_bytes", "Resident memory of the worker in bytes.");
        writer.Sample(Environment.WorkingSet);
        writer.Gauge("process_start_time_seconds", "Start of the worker, in seconds since 1970.");
        using Process self = Process.GetCurrentProcess();
        writer.Sample((self.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds);
        writer.Counter("mainstay_gc_collections_total", "Garbage collections of the worker by generation; each stops every shard.");
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            // The runtime counts a collection for its generation and for all younger ones.
            int older = generation == GC.MaxGeneration ? 0 : GC.CollectionCount(generation + 1);
            writer.Sample(GC.CollectionCount(generation) - older, ("generation", $"{generation}"));
        }

        writer.Counter("mainstay_gc_pause_seconds_total", "Time in which a garbage collection stopped the worker.");
        writer.Sample(GC.GetTotalPauseDuration().TotalSeconds);
    }
}

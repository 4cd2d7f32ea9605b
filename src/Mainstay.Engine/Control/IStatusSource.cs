namespace Mainstay.Engine.Control;

/// <summary>A part of the worker that has something to report. Called by the admin plane's threads, one call at a time.</summary>
public interface IStatusSource
{
    /// <summary>Fills in what this part knows; pools, servers and services of the configuration are listed already.</summary>
    void FillStatus(StatusReport report);

    /// <summary>Writes this part's metric families, each exactly once.</summary>
    void WriteMetrics(MetricsWriter writer);
}

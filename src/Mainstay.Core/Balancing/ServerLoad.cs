using System.Runtime.InteropServices;

namespace Mainstay.Core.Balancing;

/// <summary>
/// What all shards together have going with one server. Two cache lines, so that neighbours in the table never share one
/// (adjacent-line prefetch included). Changed by interlocked operations only.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
public struct ServerLoad
{
    /// <summary>Requests (http) or connections (tcp, l4) being served now: the `active` of the scheduling formulas.</summary>
    public int InFlight;

    /// <summary>
    /// Other tracked connections: open upstream connections that carry no request (the `inactive` of the formulas).
    /// </summary>
    public int Idle;

    /// <summary>Set while the upper connection threshold was reached and the lower one not yet again: 1 or 0.</summary>
    public int Overloaded;

    /// <summary>Overloaded from this many in flight on; 0 = never. Written by the control side.</summary>
    public int Upper;

    /// <summary>No longer overloaded below this many in flight; at most <see cref="Upper"/>.</summary>
    public int Lower;

    /// <summary>
    /// Exponentially weighted moving average of the response time, in nanoseconds, as of <see cref="LastResponse"/>; 0 before the
    /// first response.
    /// </summary>
    public long ResponseTime;

    /// <summary>When the last response came: nanoseconds of an <see cref="Instant"/>.</summary>
    public long LastResponse;

    /// <summary>How requests went, for pools that look for outliers.</summary>
    public long Successes;
    public long Failures;

    /// <summary>Since the last success.</summary>
    public int FailuresInARow;

    /// <summary>`active * 256 + inactive`: what lc, wlc and twos count (ip_vs.h, ip_vs_dest_conn_overhead).</summary>
    public ulong Overhead => (ulong)Active * 256 + (uint)Math.Max(0, Volatile.Read(ref Idle));

    /// <summary><see cref="InFlight"/> as the formulas take it.</summary>
    public uint Active => (uint)Math.Max(0, Volatile.Read(ref InFlight));
}

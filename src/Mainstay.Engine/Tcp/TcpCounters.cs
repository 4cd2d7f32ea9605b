using Mainstay.Core.Proxy;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Tcp;

/// <summary>One shard's counters of what belongs to no service. A single writer; 64-bit reads are whole.</summary>
internal sealed class TcpShardCounters
{
    public long AcceptFailures;
    public long AcceptPauses;

    /// <summary>Times bulk data was left to the kernel, and times there was no pipe for it.</summary>
    public long Spliced;
    public long SplicesRefused;

    /// <summary>Refused PROXY headers by <see cref="ProxyReject"/>.</summary>
    public readonly long[] RefusedHeaders = new long[ProxyRejects.Count];
}

/// <summary>One shard's counters of one service.</summary>
internal sealed class TcpServiceCounters
{
    /// <summary>Open connections or sessions.</summary>
    public long Open;

    /// <summary>Accepted connections or begun sessions.</summary>
    public long Accepted;
    public long BytesFromClients;
    public long BytesToClients;

    /// <summary>UDP: datagrams either way, and those of clients that were thrown away.</summary>
    public long DatagramsFromClients;
    public long DatagramsToClients;
    public long DatagramsDropped;

    /// <summary>Ended connections by <see cref="FlowCause"/>.</summary>
    public readonly long[] Causes = new long[FlowCauses.Count];

    /// <summary>From the accept to the end.</summary>
    public LatencyHistogram Durations { get; } = new();
}

/// <summary>One shard's counters of one server.</summary>
internal sealed class TcpServerCounters
{
    public long Connections;
    public long BytesToServer;
    public long BytesFromServer;
    public long ConnectFailures;
    public long ConnectTimeouts;

    /// <summary>Connections that the server broke off.</summary>
    public long Resets;

    /// <summary>Clients taken on to another server.</summary>
    public long Retries;

    public LatencyHistogram ConnectTimes { get; } = new();
}

using Mainstay.Core.Http;
using Mainstay.Core.Proxy;
using Mainstay.Core.Tls;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http;

/// <summary>One shard's counters of what happens before or beside requests. A single writer; 64-bit reads are whole.</summary>
internal sealed class ShardCounters
{
    public long Accepted;
    public long AcceptFailures;
    public long AcceptPauses;
    public long Shed;
    public long HeadTimeouts;
    public long HeadsAborted;
    public long TakenOver;

    /// <summary>Refused requests by <see cref="RejectReason"/>.</summary>
    public readonly long[] Rejected = new long[RejectReasons.Count];

    /// <summary>Refused PROXY headers by <see cref="ProxyReject"/>.</summary>
    public readonly long[] RefusedHeaders = new long[ProxyRejects.Count];

    /// <summary>Refused responses of servers by <see cref="RejectReason"/>.</summary>
    public readonly long[] RefusedResponses = new long[RejectReasons.Count];
}

/// <summary>One shard's counters of one service.</summary>
internal sealed class ServiceCounters
{
    public long Connections;
    public long Requests;
    public long BytesFromClients;
    public long BytesToClients;

    /// <summary>Responses by the first digit of their status; index 1..5, 0 for none.</summary>
    public readonly long[] Statuses = new long[6];

    /// <summary>Connections that were not let in, by <see cref="Admission"/>.</summary>
    public readonly long[] TurnedAway = new long[(int)Admission.TooFast + 1];

    /// <summary>Ended exchanges by <see cref="OutcomeCause"/>.</summary>
    public readonly long[] Causes = new long[Outcome.CauseCount];

    /// <summary>TLS handshakes that succeeded, and those of them that took up a session.</summary>
    public long Handshakes;
    public long Resumed;

    /// <summary>TLS handshakes that did not, by <see cref="TlsFailure"/>.</summary>
    public readonly long[] HandshakeFailures = new long[TlsFailures.Count];

    /// <summary>From the request's head to the end of its response.</summary>
    public LatencyHistogram Durations { get; } = new();
}

using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Engine.Tls;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Http;

/// <summary>
/// What one shard has with one server: its connections, idle ones last used first, and its counters. Counters are written by the
/// shard and read by anyone.
/// </summary>
internal sealed class ServerLane(HttpShard shard, ServerRuntime server)
{
    private UpstreamConnection? _idle;
    private UpstreamConnection? _busy;
    private readonly List<Http2ServerSession> _sessions = [];

    public ServerRuntime Server { get; } = server;
    public HttpShard Shard { get; } = shard;
    public ServerCounters Counters { get; } = new();

    /// <summary>Idle connections of this shard; other shards read it when they look for one to take over.</summary>
    public int IdleCount => Volatile.Read(ref _idleCount);

    private int _idleCount;

    /// <summary>How the server is spoken to now; null = without TLS.</summary>
    public ServerTls? Tls { get; set; }

    /// <summary>A session that can be taken up again, of <see cref="Tls"/> as it was then.</summary>
    public TlsSession? Session { get; private set; }

    private ServerTls? _sessionOf;

    /// <summary>The session for a new connection.</summary>
    public TlsSession? ResumableSession => _sessionOf == Tls ? Session : null;

    public void Keep(TlsSession session, ServerTls of)
    {
        Session?.Dispose();
        (Session, _sessionOf) = (session, of);
    }

    /// <summary>The server is no longer configured: connections end with their exchange.</summary>
    public bool IsRetired { get; set; }

    /// <summary>Takes the idle connection that was used last, or null.</summary>
    public UpstreamConnection? TakeIdle()
    {
        while (_idle is { } connection)
        {
            if (!connection.IsCurrent)
            {
                connection.Close();
                continue;
            }

            RemoveIdle(connection);
            return connection;
        }

        return null;
    }

    public void AddIdle(UpstreamConnection connection)
    {
        Link(ref _idle, connection);
        Volatile.Write(ref _idleCount, _idleCount + 1);
        Interlocked.Increment(ref Shard.Loads[Server.Slot].Idle);
    }

    public void RemoveIdle(UpstreamConnection connection)
    {
        Unlink(ref _idle, connection);
        Volatile.Write(ref _idleCount, _idleCount - 1);
        Interlocked.Decrement(ref Shard.Loads[Server.Slot].Idle);
    }

    public void AddBusy(UpstreamConnection connection) => Link(ref _busy, connection);

    public void RemoveBusy(UpstreamConnection connection) => Unlink(ref _busy, connection);

    /// <summary>A connection that carries many requests and takes another: the one with the fewest under way.</summary>
    public Http2ServerSession? FindSession()
    {
        Http2ServerSession? best = null;
        foreach (Http2ServerSession session in _sessions)
            if (session.TakesMore && (best is null || session.Load < best.Load)) best = session;
        return best;
    }

    public void Add(Http2ServerSession session) => _sessions.Add(session);

    public void Remove(Http2ServerSession session) => _sessions.Remove(session);

    /// <summary>Connections without a request end now, others take no further ones.</summary>
    public void CloseIdle()
    {
        for (int i = _sessions.Count - 1; i >= 0; i--) _sessions[i].Leave();
        while (_idle is { } connection) connection.Close();
    }

    /// <summary>Cuts every exchange that the server is working on.</summary>
    public void CutBusy()
    {
        // Each cut unlinks its connection; one that a cut opens anew goes to another server or to the list's front once more.
        var cut = new List<UpstreamConnection>();
        for (UpstreamConnection? at = _busy; at is not null; at = at.NextInLane) cut.Add(at);
        foreach (UpstreamConnection connection in cut) connection.Cut();
    }

    private static void Link(ref UpstreamConnection? head, UpstreamConnection connection)
    {
        connection.PreviousInLane = null;
        connection.NextInLane = head;
        if (head is not null) head.PreviousInLane = connection;
        head = connection;
    }

    private static void Unlink(ref UpstreamConnection? head, UpstreamConnection connection)
    {
        if (connection.PreviousInLane is not null) connection.PreviousInLane.NextInLane = connection.NextInLane;
        else head = connection.NextInLane;
        if (connection.NextInLane is not null) connection.NextInLane.PreviousInLane = connection.PreviousInLane;
        connection.PreviousInLane = connection.NextInLane = null;
    }
}

/// <summary>One shard's counters of one server. A single writer; 64-bit reads are whole.</summary>
public sealed class ServerCounters
{
    public long Requests;
    public long BytesToServer;
    public long BytesFromServer;
    public long ConnectFailures;
    public long ResponseFailures;
    public long Timeouts;
    public long Retries;
    public long Connections;

    /// <summary>TLS handshakes with the server, and those of them that took up a session.</summary>
    public long Handshakes;
    public long Resumed;

    /// <summary>Responses by the first digit of their status; index 1..5.</summary>
    public readonly long[] Statuses = new long[6];

    /// <summary>From the request's first byte sent to the response's last byte received.</summary>
    public LatencyHistogram ResponseTimes { get; } = new();
}

namespace Mainstay.Core.Http;

/// <summary>Who ended a request.</summary>
public enum OutcomeParty : byte
{
    /// <summary>Nobody: it ran to its end.</summary>
    None,
    Client,
    Proxy,
    Server,
}

/// <summary>How far a request had come, in the order in which it goes through them.</summary>
public enum OutcomePhase : byte
{
    Accept,
    Handshake,
    RequestHead,
    Route,
    Pick,
    Connect,
    SendRequest,
    FirstByte,
    ResponseHead,
    Body,
    Tunnel,
    Done,
}

/// <summary>
/// Why a request ended: one member for each cause. What follows from it is in the table of <see cref="Outcome"/>.
/// </summary>
public enum OutcomeCause : byte
{
    Completed,

    // by the client
    ClientRejected,
    ClientHandshakeFailed,
    ClientHandshakeTimeout,
    ClientProxyHeaderRefused,
    ClientProxyHeaderTimeout,
    ClientHeadTimeout,
    ClientBodyTimeout,
    ClientWriteTimeout,
    ClientClosed,
    ClientReset,
    RateLimited,
    Banned,
    SlowBody,
    SlowRead,
    Unauthorized,

    // by the proxy
    Responded,
    Redirected,
    MaxForwardsReached,
    FileServed,
    FileMissing,
    FileForbidden,
    FileUnavailable,
    FileFailed,
    FileChanged,
    MethodNotAllowed,
    NoCodingAcceptable,
    NoRoute,
    AccessDenied,
    NoServer,
    ServersBusy,
    Overloaded,
    CredentialsUnchecked,
    HeadDoesNotFit,
    TotalTimeout,
    DrainDeadline,
    Fault,

    // by the server
    NameNotResolved,
    ConnectRefused,
    ConnectUnreachable,
    ConnectTimeout,
    ConnectFailed,
    ServerHandshakeFailed,
    ServerUntrusted,
    ServerClosed,
    ServerReset,
    ServerFirstByteTimeout,
    ServerIdleTimeout,
    ServerRejected,
    ServerTakenOut,
}

/// <summary>
/// Who ended a request, in which phase and why: the one answer that the access log and the metrics give.
/// </summary>
/// <param name="Reject">What was wrong with the message, for the two Rejected causes.</param>
public readonly record struct Outcome(OutcomePhase Phase, OutcomeCause Cause, RejectReason Reject = RejectReason.None)
{
    public static readonly Outcome Completed = new(OutcomePhase.Done, OutcomeCause.Completed);

    private enum Retry : byte
    {
        Never,

        /// <summary>The connection failed, and nothing says that the server refused the request itself.</summary>
        ConnectionLost,
    }

    /// <summary>
    /// For every cause: who is to blame, the status that the client gets while its response has not begun (0: none, the
    /// connection is closed, or the response is the proxy's own), whether another server may be tried, and the stable label.
    /// </summary>
    private static readonly (OutcomeCause Cause, OutcomeParty Party, int Status, Retry Retry, string Label)[] s_table =
    [
        (OutcomeCause.Completed, OutcomeParty.None, 0, Retry.Never, "completed"),
        (OutcomeCause.ClientRejected, OutcomeParty.Client, 400, Retry.Never, "rejected"), // the status is the reason's
        (OutcomeCause.ClientHandshakeFailed, OutcomeParty.Client, 0, Retry.Never, "handshake-failed"),
        (OutcomeCause.ClientHandshakeTimeout, OutcomeParty.Client, 0, Retry.Never, "handshake-timeout"),
        (OutcomeCause.ClientProxyHeaderRefused, OutcomeParty.Client, 0, Retry.Never, "proxy-header-refused"),
        (OutcomeCause.ClientProxyHeaderTimeout, OutcomeParty.Client, 0, Retry.Never, "proxy-header-timeout"),
        (OutcomeCause.ClientHeadTimeout, OutcomeParty.Client, 408, Retry.Never, "head-timeout"),
        (OutcomeCause.ClientBodyTimeout, OutcomeParty.Client, 408, Retry.Never, "body-timeout"),
        (OutcomeCause.ClientWriteTimeout, OutcomeParty.Client, 0, Retry.Never, "write-timeout"),
        (OutcomeCause.ClientClosed, OutcomeParty.Client, 0, Retry.Never, "closed"),
        (OutcomeCause.ClientReset, OutcomeParty.Client, 0, Retry.Never, "reset"),
        (OutcomeCause.RateLimited, OutcomeParty.Client, 429, Retry.Never, "rate-limited"),
        (OutcomeCause.Banned, OutcomeParty.Client, 403, Retry.Never, "banned"),
        (OutcomeCause.SlowBody, OutcomeParty.Client, 408, Retry.Never, "slow-body"),
        (OutcomeCause.SlowRead, OutcomeParty.Client, 0, Retry.Never, "slow-read"),
        (OutcomeCause.Unauthorized, OutcomeParty.Client, 401, Retry.Never, "unauthorized"),
        (OutcomeCause.Responded, OutcomeParty.Proxy, 0, Retry.Never, "responded"),
        (OutcomeCause.Redirected, OutcomeParty.Proxy, 0, Retry.Never, "redirected"),
        (OutcomeCause.MaxForwardsReached, OutcomeParty.Proxy, 0, Retry.Never, "max-forwards-reached"),
        (OutcomeCause.FileServed, OutcomeParty.Proxy, 0, Retry.Never, "file-served"),
        (OutcomeCause.FileMissing, OutcomeParty.Proxy, 404, Retry.Never, "file-missing"),
        (OutcomeCause.FileForbidden, OutcomeParty.Proxy, 403, Retry.Never, "file-forbidden"),
        (OutcomeCause.FileUnavailable, OutcomeParty.Proxy, 503, Retry.Never, "file-unavailable"),
        (OutcomeCause.FileFailed, OutcomeParty.Proxy, 500, Retry.Never, "file-failed"),
        (OutcomeCause.FileChanged, OutcomeParty.Proxy, 500, Retry.Never, "file-changed"),
        (OutcomeCause.MethodNotAllowed, OutcomeParty.Proxy, 405, Retry.Never, "method-not-allowed"),
        (OutcomeCause.NoCodingAcceptable, OutcomeParty.Proxy, 406, Retry.Never, "no-coding-acceptable"),
        (OutcomeCause.NoRoute, OutcomeParty.Proxy, 404, Retry.Never, "no-route"),
        (OutcomeCause.AccessDenied, OutcomeParty.Proxy, 403, Retry.Never, "access-denied"),
        (OutcomeCause.NoServer, OutcomeParty.Proxy, 503, Retry.Never, "no-server"),
        (OutcomeCause.ServersBusy, OutcomeParty.Proxy, 503, Retry.Never, "servers-busy"),
        (OutcomeCause.Overloaded, OutcomeParty.Proxy, 503, Retry.Never, "overloaded"),
        (OutcomeCause.CredentialsUnchecked, OutcomeParty.Proxy, 503, Retry.Never, "credentials-unchecked"),
        (OutcomeCause.HeadDoesNotFit, OutcomeParty.Proxy, 431, Retry.Never, "head-does-not-fit"),
        (OutcomeCause.TotalTimeout, OutcomeParty.Proxy, 504, Retry.Never, "total-timeout"),
        (OutcomeCause.DrainDeadline, OutcomeParty.Proxy, 503, Retry.Never, "drain-deadline"),
        (OutcomeCause.Fault, OutcomeParty.Proxy, 500, Retry.Never, "fault"),
        (OutcomeCause.NameNotResolved, OutcomeParty.Server, 502, Retry.ConnectionLost, "name-not-resolved"),
        (OutcomeCause.ConnectRefused, OutcomeParty.Server, 502, Retry.ConnectionLost, "connect-refused"),
        (OutcomeCause.ConnectUnreachable, OutcomeParty.Server, 502, Retry.ConnectionLost, "connect-unreachable"),
        (OutcomeCause.ConnectTimeout, OutcomeParty.Server, 504, Retry.ConnectionLost, "connect-timeout"),
        (OutcomeCause.ConnectFailed, OutcomeParty.Server, 502, Retry.ConnectionLost, "connect-failed"),
        (OutcomeCause.ServerHandshakeFailed, OutcomeParty.Server, 502, Retry.ConnectionLost, "handshake-failed"),
        (OutcomeCause.ServerUntrusted, OutcomeParty.Server, 502, Retry.ConnectionLost, "untrusted"),
        (OutcomeCause.ServerClosed, OutcomeParty.Server, 502, Retry.ConnectionLost, "closed"),
        (OutcomeCause.ServerReset, OutcomeParty.Server, 502, Retry.ConnectionLost, "reset"),
        (OutcomeCause.ServerFirstByteTimeout, OutcomeParty.Server, 504, Retry.Never, "first-byte-timeout"),
        (OutcomeCause.ServerIdleTimeout, OutcomeParty.Server, 504, Retry.Never, "idle-timeout"),
        (OutcomeCause.ServerRejected, OutcomeParty.Server, 502, Retry.Never, "rejected"),
        (OutcomeCause.ServerTakenOut, OutcomeParty.Server, 503, Retry.Never, "taken-out"),
    ];

    private static readonly string[] s_parties = ["none", "client", "proxy", "server"];

    private static readonly string[] s_phases =
        ["accept", "handshake", "request-head", "route", "pick", "connect", "send-request", "first-byte", "response-head", "body", "tunnel", "done"];

    public static int CauseCount => s_table.Length;

    public OutcomeParty Party => s_table[(int)Cause].Party;

    /// <summary>What the client is answered while its response has not begun; 0 = nothing, its connection is closed.</summary>
    public int Status => Cause == OutcomeCause.ClientRejected && Reject != RejectReason.None ? Reject.Status() : s_table[(int)Cause].Status;

    /// <summary>Stable labels for log and metrics; party and cause together are unique.</summary>
    public string PartyLabel => s_parties[(int)Party];
    public string PhaseLabel => s_phases[(int)Phase];
    public string CauseLabel => s_table[(int)Cause].Label;

    /// <summary>The client was refused a message that it sent, for one named reason.</summary>
    public static Outcome RejectedRequest(OutcomePhase phase, RejectReason reason) => new(phase, OutcomeCause.ClientRejected, reason);

    /// <summary>
    /// Whether the request may be tried on another server (RFC 9110 section 9.2.2): the connection failed before a byte was sent,
    /// or a pooled connection died under an idempotent request before a byte came back. The caller adds that the body is unsent
    /// or kept whole.
    /// </summary>
    public bool IsRetryable(bool nothingSent, bool pooled, RequestMethod method)
    {
        if (s_table[(int)Cause].Retry == Retry.Never || Phase > OutcomePhase.FirstByte) return false;
        return nothingSent || (pooled && method.IsIdempotent());
    }

    public override string ToString() =>
        Reject == RejectReason.None ? $"{PartyLabel}/{PhaseLabel}/{CauseLabel}" : $"{PartyLabel}/{PhaseLabel}/{CauseLabel}/{Reject.Label()}";
}

using Mainstay.Core.Http;

namespace Mainstay.Core.Tcp;

/// <summary>How far a connection had come when it ended.</summary>
public enum FlowPhase : byte
{
    Accept,
    ProxyHeader,
    Inspect,
    Pick,
    Connect,
    Stream,
    Done,
}

/// <summary>Why a TCP connection or a UDP session ended: one member for each cause.</summary>
public enum FlowCause : byte
{
    Completed,

    // by the client
    AccessDenied,
    ProxyHeaderRefused,
    ProxyHeaderTimeout,
    InspectTimeout,
    HelloRefused,
    HandshakeFailed,
    ClientClosed,
    ClientReset,

    // by the proxy
    NoRoute,
    NoServer,
    ServersBusy,
    SessionLimit,
    IdleTimeout,
    HalfClosedTimeout,
    DrainDeadline,
    Fault,

    // by the server
    NameNotResolved,
    ConnectRefused,
    ConnectUnreachable,
    ConnectTimeout,
    ConnectFailed,
    NoSourcePort,
    ServerReset,
    ServerTakenOut,
}

/// <summary>The table behind <see cref="FlowCause"/>.</summary>
public static class FlowCauses
{
    private static readonly (FlowCause Cause, OutcomeParty Party, string Label)[] s_table =
    [
        (FlowCause.Completed, OutcomeParty.None, "completed"),
        (FlowCause.AccessDenied, OutcomeParty.Client, "access-denied"),
        (FlowCause.ProxyHeaderRefused, OutcomeParty.Client, "proxy-header-refused"),
        (FlowCause.ProxyHeaderTimeout, OutcomeParty.Client, "proxy-header-timeout"),
        (FlowCause.InspectTimeout, OutcomeParty.Client, "inspect-timeout"),
        (FlowCause.HelloRefused, OutcomeParty.Client, "hello-refused"),
        (FlowCause.HandshakeFailed, OutcomeParty.Client, "handshake-failed"),
        (FlowCause.ClientClosed, OutcomeParty.Client, "closed"),
        (FlowCause.ClientReset, OutcomeParty.Client, "reset"),
        (FlowCause.NoRoute, OutcomeParty.Proxy, "no-route"),
        (FlowCause.NoServer, OutcomeParty.Proxy, "no-server"),
        (FlowCause.ServersBusy, OutcomeParty.Proxy, "servers-busy"),
        (FlowCause.SessionLimit, OutcomeParty.Proxy, "session-limit"),
        (FlowCause.IdleTimeout, OutcomeParty.Proxy, "idle-timeout"),
        (FlowCause.HalfClosedTimeout, OutcomeParty.Proxy, "half-closed-timeout"),
        (FlowCause.DrainDeadline, OutcomeParty.Proxy, "drain-deadline"),
        (FlowCause.Fault, OutcomeParty.Proxy, "fault"),
        (FlowCause.NameNotResolved, OutcomeParty.Server, "name-not-resolved"),
        (FlowCause.ConnectRefused, OutcomeParty.Server, "connect-refused"),
        (FlowCause.ConnectUnreachable, OutcomeParty.Server, "connect-unreachable"),
        (FlowCause.ConnectTimeout, OutcomeParty.Server, "connect-timeout"),
        (FlowCause.ConnectFailed, OutcomeParty.Server, "connect-failed"),
        (FlowCause.NoSourcePort, OutcomeParty.Proxy, "no-source-port"),
        (FlowCause.ServerReset, OutcomeParty.Server, "reset"),
        (FlowCause.ServerTakenOut, OutcomeParty.Server, "taken-out"),
    ];

    private static readonly string[] s_parties = ["none", "client", "proxy", "server"];

    private static readonly string[] s_phases = ["accept", "proxy-header", "inspect", "pick", "connect", "stream", "done"];

    public static int Count => s_table.Length;

    public static OutcomeParty Party(this FlowCause cause) => s_table[(int)cause].Party;

    /// <summary>Stable names for metrics and logs; party and cause together are unique.</summary>
    public static string PartyLabel(this FlowCause cause) => s_parties[(int)cause.Party()];

    public static string Label(this FlowCause cause) => s_table[(int)cause].Label;

    public static string Label(this FlowPhase phase) => s_phases[(int)phase];

    /// <summary>The service did not do its work: what a failure rate counts.</summary>
    public static bool IsFailure(this FlowCause cause) => cause.Party() is OutcomeParty.Server
        || cause is FlowCause.NoServer or FlowCause.ServersBusy or FlowCause.SessionLimit or FlowCause.Fault or FlowCause.NoSourcePort;
}

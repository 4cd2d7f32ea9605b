namespace Mainstay.Core.Health;

/// <summary>How far a check came: the layer that its result speaks about.</summary>
public enum CheckLayer : byte
{
    /// <summary>Not the server: this machine could not ask (descriptors, privileges, a missing library).</summary>
    Self,

    /// <summary>The server's host name.</summary>
    Name,

    /// <summary>L3: the host.</summary>
    Network,

    /// <summary>L4: the port.</summary>
    Transport,

    /// <summary>L6: TLS.</summary>
    Session,

    /// <summary>L7: what the service itself said.</summary>
    Application,

    /// <summary>An external program.</summary>
    Program,
}

/// <summary>How a check ended. With <see cref="CheckLayer"/> the closed list of results.</summary>
public enum CheckCause : byte
{
    Passed,

    /// <summary>Passed, but somebody should look: a certificate that ends soon.</summary>
    Warning,

    /// <summary>No evidence either way: the check could not be made. It counts neither as good nor as bad.</summary>
    Unable,
    TimedOut,
    Refused,
    Unreachable,
    Reset,

    /// <summary>The peer ended the conversation before it was complete.</summary>
    Closed,

    /// <summary>Bytes that are not of the protocol.</summary>
    Malformed,

    /// <summary>Well formed, but not what has to be there: status, body, answer, exit code.</summary>
    Unexpected,

    /// <summary>A certificate that does not verify.</summary>
    Untrusted,

    /// <summary>Any other error the system reported.</summary>
    Failed,
}

/// <summary>What one check found.</summary>
/// <param name="Text">Short and for people: "HTTP 503", "timeout after 500ms waiting for the status line".</param>
public readonly record struct CheckOutcome(CheckLayer Layer, CheckCause Cause, string Text)
{
    /// <summary>What the server's agent said about itself; default for all other kinds.</summary>
    public AgentReport Agent { get; init; }

    public bool IsGood => Cause is CheckCause.Passed or CheckCause.Warning;

    /// <summary>Says something about the server at all.</summary>
    public bool IsEvidence => Cause != CheckCause.Unable;

    /// <summary>Stable and short, for metrics and filters: <c>L7 unexpected</c>, <c>L4 refused</c>.</summary>
    public string Code => Codes[(int)Layer * CauseCount + (int)Cause];

    private const int CauseCount = (int)CheckCause.Failed + 1;

    private static readonly string[] LayerNames = ["self", "name", "L3", "L4", "L6", "L7", "program"];

    private static readonly string[] CauseNames =
    [
        "ok", "warning", "unable", "timeout", "refused", "unreachable", "reset", "closed", "malformed", "unexpected", "untrusted",
        "failed",
    ];

    private static readonly string[] Codes =
        [.. LayerNames.SelectMany(layer => CauseNames.Select(cause => $"{layer} {cause}"))];

    public static CheckOutcome Pass(CheckLayer layer, string text) => new(layer, CheckCause.Passed, text);

    public override string ToString() => $"{Code}: {Text}";
}

/// <summary>What an agent can ask for beyond up and down.</summary>
public enum AgentOrder : byte
{
    /// <summary>Nothing said: what it asked for before still holds.</summary>
    None,

    /// <summary>Takes back drain and maintenance.</summary>
    Ready,
    Drain,
    Maintenance,
}

/// <summary>The part of an agent's answer that is not simply good or bad.</summary>
/// <param name="Order">Drain and maintenance hold until the agent says up or ready.</param>
/// <param name="PercentPlusOne">0 = none given; else the percentage (0..100) plus one, so that default means silence.</param>
public readonly record struct AgentReport(AgentOrder Order, byte PercentPlusOne)
{
    public int? Percent => PercentPlusOne == 0 ? null : PercentPlusOne - 1;

    public static AgentReport Of(AgentOrder order, int? percent) =>
        new(order, percent is { } value ? (byte)(Math.Clamp(value, 0, 100) + 1) : (byte)0);
}

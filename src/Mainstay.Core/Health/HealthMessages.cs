using Mainstay.Core.Balancing;

namespace Mainstay.Core.Health;

/// <summary>What an operator, or the server's agent, wants with a server regardless of its checks.</summary>
public enum ServerOrder : byte
{
    None,
    Drain,
    Maintenance,
}

/// <summary>What a machine starts from instead of "unknown": read from the state file, or taken over from a predecessor.</summary>
/// <param name="Health">Unknown, up or down; unknown = nothing worth keeping is known.</param>
public sealed record LastKnown(ServerState Health, string HealthReason, ServerOrder Order, string OrderReason)
{
    public static readonly LastKnown Nothing = new(ServerState.Unknown, "", ServerOrder.None, "");
}

public enum HealthInputKind : byte
{
    Start,
    DeadlineReached,
    CheckEnded,
    Order,
    PolicyChanged,
}

/// <summary>One input of <see cref="HealthMachine.Step"/>.</summary>
public readonly record struct HealthInput
{
    public HealthInputKind Kind { get; private init; }
    public LastKnown? Known { get; private init; }
    public bool Flag { get; private init; }
    public int Check { get; private init; }
    public CheckOutcome Outcome { get; private init; }
    public ServerOrder Order { get; private init; }
    public string? Reason { get; private init; }
    public HealthPolicy? Policy { get; private init; }

    public static readonly HealthInput DeadlineReached = new() { Kind = HealthInputKind.DeadlineReached };

    /// <param name="known">What is known from before.</param>
    /// <param name="joins">The others of its pool serve already: coming up, this server takes a slow start.</param>
    public static HealthInput Start(LastKnown known, bool joins) =>
        new() { Kind = HealthInputKind.Start, Known = known, Flag = joins };

    /// <param name="check">Number given by <see cref="HealthEffectKind.StartCheck"/>; a late result of another is ignored.</param>
    public static HealthInput CheckEnded(int check, CheckOutcome outcome) =>
        new() { Kind = HealthInputKind.CheckEnded, Check = check, Outcome = outcome };

    /// <summary>The operator's order; <see cref="ServerOrder.None"/> = enable.</summary>
    public static HealthInput Operator(ServerOrder order, string reason) =>
        new() { Kind = HealthInputKind.Order, Order = order, Reason = reason };

    /// <param name="policy">The new one.</param>
    /// <param name="checkChanged">What is asked has changed, not only when: a check under way is void and the next is due at once.</param>
    public static HealthInput Changed(HealthPolicy policy, bool checkChanged) =>
        new() { Kind = HealthInputKind.PolicyChanged, Policy = policy, Flag = checkChanged };
}

public enum HealthEffectKind : byte
{
    /// <summary>Begin check number <see cref="HealthEffect.Check"/>; answer with <see cref="HealthInput.CheckEnded"/>.</summary>
    StartCheck,

    /// <summary>Its time is over: end it and answer with <see cref="HealthInput.CheckEnded"/>, saying what was waited for.</summary>
    TimeOutCheck,

    /// <summary>End it; nobody wants its result any more.</summary>
    CancelCheck,

    /// <summary>State (and perhaps share) are new.</summary>
    StateChanged,

    /// <summary>Only the share is new.</summary>
    ShareChanged,

    /// <summary>The work that a drained server was allowed to end has had its time.</summary>
    DrainDeadlinePassed,
}

/// <summary>One effect of <see cref="HealthMachine.Step"/>, to be carried out in order.</summary>
public readonly record struct HealthEffect(
    HealthEffectKind Kind, int Check = 0, ServerState State = ServerState.Unknown, int Share = 0, string Reason = "");

using Mainstay.Core.Http;

namespace Mainstay.Core.Rules;

/// <summary>One request as conditions and templates see it.</summary>
public readonly ref struct RuleInput
{
    public required RequestHead Request { get; init; }

    /// <summary>As received.</summary>
    public required ReadOnlySpan<byte> Head { get; init; }
    public required IRequestOrigin Origin { get; init; }

    /// <summary>Normalised.</summary>
    public required ReadOnlySpan<byte> Path { get; init; }

    /// <summary>Lower case, without a final dot.</summary>
    public required ReadOnlySpan<byte> Host { get; init; }

    public required MatchState State { get; init; }

    // Known once the route is chosen.
    public ReadOnlySpan<byte> RequestId { get; init; }
    public ReadOnlySpan<byte> Route { get; init; }
    public ReadOnlySpan<byte> Service { get; init; }
    public ReadOnlySpan<byte> Pool { get; init; }
    public ReadOnlySpan<byte> Node { get; init; }
    public long UnixNanoseconds { get; init; }
}

/// <summary>What is known when the response is there.</summary>
public readonly ref struct ResponseInput
{
    public required int Status { get; init; }

    /// <summary>Name; empty where none answered.</summary>
    public ReadOnlySpan<byte> Server { get; init; }

    /// <summary>Null for a response of our own.</summary>
    public ResponseHead? Response { get; init; }
    public ReadOnlySpan<byte> Head { get; init; }
}

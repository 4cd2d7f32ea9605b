namespace Mainstay.Core.Config;

/// <summary>The scheduling algorithms by their configuration names; semantics in docs/balancing.md.</summary>
public enum Algorithm
{
    RoundRobin,             // rr
    WeightedRoundRobin,     // wrr
    LeastConnections,       // lc
    WeightedLeastConnections, // wlc
    ShortestExpectedDelay,  // sed
    NeverQueue,             // nq
    SourceHash,             // sh
    DestinationHash,        // dh
    Locality,               // lblc
    LocalityReplicated,     // lblcr
    Maglev,                 // mh
    Failover,               // fo
    Overflow,               // ovf
    TwoChoices,             // twos
    LeastRequest,           // least-request
    LeastTime,              // least-time
    Random,                 // random
    Hash,                   // hash
    First,                  // first
}

/// <summary>What a `hash` pool keys on.</summary>
public enum HashSource
{
    Address,
    Header,
    Cookie,
    Query,
    Path,
}

/// <param name="HashOn">For <see cref="Algorithm.Hash"/>.</param>
/// <param name="HashName">The header's, cookie's or query parameter's name; empty for the others.</param>
/// <param name="LoadFactor">Bounded load of <see cref="Algorithm.Hash"/>: at most this many times the mean.</param>
/// <param name="WithPort">sh-port, mh-port: the source port is hashed too.</param>
/// <param name="Fallback">sh-fallback, mh-fallback.</param>
/// <param name="TableSize">Of <see cref="Algorithm.Maglev"/>; a prime.</param>
public sealed record BalanceSnapshot(
    Algorithm Algorithm,
    HashSource HashOn = HashSource.Address,
    string HashName = "",
    double LoadFactor = 1.25,
    bool WithPort = false,
    bool Fallback = false,
    int TableSize = 65537)
{
    /// <summary>The algorithm's name in a configuration.</summary>
    public string AlgorithmName => Vocabulary.BalanceSection.WordOf(Algorithm);
}

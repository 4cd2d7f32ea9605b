using System.Collections.Immutable;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config;

/// <summary>
/// One whole configuration, compiled: references resolved, defaults filled in, nothing left that can fail but the machine
/// (ports, files, names). Immutable; the planes switch from one to the next by a single write.
/// </summary>
public sealed record Snapshot
{
    public required string Node { get; init; }
    public required AdminSnapshot Admin { get; init; }
    public required ProcessSnapshot Process { get; init; }
    public required AccessLogSnapshot AccessLog { get; init; }

    /// <summary>In configuration order.</summary>
    public required ImmutableArray<PoolSnapshot> Pools { get; init; }

    /// <summary>In configuration order.</summary>
    public required ImmutableArray<HttpSnapshot> Http { get; init; }

    /// <summary>In configuration order.</summary>
    public ImmutableArray<TlsSnapshot> Tls { get; init; } = [];

    /// <summary>In configuration order.</summary>
    public ImmutableArray<AuthSnapshot> Auth { get; init; } = [];

    /// <summary>In configuration order.</summary>
    public ImmutableArray<TcpSnapshot> Tcp { get; init; } = [];

    /// <summary>Maps that rules ask.</summary>
    public ImmutableArray<MapSnapshot> Maps { get; init; } = [];

    /// <summary>Address lists that rules ask.</summary>
    public ImmutableArray<AddressListSnapshot> Lists { get; init; } = [];
}

/// <summary>The admin plane: API and /metrics.</summary>
/// <param name="Listen">Null: no TCP listener; the admin socket is always there.</param>
/// <param name="Socket">Path of the unix socket that the command line talks to.</param>
public sealed record AdminSnapshot(Endpoint? Listen, string Socket);

/// <summary>How the two processes run.</summary>
/// <param name="Shards">Threads of the data plane; 0 = one for every usable core.</param>
/// <param name="User">The worker's user when started as root.</param>
/// <param name="StateDirectory">Where drain, maintenance and last known health are kept.</param>
/// <param name="DrainTimeout">How long SIGTERM waits for existing work.</param>
/// <param name="MaxConnections">Client connections at most; 0 = from the descriptor limit.</param>
public sealed record ProcessSnapshot(int Shards, string User, string StateDirectory, TimeSpan DrainTimeout, int MaxConnections);

using System.Collections.Immutable;
using Mainstay.Core.Authentication;
using Mainstay.Core.Protection;

namespace Mainstay.Core.Config;

/// <summary>How the clients of a route prove who they are: <see cref="BasicAuthSnapshot"/> or <see cref="JwtAuthSnapshot"/>.</summary>
public abstract record AuthSnapshot
{
    public required string Name { get; init; }

    /// <summary>Told to browsers, which show it and keep credentials apart by it.</summary>
    public required string Realm { get; init; }

    /// <summary>Header with the user's name to servers; empty = none.</summary>
    public required string UserHeader { get; init; }

    /// <summary>The credentials go on to servers.</summary>
    public required bool Forward { get; init; }

    /// <summary>How long credentials that were right need not be checked again; zero: each time.</summary>
    public required TimeSpan Cache { get; init; }

    /// <summary>Wrong credentials of one address; more are answered 429 unchecked.</summary>
    public required Rate Failures { get; init; }
}

/// <param name="File">As htpasswd writes it.</param>
public sealed record BasicAuthSnapshot(string File) : AuthSnapshot;

/// <param name="Keys">Path of a PEM file or a JSON Web Key Set; empty where there is a secret.</param>
/// <param name="Secret">For HS256; empty = none.</param>
/// <param name="Algorithms">Empty: all that the keys allow.</param>
/// <param name="Cookie">Where the token is when there is no Authorization; empty = nowhere.</param>
public sealed record JwtAuthSnapshot(
    string Keys, string Secret, ImmutableArray<JwtAlgorithm> Algorithms, JwtPolicy Policy, string Cookie) : AuthSnapshot;

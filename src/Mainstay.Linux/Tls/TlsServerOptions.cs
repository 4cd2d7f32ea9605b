using System.Collections.Immutable;

namespace Mainstay.Linux.Tls;

public enum TlsVersion
{
    Tls12 = 0x0303,
    Tls13 = 0x0304,
}

public enum TlsClientVerification
{
    None,
    Optional,
    Required,
}

/// <summary>A certificate with its chain and its key, as PEM.</summary>
public sealed record TlsKeyPair(ReadOnlyMemory<byte> Chain, ReadOnlyMemory<byte> Key);

/// <summary>What is shown for some names: one pair for each kind of key.</summary>
/// <param name="Names">"www.example.com", "*.example.com".</param>
/// <param name="Pairs">Numbers of the pairs, of different kinds.</param>
public sealed record TlsIdentity(ImmutableArray<string> Names, ImmutableArray<int> Pairs);

/// <summary>What a TLS server offers. The first identity is what clients get that ask for no name or an unknown one.</summary>
public sealed record TlsServerOptions
{
    public required ImmutableArray<TlsKeyPair> Pairs { get; init; }
    public required ImmutableArray<TlsIdentity> Identities { get; init; }
    public TlsVersion MinVersion { get; init; } = TlsVersion.Tls12;
    public TlsVersion MaxVersion { get; init; } = TlsVersion.Tls13;

    /// <summary>Of TLS 1.2, as OpenSSL writes it.</summary>
    public required string Ciphers { get; init; }

    /// <summary>Of TLS 1.3.</summary>
    public required string CipherSuites { get; init; }
    public required string Groups { get; init; }

    /// <summary>ALPN, in order of preference.</summary>
    public ImmutableArray<string> Protocols { get; init; } = [];

    /// <summary>Clients that ask for no name or an unknown one are refused.</summary>
    public bool Strict { get; init; }

    /// <summary>Null: no tickets, so no sessions are taken up again.</summary>
    public TlsTicketKeys? Tickets { get; init; }
    public TimeSpan TicketLifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>Sessions are taken up again only where this is the same: at most 32 bytes.</summary>
    public required ReadOnlyMemory<byte> SessionScope { get; init; }

    public TlsClientVerification ClientVerification { get; init; }

    /// <summary>Whose certificates clients may show; PEM.</summary>
    public ReadOnlyMemory<byte> ClientAuthorities { get; init; }

    /// <summary>Revocation lists, PEM; empty = not asked.</summary>
    public ReadOnlyMemory<byte> ClientRevocations { get; init; }
}

public enum TlsPart
{
    Library,
    Certificate,
    Key,

    /// <summary>The key is not the certificate's.</summary>
    KeyMatch,
    Ciphers,
    Groups,
    ClientAuthorities,
    ClientRevocations,
}

/// <summary>Why a context could not be made.</summary>
/// <param name="Pair">Number of the pair, for the first three parts.</param>
public sealed record TlsProblem(TlsPart Part, int Pair, string Reason);

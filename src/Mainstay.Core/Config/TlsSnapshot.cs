using System.Collections.Immutable;

namespace Mainstay.Core.Config;

/// <summary>What a listener offers to clients that speak TLS.</summary>
public sealed record TlsSnapshot
{
    public required string Name { get; init; }

    /// <summary>In configuration order.</summary>
    public required ImmutableArray<CertificateSource> Certificates { get; init; }

    /// <summary>Every certificate in it is one of the profile's too; null = none.</summary>
    public FileReference? Directory { get; init; }

    /// <summary>The name whose certificate clients get that ask for none, or an unknown one; empty = the first certificate.</summary>
    public string DefaultName { get; init; } = "";

    /// <summary>Clients that ask for no name or an unknown one are refused.</summary>
    public bool Strict { get; init; }

    public TlsProfileKind Profile { get; init; } = TlsProfileKind.Intermediate;
    public TlsVersionBound? MinVersion { get; init; }
    public TlsVersionBound? MaxVersion { get; init; }

    /// <summary>Instead of the profile's, as OpenSSL writes them; empty = the profile's.</summary>
    public string Ciphers { get; init; } = "";
    public string CipherSuites { get; init; } = "";

    public TlsTicketSnapshot Tickets { get; init; } = new(TimeSpan.FromHours(12), null);
    public TlsHandshakeSnapshot Handshake { get; init; } = new(TimeSpan.FromSeconds(10), 0, 0);

    /// <summary>Null: clients are not asked for certificates.</summary>
    public ClientCertificateSnapshot? Client { get; init; }

    /// <summary>How often files are looked at for changes; zero = only on reload.</summary>
    public TimeSpan Watch { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Mozilla's recommendations, version 5.7, as far as they are for TLS 1.2 and later; without finite-field DH, which costs much and nobody needs.</summary>
    public TlsVersionBound MinVersionInForce => MinVersion ?? (Profile == TlsProfileKind.Modern ? TlsVersionBound.Tls13 : TlsVersionBound.Tls12);

    public TlsVersionBound MaxVersionInForce => MaxVersion ?? TlsVersionBound.Tls13;

    public string CiphersInForce => Ciphers.Length > 0 ? Ciphers : IntermediateCiphers;

    public string CipherSuitesInForce => CipherSuites.Length > 0 ? CipherSuites : AllSuites;

    private const string IntermediateCiphers =
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
        + "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

    private const string AllSuites = "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

    public const string Groups = "X25519:prime256v1:secp384r1";
}

public enum TlsProfileKind
{
    /// <summary>TLS 1.3 only.</summary>
    Modern,

    /// <summary>TLS 1.2 with forward secrecy and authenticated encryption, and TLS 1.3.</summary>
    Intermediate,
}

public enum TlsVersionBound
{
    Tls12,
    Tls13,
}

/// <param name="Certificate">PEM: the certificate, then its intermediates.</param>
/// <param name="Key">PEM; null = in the certificate's file.</param>
/// <param name="Ocsp">The responder's answer, DER; null = none from a file.</param>
public sealed record CertificateSource(FileReference Certificate, FileReference? Key, FileReference? Ocsp = null);

/// <param name="Lifetime">How long a session can be taken up again; zero = never.</param>
/// <param name="Keys">File with the keys, shared by nodes; null = random ones that rotate.</param>
public sealed record TlsTicketSnapshot(TimeSpan Lifetime, FileReference? Keys);

/// <param name="Limit">Handshakes under way at once; 0 = no limit.</param>
/// <param name="Rate">Handshakes begun in a second; 0 = no limit.</param>
public sealed record TlsHandshakeSnapshot(TimeSpan Timeout, int Limit, int Rate);

/// <param name="Authorities">Whose certificates are accepted, PEM.</param>
/// <param name="Revocations">Revocation lists, PEM; null = not asked.</param>
public sealed record ClientCertificateSnapshot(FileReference Authorities, bool IsRequired, FileReference? Revocations);

/// <summary>A file that the configuration names, with the place where it does: what is wrong with the file is told there.</summary>
public sealed class FileReference(string path, SourcePosition at = default) : IEquatable<FileReference>
{
    public string Path => path;

    /// <summary>Where it is named; no part of what it is.</summary>
    public SourcePosition Place() => at;

    public bool Equals(FileReference? other) => other is not null && other.Path == Path;

    public override bool Equals(object? other) => Equals(other as FileReference);

    public override int GetHashCode() => Path.GetHashCode(StringComparison.Ordinal);

    public override string ToString() => Path;
}

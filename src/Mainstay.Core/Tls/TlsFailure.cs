namespace Mainstay.Core.Tls;

/// <summary>Why a TLS handshake did not succeed: one member for each cause that an operator tells apart.</summary>
public enum TlsFailure : byte
{
    None,

    /// <summary>The peer spoke HTTP without TLS.</summary>
    PlainHttp,

    /// <summary>What came is no TLS, or broken.</summary>
    Malformed,

    /// <summary>The peer asks for a name that no certificate is for, and the profile is strict.</summary>
    UnknownName,

    /// <summary>No protocol version that both sides allow.</summary>
    Version,

    /// <summary>No cipher, group or signature that both sides allow.</summary>
    NoSharedCipher,

    /// <summary>No application protocol that both sides speak (ALPN).</summary>
    NoSharedProtocol,

    /// <summary>The peer showed no certificate, and one is required.</summary>
    NoCertificate,

    /// <summary>The peer's certificate is not accepted: its chain, time, purpose, name or revocation.</summary>
    CertificateRefused,

    /// <summary>The peer refused with an alert: most often it does not trust our certificate.</summary>
    PeerAlert,

    /// <summary>The peer closed or reset the connection in the middle of it.</summary>
    Closed,
    Timeout,

    /// <summary>Everything else that OpenSSL refuses.</summary>
    Other,
}

public static class TlsFailures
{
    private static readonly string[] s_labels =
    [
        "none", "plain-http", "malformed", "unknown-name", "version", "no-shared-cipher", "no-shared-protocol", "no-certificate",
        "certificate-refused", "peer-alert", "closed", "timeout", "other",
    ];

    public static int Count => s_labels.Length;

    /// <summary>Stable name for metrics and logs.</summary>
    public static string Label(this TlsFailure failure) => s_labels[(int)failure];
}

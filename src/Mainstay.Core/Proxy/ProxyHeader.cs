using Mainstay.Core.Http;
using Mainstay.Core.Net;

namespace Mainstay.Core.Proxy;

/// <summary>
/// What a PROXY header says (the PROXY protocol's specification of 2020-03-05, versions 1 and 2). Ranges are offsets into the bytes it was
/// read from; an empty one was not sent.
/// </summary>
public struct ProxyHeader
{
    /// <summary>Bytes of the whole header.</summary>
    public int Length;

    /// <summary>The addresses are the client's; else (LOCAL, UNKNOWN, an unspecified family) the connection's own are meant.</summary>
    public bool HasAddresses;

    /// <summary>The client connected to the sender by a unix socket: there are no addresses to tell.</summary>
    public bool IsUnix;

    public NetAddress Source;
    public int SourcePort;
    public NetAddress Destination;
    public int DestinationPort;

    public ByteRange Alpn;

    /// <summary>The host that the client asked for, such as the SNI.</summary>
    public ByteRange Authority;
    public ByteRange UniqueId;

    /// <summary>The client came by TLS (PP2_CLIENT_SSL).</summary>
    public bool IsTls;

    /// <summary>It showed a certificate on this connection or session, and the sender verified it.</summary>
    public bool HasVerifiedCertificate;
    public ByteRange TlsVersion;
    public ByteRange CertificateName;
}

/// <summary>How the reading of a header stands.</summary>
public enum ProxyRead : byte
{
    /// <summary>All bytes so far are right; more have to come.</summary>
    Incomplete,
    Complete,
    Refused,
}

/// <summary>Why a header was refused: one member for each cause.</summary>
public enum ProxyReject : byte
{
    None,
    NotAHeader,

    // version 1
    LineTooLong,
    InvalidLine,
    InvalidFamily,
    InvalidAddress,
    InvalidPort,

    // version 2
    InvalidVersion,
    InvalidCommand,
    UnassignedFamily,
    WrongTransport,
    TooLong,
    AddressesCutOff,
    InvalidTlv,
    InvalidSslTlv,
    WrongChecksum,

    /// <summary>The connection ended in the middle of the header.</summary>
    CutOff,
}

/// <summary>The table behind <see cref="ProxyReject"/>.</summary>
public static class ProxyRejects
{
    private static readonly string[] s_labels =
    [
        "none", "not-a-header", "line-too-long", "invalid-line", "invalid-family", "invalid-address", "invalid-port", "invalid-version",
        "invalid-command", "unassigned-family", "wrong-transport", "too-long", "addresses-cut-off", "invalid-tlv", "invalid-ssl-tlv",
        "wrong-checksum", "cut-off",
    ];

    public static int Count => s_labels.Length;

    /// <summary>Stable name for metrics and logs.</summary>
    public static string Label(this ProxyReject reason) => s_labels[(int)reason];
}

using Mainstay.Core.Net;

namespace Mainstay.Core.Rules;

/// <summary>What is known of a client's TLS connection; each is text, empty where there is none.</summary>
public enum TlsFact : byte
{
    /// <summary>TLSv1.2, TLSv1.3.</summary>
    Version,

    /// <summary>As OpenSSL names it: TLS_AES_128_GCM_SHA256.</summary>
    Cipher,

    /// <summary>The name that the client asked for.</summary>
    Sni,

    /// <summary>Of the verified client certificate, RFC 4514: CN=alice,O=Example.</summary>
    ClientSubject,
    ClientIssuer,

    /// <summary>Hexadecimal.</summary>
    ClientSerial,

    /// <summary>SHA-256 of the certificate, hexadecimal.</summary>
    ClientFingerprint,
}

/// <summary>Where a request came from: what conditions and variables ask about its connection.</summary>
public interface IRequestOrigin
{
    NetAddress Address { get; }

    /// <summary>Of the client; 0 on a unix socket.</summary>
    int Port { get; }

    /// <summary>The client's address as text; empty for a unix socket.</summary>
    ReadOnlySpan<byte> AddressText { get; }

    /// <summary>The port that the client connected to; 0 on a unix socket.</summary>
    int LocalPort { get; }

    /// <summary>The request came by TLS.</summary>
    bool IsTls { get; }

    /// <summary>Valid as long as the connection.</summary>
    ReadOnlySpan<byte> Tls(TlsFact fact);
}

/// <summary>An origin that somebody states: for explanations and tests.</summary>
public sealed class StatedOrigin : IRequestOrigin
{
    private readonly byte[][] _tls = [[], [], [], [], [], [], []];
    private readonly byte[] _addressText = new byte[45];
    private readonly int _addressLength;

    public StatedOrigin(NetAddress address = default, int port = 0, int localPort = 0, bool isTls = false)
    {
        (Address, Port, LocalPort, IsTls) = (address, port, localPort, isTls);
        _addressLength = address.Format(_addressText);
    }

    public NetAddress Address { get; }
    public int Port { get; }
    public int LocalPort { get; }
    public bool IsTls { get; }
    public ReadOnlySpan<byte> AddressText => _addressText.AsSpan(0, _addressLength);

    public ReadOnlySpan<byte> Tls(TlsFact fact) => _tls[(int)fact];

    public void State(TlsFact fact, string value) => _tls[(int)fact] = System.Text.Encoding.UTF8.GetBytes(value);
}

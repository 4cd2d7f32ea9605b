using System.Text;
using Mainstay.Core.Net;

namespace Mainstay.Linux.Tls;

/// <summary>The name of a server: asked for (SNI) and expected in its certificate. Made ready once, used for every connection.</summary>
public sealed unsafe class TlsServerName
{
    private readonly byte[]? _asked;
    private readonly byte[] _expected;
    private readonly bool _isAddress;

    /// <param name="asked">Sent as SNI when it is a name; null = none is sent (an address is no server name, RFC 6066 section 3).</param>
    /// <param name="expected">Has to be in the certificate: a name or an address.</param>
    public TlsServerName(string? asked, string expected)
    {
        _asked = asked is null || NetAddress.TryParse(asked, out _) ? null : Encoding.UTF8.GetBytes(asked + "\0");
        _isAddress = NetAddress.TryParse(expected, out _);
        _expected = Encoding.UTF8.GetBytes(expected + "\0");
    }

    internal void ApplyTo(nint ssl, bool verify)
    {
        fixed (byte* asked = _asked, expected = _expected)
        {
            if (asked != null) _ = LibSsl.Control(ssl, LibSsl.ControlSetServerName, 0, asked);
            if (!verify) return;
            if (_isAddress) _ = LibSsl.SetExpectedAddress(LibSsl.VerifyParameters(ssl), expected);
            else _ = LibSsl.SetExpectedHost(ssl, expected);
        }
    }
}

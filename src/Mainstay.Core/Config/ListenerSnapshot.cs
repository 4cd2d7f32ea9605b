using Mainstay.Core.Net;

namespace Mainstay.Core.Config;

/// <summary>Where a service listens, and how.</summary>
/// <param name="Tls">Name of the TLS profile; null = plain.</param>
/// <param name="RedirectHttps">Port of the https URL that every request is sent to; 0 = requests are served.</param>
/// <param name="Proxy">Null: nobody sends a PROXY header.</param>
public sealed record ListenerSnapshot(Endpoint Address, string? Tls = null, int RedirectHttps = 0, ProxyProtocolSnapshot? Proxy = null)
{
    public static implicit operator ListenerSnapshot(Endpoint address) => new(address);

    public override string ToString() => Address.ToString();
}

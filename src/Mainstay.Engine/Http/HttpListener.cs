using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Tls;

namespace Mainstay.Engine.Http;

/// <summary>How a service is spoken to at one of its addresses.</summary>
internal sealed class HttpListener
{
    public HttpListener(ListenerSnapshot snapshot, Func<string, TlsProfile> tls)
    {
        Address = snapshot.Address;
        Tls = snapshot.Tls is null ? null : tls(snapshot.Tls);
        Proxy = snapshot.Proxy;
        if (snapshot.RedirectHttps > 0) Redirect = RouteTarget.ToHttps(snapshot.RedirectHttps);
    }

    public Endpoint Address { get; }

    /// <summary>Null: clients speak plainly.</summary>
    public TlsProfile? Tls { get; }

    /// <summary>Null: nobody sends a PROXY header.</summary>
    public ProxyProtocolSnapshot? Proxy { get; }

    /// <summary>What every request gets; null = what the routes say.</summary>
    public RouteTarget? Redirect { get; }
}

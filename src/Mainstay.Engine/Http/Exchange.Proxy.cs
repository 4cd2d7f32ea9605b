using Mainstay.Core.Config;
using Mainstay.Core.Proxy;
using Mainstay.Core.Rules;

namespace Mainstay.Engine.Http;

/// <summary>Servers that learn the client's address by a PROXY header. Such a connection is one client's, and is not kept for others.</summary>
internal sealed partial class Exchange
{
    /// <summary>The pool whose server is being reached.</summary>
    public PoolSnapshot Upstreams => Pool.Snapshot;

    private bool TellsClient => Pool.Snapshot.SendProxy != ProxyVersion.None;

    /// <summary>How long a connection to the server may wait for another request.</summary>
    private TimeSpan ServerKeepAlive => TellsClient ? TimeSpan.Zero : Upstream.KeepAlive;

    /// <summary>What the connection to the server begins with; its length, 0 when there is nothing to say.</summary>
    /// <param name="destination">At least <see cref="ProxyHeaderWriter.MaxLength"/>.</param>
    public int WriteProxyHeader(Span<byte> destination)
    {
        if (!TellsClient) return 0;
        var extras = new ProxyExtras { Authority = _client.Tls(TlsFact.Sni), TlsVersion = _client.Tls(TlsFact.Version), UniqueId = RequestId };
        return ProxyHeaderWriter.Write(destination, Pool.Snapshot.SendProxy, _client.Ends, extras);
    }
}

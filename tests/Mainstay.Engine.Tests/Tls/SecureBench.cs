using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Tls;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Tls;

/// <summary>Clients that speak TLS to a <see cref="ProxyBench"/>, and configurations that have it do so.</summary>
internal static class SecureBench
{
    /// <summary>The configuration with its listener behind this profile.</summary>
    public static Snapshot Behind(this Snapshot snapshot, TlsSnapshot profile) => snapshot
        .WithService(service => service with { Listen = [.. service.Listen.Select(listener => listener with { Tls = profile.Name })] }) with
    { Tls = [profile] };

    public static Snapshot Config(TlsSnapshot profile, params Endpoint[] servers) => BenchConfig.Of(servers).Behind(profile);

    /// <summary>A client whose handshake has succeeded.</summary>
    public static SecureClient Secure(this ProxyBench bench, SslClientAuthenticationOptions? options = null, Func<Stream, Stream>? transport = null)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.Connect(IPAddress.Loopback, bench.Port);
        socket.ReceiveTimeout = socket.SendTimeout = 30_000;
        Stream network = new NetworkStream(socket, ownsSocket: true);
        var ssl = new SslStream(transport is null ? network : transport(network));
        try
        {
            ssl.AuthenticateAsClient(options ?? Options());
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return new SecureClient(socket, ssl);
    }

    public static SslClientAuthenticationOptions Options(string name = "www.example.com", SslProtocols protocols = SslProtocols.None) => new()
    {
        TargetHost = name,
        EnabledSslProtocols = protocols,
        AllowTlsResume = false,
        RemoteCertificateValidationCallback = (_, _, _, _) => true,
    };

    public static long Failures(this ProxyBench bench, TlsFailure failure) =>
        bench.Plane.Http.Sum(http => http.Services.Sum(service => Volatile.Read(ref service.HandshakeFailures[(int)failure])));

    public static (long All, long Resumed) Handshakes(this ProxyBench bench) => (
        bench.Plane.Http.Sum(http => http.Services.Sum(service => Volatile.Read(ref service.Handshakes))),
        bench.Plane.Http.Sum(http => http.Services.Sum(service => Volatile.Read(ref service.Resumed))));
}

internal sealed class SecureClient(Socket socket, SslStream ssl) : IDisposable
{
    public SslStream Ssl => ssl;
    public RawPeer Peer { get; } = new(socket, ssl);

    /// <summary>The first DNS name in the certificate that the server showed.</summary>
    public string ServerName => ((X509Certificate2)ssl.RemoteCertificate!).GetNameInfo(X509NameType.DnsName, forIssuer: false);

    public Message Ask(string request)
    {
        Peer.Send(request);
        return Peer.ReadResponse();
    }

    public Message Get(string path = "/") => Ask($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");

    public void Dispose()
    {
        ssl.Dispose();
        Peer.Dispose();
    }
}

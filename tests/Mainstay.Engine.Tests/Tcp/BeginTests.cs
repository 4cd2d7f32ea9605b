using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Proxy;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Tests.Http.Bench;
using Mainstay.Engine.Tests.Tcp.Bench;

namespace Mainstay.Engine.Tests.Tcp;

/// <summary>What a connection begins with: PROXY headers in and out, and the first bytes by which rules choose.</summary>
public class BeginTests
{
    private static Snapshot WithProxy(Snapshot snapshot, params string[] from) => snapshot.WithTcp(service => service with
    {
        Listen = [service.Listen[0] with { Proxy = new ProxyProtocolSnapshot(TcpConfig.Ranges(from)) }],
    });

    private static byte[] Header(ProxyVersion version, string source = "192.0.2.7")
    {
        byte[] buffer = new byte[ProxyHeaderWriter.MaxLength];
        var ends = new ProxyEnds(Address(source), 4000, Address("198.51.100.1"), 443);
        return buffer[..ProxyHeaderWriter.Write(buffer, version, ends, default)];
    }

    private static NetAddress Address(string text)
    {
        Assert.True(NetAddress.TryParse(text, out NetAddress address));
        return address;
    }

    private static string Text(byte[] bytes) => Encoding.ASCII.GetString(bytes);

    /// <summary>In and out again: the server is told what the header in front told us.</summary>
    [Theory]
    [InlineData(ProxyVersion.V1)]
    [InlineData(ProxyVersion.V2)]
    public async Task Header_CutAtEveryByte_IsPassedOn(ProxyVersion version)
    {
        using var server = new TcpServer();
        Snapshot snapshot = WithProxy(TcpConfig.Of(server.Endpoint).WithPool(pool => pool with { SendProxy = version }), "127.0.0.1");
        await using TcpBench bench = await TcpBench.StartAsync(snapshot);
        byte[] header = Header(version);
        for (int cut = 0; cut <= header.Length; cut++)
        {
            using RawPeer client = bench.Connect();
            client.Send(header.AsSpan(0, cut));
            if (cut % 8 == 3) Thread.Yield();
            client.Send([.. header[cut..], .. "data"u8]);
            client.HalfClose();
            using RawPeer peer = server.Take();
            byte[] received = peer.ReadToEnd();
            Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead(received, out ProxyHeader read, out _));
            Assert.Equal((Address("192.0.2.7"), 4000, Address("198.51.100.1"), 443), (read.Source, read.SourcePort, read.Destination, read.DestinationPort));
            Assert.Equal("data", Text(received[read.Length..]));
        }
    }

    [Fact]
    public async Task Header_OfAnUntrustedPeer_IsData()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(WithProxy(TcpConfig.Of(server.Endpoint), "10.0.0.0/8"));
        using RawPeer client = bench.Connect();
        byte[] header = Header(ProxyVersion.V1);
        client.Send(header);
        Assert.Equal(header, client.ReadExactly(header.Length));
    }

    [Fact]
    public async Task Header_OfAnotherAddress_DecidesAccess()
    {
        using TcpServer server = TcpServer.Naming("a");
        Snapshot snapshot = WithProxy(TcpConfig.Of(server.Endpoint), "127.0.0.1")
            .WithTcp(service => service with { Access = new TcpAccess([], TcpConfig.Ranges("192.0.2.0/24")) });
        await using TcpBench bench = await TcpBench.StartAsync(snapshot);
        using (RawPeer denied = bench.Connect())
        {
            denied.Send(Header(ProxyVersion.V2));
            Assert.True(denied.ReadToAnyEnd().WasReset);
        }

        bench.Until(FlowCause.AccessDenied);
        using RawPeer allowed = bench.Connect();
        allowed.Send(Header(ProxyVersion.V2, "203.0.113.9"));
        Assert.Equal("a", Text(allowed.ReadToEnd()));
    }

    [Theory]
    [InlineData("GET / HTTP/1.0\r\n\r\n", ProxyReject.NotAHeader)]
    [InlineData("PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n", ProxyReject.InvalidPort)]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\x31", ProxyReject.InvalidVersion)]
    public async Task WrongHeader_IsRefused_Counted_AndLogged(string bytes, ProxyReject reason)
    {
        string log = Path.GetTempFileName();
        using TcpServer server = TcpServer.Echo();
        Snapshot snapshot = WithProxy(TcpConfig.Of(server.Endpoint), "127.0.0.1") with { AccessLog = new AccessLogSnapshot(AccessLogFormat.Json, log) };
        await using (TcpBench bench = await TcpBench.StartAsync(snapshot))
        {
            using RawPeer client = bench.Connect();
            client.Send(bytes);
            Assert.True(client.ReadToAnyEnd().WasReset);
            bench.Until(FlowCause.ProxyHeaderRefused);
            Assert.Equal(1, bench.Plane.Tcp[0].Counters.RefusedHeaders[(int)reason]);
        }

        Assert.Contains($"\"cause\":\"proxy-header-refused\",\"reject\":\"{reason.Label()}\"", File.ReadAllText(log), StringComparison.Ordinal);
        File.Delete(log);
    }

    [Fact]
    public async Task NoHeader_InTime_IsReset_AndACheckByTcpAlone_IsNoError()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(WithProxy(TcpConfig.Of(server.Endpoint), "127.0.0.1")
            .WithTcp(service => service with { Timeouts = service.Timeouts with { Inspect = TimeSpan.FromMilliseconds(150) } }));
        using RawPeer silent = bench.Connect();
        silent.Send("PROXY TC");
        Assert.True(silent.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.ProxyHeaderTimeout);

        bench.Connect().Dispose();
        bench.Until(FlowCause.ClientClosed);
        RawPeer cut = bench.Connect();
        cut.Send("PROXY TC");
        cut.HalfClose();
        bench.Until(FlowCause.ProxyHeaderRefused);
        Assert.Equal(1, bench.Plane.Tcp[0].Counters.RefusedHeaders[(int)ProxyReject.CutOff]);
        cut.Dispose();
    }

    [Fact]
    public async Task Prefix_Routes_AndSilence_TakesTheRuleWithoutConditions()
    {
        using TcpServer ssh = TcpServer.Naming("ssh"), other = TcpServer.Naming("other");
        TcpMatch match = new() { Prefix = [[.. "SSH-"u8]] };
        Snapshot snapshot = TcpConfig.Of(
            TcpConfig.Service(TcpConfig.Route("ssh", match), TcpConfig.Route("other")),
            BenchConfig.Pool(ssh.Endpoint) with { Name = "ssh" }, BenchConfig.Pool(other.Endpoint) with { Name = "other" })
            .WithTcp(service => service with { Timeouts = service.Timeouts with { Inspect = TimeSpan.FromMilliseconds(200) } });
        await using TcpBench bench = await TcpBench.StartAsync(snapshot);
        foreach ((string said, string expected) in new[] { ("SSH-2.0-x\r\n", "ssh"), ("HELO", "other"), ("SS", "other"), ("", "other") })
        {
            using RawPeer client = bench.Connect();
            if (said.Length > 0) client.Send(said);
            Assert.Equal(expected, Text(client.ReadToEnd()));
        }
    }

    [Theory]
    [InlineData("www.a.test", null, "a")]
    [InlineData("WWW.A.TEST", null, "a")]
    [InlineData("b.test", null, "b")]
    [InlineData("other.test", null, "rest")]
    [InlineData("www.a.test", "h2", "h2")]
    public async Task ServerName_ChoosesThePool_AndTheHandshakeIsTheServers(string name, string? protocol, string expected)
    {
        using TlsServer a = new("a"), b = new("b"), h2 = new("h2"), rest = new("rest");
        TcpMatch wildcard = new() { Sni = [new HostPattern("a.test", true)] }, exact = new() { Sni = [new HostPattern("b.test", false)] };
        Snapshot snapshot = TcpConfig.Of(
            TcpConfig.Service(
                TcpConfig.Route("h2", new TcpMatch { Alpn = ["h2"] }), TcpConfig.Route("a", wildcard), TcpConfig.Route("b", exact), TcpConfig.Route("rest")),
            [.. new[] { a, b, h2, rest }.Select(server => BenchConfig.Pool(server.Endpoint) with { Name = server.Name })]);
        await using TcpBench bench = await TcpBench.StartAsync(snapshot);
        using var client = new TcpClient("127.0.0.1", bench.Port);
        await using var tls = new SslStream(client.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = name,
            ApplicationProtocols = protocol is null ? null : [new SslApplicationProtocol(protocol)],
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
        });

        byte[] said = new byte[100];
        Assert.Equal(expected, Encoding.ASCII.GetString(said, 0, await tls.ReadAsync(said)));
        Assert.Equal($"CN={expected}", tls.RemoteCertificate!.Subject);
    }

    /// <summary>A hello of many packets: every byte on its own.</summary>
    [Fact]
    public async Task ServerName_InAHelloByteByByte_IsFound_AndSentOnWithProxyHeader()
    {
        using var server = new TcpServer();
        Snapshot snapshot = TcpConfig.Of(
            TcpConfig.Service(TcpConfig.Route("app", new TcpMatch { Sni = [new HostPattern("a.test", false)] })),
            BenchConfig.Pool(server.Endpoint) with { SendProxy = ProxyVersion.V2 });
        await using TcpBench bench = await TcpBench.StartAsync(snapshot);
        byte[] hello = Hello("a.test");
        using RawPeer client = bench.Connect();
        foreach (byte one in hello) client.Send([one]);
        client.HalfClose();
        using RawPeer peer = server.Take();
        byte[] received = peer.ReadToEnd();

        Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead(received, out ProxyHeader header, out _));
        Assert.Equal("a.test", Encoding.ASCII.GetString(header.Authority.Of(received)));
        Assert.Equal(hello, received[header.Length..]);
    }

    [Fact]
    public async Task BrokenHello_IsRefused_WhereNoRuleTakesIt()
    {
        using TcpServer server = TcpServer.Echo();
        await using TcpBench bench = await TcpBench.StartAsync(TcpConfig.Of(
            TcpConfig.Service(TcpConfig.Route("app", new TcpMatch { Sni = [new HostPattern("a.test", false)] })), BenchConfig.Pool(server.Endpoint)));
        byte[] broken = Hello("a.test");
        broken[44] = 0xFF;
        using RawPeer client = bench.Connect();
        client.Send(broken);
        Assert.True(client.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.HelloRefused);

        using RawPeer plain = bench.Connect();
        plain.Send("GET / HTTP/1.1\r\n");
        Assert.True(plain.ReadToAnyEnd().WasReset);
        bench.Until(FlowCause.NoRoute);
    }

    /// <summary>A smallest ClientHello of TLS 1.2 with one cipher and one extension.</summary>
    private static byte[] Hello(string name)
    {
        byte[] ascii = Encoding.ASCII.GetBytes(name);
        byte[] entry = [0, .. Length16(ascii), .. ascii];
        byte[] list = [.. Length16(entry), .. entry];
        byte[] extensions = [0, 0, .. Length16(list), .. list];
        byte[] body = [3, 3, .. new byte[32], 0, 0, 2, 0x13, 1, 1, 0, .. Length16(extensions), .. extensions];
        byte[] handshake = [1, 0, .. Length16(body), .. body];
        return [22, 3, 1, .. Length16(handshake), .. handshake];
    }

    private static byte[] Length16(byte[] bytes) => [(byte)(bytes.Length >> 8), (byte)bytes.Length];

    /// <summary>Says its name inside of TLS.</summary>
    private sealed class TlsServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public TlsServer(string name)
        {
            Name = name;
            _listener.Start();
            Endpoint = Endpoint.Ip(NetAddress.V4(0x7F000001), ((IPEndPoint)_listener.LocalEndpoint).Port);
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            X509Certificate2 own = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256)
                .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
            _ = Task.Run(() => ServeAsync(own));
        }

        public string Name { get; }

        public Endpoint Endpoint { get; }

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync(X509Certificate2 own)
        {
            try
            {
                while (true)
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync();
                    await using var tls = new SslStream(client.GetStream());
                    await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
                    {
                        ServerCertificate = own,
                        ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                    });
                    await tls.WriteAsync(Encoding.ASCII.GetBytes(Name));
                    await tls.ShutdownAsync();
                }
            }
            catch (Exception error) when (error is SocketException or IOException or ObjectDisposedException or AuthenticationException)
            {
                // Disposed, or the test has ended.
            }
        }
    }
}

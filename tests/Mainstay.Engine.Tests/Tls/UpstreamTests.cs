using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Tls;

/// <summary>Servers that are spoken to by TLS, with .NET's server as the peer.</summary>
public sealed class UpstreamTests : IDisposable
{
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Fact]
    public async Task Verified_ManyRequests_UseOneConnection()
    {
        using ScriptedServer server = Answering(Certificate("app.example.com"), request => ScriptedServer.Ok(request.StartLine + request.Text));
        await using ProxyBench bench = await ProxyBench.StartAsync(Config(server, Verified("app.example.com")));
        using RawPeer client = bench.Connect();
        for (int i = 0; i < 20; i++)
        {
            client.Send($"POST /{i} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
            Assert.Equal($"POST /{i} HTTP/1.1hi", client.ReadResponse().Text);
        }

        Assert.Equal(1, server.Connections);
    }

    [Theory]
    [InlineData("app.example.com", 90, true)]
    [InlineData("other.example.com", 90, false)]
    [InlineData("app.example.com", -1, false)]
    public async Task Certificate_NameAndTime_HaveToBeRight(string name, int days, bool accepted)
    {
        using ScriptedServer server = Answering(Certificate(name, days), _ => ScriptedServer.Ok("hello"));
        await using ProxyBench bench = await ProxyBench.StartAsync(Config(server, Verified("app.example.com")));
        Message response = bench.Get();
        Assert.Equal(accepted ? 200 : 502, response.Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ServerUntrusted) == (accepted ? 0 : 1), "the refusal is not counted as what it is");
    }

    [Fact]
    public async Task Verify_Off_TakesAnyCertificate()
    {
        using ScriptedServer server = Answering(Certificate("other.example.com", -1), _ => ScriptedServer.Ok("hello"));
        await using ProxyBench bench = await ProxyBench.StartAsync(Config(server, new UpstreamTlsSnapshot(false, null, "", null, null)));
        Assert.Equal("hello", bench.Get().Text);
    }

    [Fact]
    public async Task ServerWithoutTls_IsAFailureOfItsOwn()
    {
        using ScriptedServer server = new(peer =>
        {
            peer.ReadSome();
            peer.Send("HTTP/1.1 400 Bad Request\r\n\r\n");
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(Config(server, Verified("app.example.com")));
        Assert.Equal(502, bench.Get().Status);
        ProxyBench.Until(() => bench.Outcomes(OutcomeCause.ServerHandshakeFailed) == 1, "the failure is not counted as what it is");
    }

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public async Task Session_OfAnEarlierConnection_IsTakenUpAgain(SslProtocols version)
    {
        using ScriptedServer server = Answering(Certificate("app.example.com"), _ => ScriptedServer.Ok("hello"), version);
        Snapshot config = Config(server, Verified("app.example.com")).WithUpstream(upstream => upstream with { KeepAlive = TimeSpan.Zero });
        await using ProxyBench bench = await ProxyBench.StartAsync(config);
        for (int i = 0; i < 4; i++) Assert.Equal("hello", bench.Get().Text);
        long resumed = bench.OnShard(http => http.Lanes.Sum(lane => lane?.Counters.Resumed ?? 0));
        Assert.True(resumed >= 2, $"{resumed} of 4 handshakes took up a session");
    }

    [Fact]
    public async Task ClientCertificate_IsShownToServersThatAsk()
    {
        FileReference own = _certificates.Issue("proxy.pem", names: "proxy.example.com");
        string? seen = null;
        using var server = new ScriptedServer(peer =>
        {
            using var ssl = new SslStream(new NetworkStream(peer.Socket), leaveInnerStreamOpen: true, (_, certificate, _, _) =>
            {
                seen = certificate?.Subject;
                return certificate is not null;
            });
            ssl.AuthenticateAsServer(new SslServerAuthenticationOptions { ServerCertificate = Certificate("app.example.com"), ClientCertificateRequired = true });
            using var secured = new RawPeer(peer.Socket, ssl);
            secured.ReadRequest();
            secured.Send(ScriptedServer.Ok("hello"));
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(Config(server, Verified("app.example.com") with { Certificate = own }));
        Assert.Equal("hello", bench.Get().Text);
        Assert.Contains("proxy.example.com", seen);
    }

    [Fact]
    public async Task LargeBodies_BothWays_ArriveWhole()
    {
        const int Length = 20_000_000;
        using ScriptedServer server = Answering(Certificate("app.example.com"), request => ScriptedServer.Ok(request.Text));
        await using ProxyBench bench = await ProxyBench.StartAsync(Config(server, Verified("app.example.com")));
        Message response = bench.Ask($"POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {Length}\r\n\r\n{new string('x', Length)}");
        Assert.Equal(Length, response.Body.Length);
        Assert.Equal(-1, response.Body.AsSpan().IndexOfAnyExcept((byte)'x'));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task UntilCloseBody_WithoutCloseNotify_IsATruncation(bool says)
    {
        using var server = new ScriptedServer(peer =>
        {
            var ssl = new SslStream(new NetworkStream(peer.Socket), leaveInnerStreamOpen: true);
            ssl.AuthenticateAsServer(new SslServerAuthenticationOptions { ServerCertificate = Certificate("app.example.com") });
            using var secured = new RawPeer(peer.Socket, ssl);
            secured.ReadRequest();
            secured.Send("HTTP/1.1 200 OK\r\n\r\nthe body");
            if (says) ssl.ShutdownAsync().Wait();
            peer.HalfClose();
            peer.ReadToAnyEnd();
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(Config(server, Verified("app.example.com")));
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        (byte[] bytes, bool wasReset) = client.ReadToAnyEnd();
        Assert.Equal(!says, wasReset);
        if (says) Assert.EndsWith("the body", System.Text.Encoding.ASCII.GetString(bytes));
    }

    [Fact]
    public async Task Reload_ThatBringsTls_LeavesNoPlainConnectionInUse()
    {
        using ScriptedServer plain = ScriptedServer.Saying("plain");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(plain.Address));
        Assert.Equal("plain", bench.Get().Text);
        await bench.ApplyAsync(Config(plain, Verified("app.example.com"))
            .WithUpstream(upstream => upstream with { Connect = BenchConfig.Milliseconds(100), Retries = 0 }));
        Assert.Equal(504, bench.Get().Status);
    }

    private static ScriptedServer Answering(X509Certificate2 certificate, Func<Message, string> answer, SslProtocols version = SslProtocols.None) => new(peer =>
    {
        using var ssl = new SslStream(new NetworkStream(peer.Socket), leaveInnerStreamOpen: true);
        try
        {
            ssl.AuthenticateAsServer(new SslServerAuthenticationOptions { ServerCertificate = certificate, EnabledSslProtocols = version });
            using var secured = new RawPeer(peer.Socket, ssl);
            while (secured.ReadRequest() is { } request) secured.Send(answer(request));
        }
        catch (Exception error) when (error is AuthenticationException or IOException)
        {
            // The proxy refused: what the test looks at is what its client saw.
        }
    });

    private X509Certificate2 Certificate(string name, int days = 90)
    {
        FileReference file = _certificates.Issue($"{name}.{days}.server.pem", days: days, begunDaysAgo: 20, names: name);
        using var pem = X509Certificate2.CreateFromPemFile(file.Path, file.Path);
        return X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
    }

    private UpstreamTlsSnapshot Verified(string name) => new(true, new FileReference(_certificates.AuthorityFile), name, null, null);

    private static Snapshot Config(ScriptedServer server, UpstreamTlsSnapshot tls) =>
        BenchConfig.Of(BenchConfig.Pool(server.Address) with { Tls = tls });
}

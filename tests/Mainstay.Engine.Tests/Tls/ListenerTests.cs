using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Tls;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Tls;

/// <summary>Listeners that speak TLS, with .NET's client as the peer.</summary>
public sealed class ListenerTests : IDisposable
{
    private readonly TestCertificates _certificates = new();

    public void Dispose() => _certificates.Dispose();

    [Theory]
    [InlineData(SslProtocols.Tls12, false)]
    [InlineData(SslProtocols.Tls13, false)]
    [InlineData(SslProtocols.Tls12, true)]
    [InlineData(SslProtocols.Tls13, true)]
    public async Task KeepAlive_ManyRequests_AreForwardedAsHttps(SslProtocols version, bool rsa)
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok($"{request.StartLine} {request["X-Forwarded-Proto"]}"));
        TlsSnapshot profile = _certificates.Profile(_certificates.Issue("a.pem", rsa, names: "www.example.com"));
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(profile, server.Address));
        using SecureClient client = bench.Secure(SecureBench.Options(protocols: version));
        Assert.Equal(version, client.Ssl.SslProtocol);
        for (int i = 0; i < 20; i++) Assert.Equal($"GET /{i} HTTP/1.1 https", client.Get($"/{i}").Text);
        Assert.Equal(1, server.Connections);
        Assert.Equal((1, 0), bench.Handshakes());
    }

    [Fact]
    public async Task Pipelining_ManyRequestsInOneRecord_AreAnsweredInOrder()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.StartLine));
        await using ProxyBench bench = await StartAsync(server);
        using SecureClient client = bench.Secure();
        client.Peer.Send(string.Concat(Enumerable.Range(0, 100).Select(i => $"GET /{i} HTTP/1.1\r\nHost: a\r\n\r\n")));
        for (int i = 0; i < 100; i++) Assert.Equal($"GET /{i} HTTP/1.1", client.Peer.ReadResponse().Text);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1021)]
    public async Task Bytes_InPiecesOfOddSizes_AreUnderstood(int size)
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.Text));
        await using ProxyBench bench = await StartAsync(server);
        using SecureClient client = bench.Secure(transport: network => new PieceStream(network, size));
        string body = new('b', 3_000);
        for (int i = 0; i < 3; i++)
            Assert.Equal(body, client.Ask($"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {body.Length}\r\n\r\n{body}").Text);
    }

    [Fact]
    public async Task LargeBodies_BothWays_ArriveWhole()
    {
        const int Length = 20_000_000;
        string body = new('x', Length);
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.Text));
        await using ProxyBench bench = await StartAsync(server);
        using SecureClient client = bench.Secure();
        Message response = client.Ask($"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {Length}\r\n\r\n{body}");
        Assert.Equal(Length, response.Body.Length);
        Assert.Equal(-1, response.Body.AsSpan().IndexOfAnyExcept((byte)'x'));
    }

    [Fact]
    public async Task SlowReader_HoldsOneResponseNotTheShard()
    {
        string body = new('y', 5_000_000);
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request.StartLine.Contains("large") ? body : "small"));
        await using ProxyBench bench = await StartAsync(server);
        using SecureClient slow = bench.Secure(), quick = bench.Secure();
        slow.Peer.Send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n");
        bench.Settle();
        for (int i = 0; i < 10; i++) Assert.Equal("small", quick.Get().Text);
        Assert.True(bench.OnShard(http => http.Blocks.BytesRented) < 1_000_000, "the response is kept here instead of at the server");
        Assert.Equal(body.Length, slow.Peer.ReadResponse().Body.Length);
    }

    [Theory]
    [InlineData("a.example.com", "a.example.com")]
    [InlineData("A.EXAMPLE.COM", "a.example.com")]
    [InlineData("b.example.com", "*.example.com")]
    [InlineData("x.b.example.com", "default.example.org")]
    [InlineData("unknown.example.net", "default.example.org")]
    [InlineData("127.0.0.1", "default.example.org")] // an address is no server name: none is sent
    public async Task ServerName_ExactWildcardOrNone_GetsItsCertificate(string asked, string shown)
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(Several(), server.Address));
        using SecureClient client = bench.Secure(SecureBench.Options(asked));
        Assert.Equal(shown, client.ServerName);
        Assert.Equal("ok", client.Get().Text);
    }

    [Theory]
    [InlineData("b.example.com", true)]
    [InlineData("unknown.example.net", false)]
    [InlineData("127.0.0.1", false)]
    public async Task Strict_UnknownName_IsRefused(string asked, bool accepted)
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(Several() with { Strict = true }, server.Address));
        if (accepted)
        {
            using SecureClient client = bench.Secure(SecureBench.Options(asked));
            Assert.Equal("ok", client.Get().Text);
            return;
        }

        Assert.ThrowsAny<AuthenticationException>(() => bench.Secure(SecureBench.Options(asked)));
        ProxyBench.Until(() => bench.Failures(TlsFailure.UnknownName) == 1, "the refusal is not counted as what it is");
    }

    [Fact]
    public async Task RsaAndEcdsa_ForOneName_TheClientsCiphersDecide()
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        TlsSnapshot profile = _certificates.Profile(
            _certificates.Issue("rsa.pem", rsa: true, names: "www.example.com"), _certificates.Issue("ecdsa.pem", names: "www.example.com"));
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(profile, server.Address));
        foreach ((TlsCipherSuite cipher, string key) in new[]
                 {
                     (TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "1.2.840.113549.1.1.1"),
                     (TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "1.2.840.10045.2.1"),
                 })
        {
            SslClientAuthenticationOptions options = SecureBench.Options(protocols: SslProtocols.Tls12);
            options.CipherSuitesPolicy = new CipherSuitesPolicy([cipher]);
            using SecureClient client = bench.Secure(options);
            Assert.Equal(key, ((X509Certificate2)client.Ssl.RemoteCertificate!).PublicKey.Oid.Value);
        }
    }

    [Fact]
    public async Task Modern_ClientWithTls12Only_IsRefused()
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        TlsSnapshot profile = _certificates.Profile(_certificates.Issue("a.pem", names: "www.example.com")) with { Profile = TlsProfileKind.Modern };
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(profile, server.Address));
        Assert.ThrowsAny<AuthenticationException>(() => bench.Secure(SecureBench.Options(protocols: SslProtocols.Tls12)));
        ProxyBench.Until(() => bench.Failures(TlsFailure.Version) == 1, "the refusal is not counted as what it is");
        using SecureClient client = bench.Secure();
        Assert.Equal("ok", client.Get().Text);
    }

    [Fact]
    public async Task Alpn_OnlyUnknownProtocols_IsRefused()
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        await using ProxyBench bench = await StartAsync(server);
        SslClientAuthenticationOptions options = SecureBench.Options();
        options.ApplicationProtocols = [SslApplicationProtocol.Http11];
        using (SecureClient client = bench.Secure(options)) Assert.Equal(SslApplicationProtocol.Http11, client.Ssl.NegotiatedApplicationProtocol);
        options.ApplicationProtocols = [new SslApplicationProtocol("acme-tls/1")];
        Assert.ThrowsAny<AuthenticationException>(() => bench.Secure(options));
        ProxyBench.Until(() => bench.Failures(TlsFailure.NoSharedProtocol) == 1, "the refusal is not counted as what it is");
    }

    /// <summary>A client that settles on HTTP/2 and speaks it: .NET's, with a request over it.</summary>
    [Fact]
    public async Task Alpn_Http2_IsSpoken()
    {
        using ScriptedServer server = ScriptedServer.Answering(request => ScriptedServer.Ok(request["X-Forwarded-Proto"] + request.Text));
        await using ProxyBench bench = await StartAsync(server);
        using var client = new HttpClient(new SocketsHttpHandler { SslOptions = SecureBench.Options() })
        {
            DefaultRequestVersion = new Version(2, 0),
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        using HttpResponseMessage response = await client.PostAsync($"https://127.0.0.1:{bench.Port}/", new StringContent(new string('b', 100_000)));
        Assert.Equal(new Version(2, 0), response.Version);
        Assert.Equal(5 + 100_000, (await response.Content.ReadAsStringAsync()).Length);
    }

    [Fact]
    public async Task Alpn_ServiceWithoutHttp2_DoesNotOfferIt()
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        TlsSnapshot profile = _certificates.Profile(_certificates.Issue("a.pem", names: "www.example.com"));
        Snapshot config = SecureBench.Config(profile, server.Address).WithService(service => service with { Http2 = false });
        await using ProxyBench bench = await ProxyBench.StartAsync(config);
        SslClientAuthenticationOptions options = SecureBench.Options();
        options.ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        using SecureClient client = bench.Secure(options);
        Assert.Equal(SslApplicationProtocol.Http11, client.Ssl.NegotiatedApplicationProtocol);
    }

    [Fact]
    public async Task PlainHttp_OnATlsPort_IsTold()
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        await using ProxyBench bench = await StartAsync(server);
        using RawPeer client = bench.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.Equal(400, client.ReadResponse().Status);
        Assert.Equal(1, bench.Failures(TlsFailure.PlainHttp));
        Assert.Equal(1, bench.OnShard(http => http.Counters.Rejected[(int)RejectReason.PlainOnTlsPort]));
    }

    [Theory]
    [InlineData("\u0016\u0003\u0001\u0000\u0005hello")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n")]
    [InlineData("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")]
    public async Task Garbage_InsteadOfAHello_IsClosedAndCounted(string garbage)
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        await using ProxyBench bench = await StartAsync(server);
        using RawPeer client = bench.Connect();
        client.Send(garbage);
        client.ReadToAnyEnd();
        Assert.Equal(1, bench.Failures(TlsFailure.Malformed));
        Assert.Equal(1, bench.Outcomes(OutcomeCause.ClientHandshakeFailed));
        using SecureClient other = bench.Secure();
        Assert.Equal("ok", other.Get().Text);
    }

    [Fact]
    public async Task Handshake_HalfOpen_EndsAfterItsTime()
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        TlsSnapshot profile = _certificates.Profile(_certificates.Issue("a.pem", names: "www.example.com"));
        profile = profile with { Handshake = profile.Handshake with { Timeout = TimeSpan.FromMilliseconds(100) } };
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(profile, server.Address));
        using RawPeer silent = bench.Connect(), half = bench.Connect();
        half.Send("\u0016\u0003\u0001");
        Assert.Empty(silent.ReadToAnyEnd().Bytes);
        Assert.Empty(half.ReadToAnyEnd().Bytes);
        ProxyBench.Until(() => bench.Failures(TlsFailure.Timeout) == 2, "the timeouts are not counted");
        Assert.Equal(1, bench.Outcomes(OutcomeCause.ClientHandshakeTimeout)); // who says nothing is not told of
        Assert.Equal(0, bench.OnShard(http => http.Handshakes.UnderWay));
    }

    [Fact]
    public async Task HandshakeLimit_Reached_TheNextWaitsUntilOneEnds()
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        TlsSnapshot profile = _certificates.Profile(_certificates.Issue("a.pem", names: "www.example.com"));
        profile = profile with { Handshake = profile.Handshake with { Limit = 2 } };
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(profile, server.Address));
        RawPeer first = bench.Connect();
        using RawPeer second = bench.Connect();
        ProxyBench.Until(() => bench.OnShard(http => http.Handshakes.UnderWay) == 2, "nobody began");
        Task<SecureClient> third = Task.Run(() => bench.Secure());
        bench.Settle();
        Assert.Equal(2, bench.OnShard(http => http.Handshakes.UnderWay));
        first.Dispose();
        using SecureClient client = await third;
        Assert.Equal("ok", client.Get().Text);
    }

    [Fact]
    public async Task UntilCloseBody_Whole_EndsWithCloseNotify()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 200 OK\r\n\r\nthe whole body");
            peer.HalfClose();
        });
        await using ProxyBench bench = await StartAsync(server);
        using SecureClient client = bench.Secure();

        // .NET's client, like any that cares, throws where the end of the stream is not said.
        Assert.Equal("the whole body", client.Get().Text);
    }

    [Fact]
    public async Task UntilCloseBody_BrokenOff_DoesNotLookWhole()
    {
        using var server = new ScriptedServer(peer =>
        {
            peer.ReadRequest();
            peer.Send("HTTP/1.1 200 OK\r\n\r\nhalf of the bo");
            peer.Reset();
        });
        await using ProxyBench bench = await StartAsync(server);
        using SecureClient client = bench.Secure();
        Assert.ThrowsAny<IOException>(() => client.Get());
    }

    [Fact]
    public async Task RedirectHttps_OnAPlainListener_SendsEverythingOn()
    {
        using ScriptedServer server = ScriptedServer.Saying("not me");
        Snapshot config = BenchConfig.Of(server.Address).WithService(service => service with
        {
            Listen = [.. service.Listen.Select(listener => listener with { RedirectHttps = 8443 })],
        });
        await using ProxyBench bench = await ProxyBench.StartAsync(config);
        Message response = bench.Ask("POST /a/b?c=d HTTP/1.1\r\nHost: www.example.com:8080\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi");
        Assert.Equal(308, response.Status);
        Assert.Equal("https://www.example.com:8443/a/b?c=d", response["Location"]);
        Assert.Equal(0, server.Connections);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ClientCertificate_RequiredOrOptional(bool required)
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        TlsSnapshot profile = _certificates.Profile(_certificates.Issue("a.pem", names: "www.example.com"));
        profile = profile with { Client = new ClientCertificateSnapshot(new FileReference(_certificates.AuthorityFile), required, null) };
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(profile, server.Address));
        using (SecureClient known = bench.Secure(With(_certificates.Client("alice")))) Assert.Equal("ok", known.Get().Text);
        using var elsewhere = new TestCertificates();
        Assert.ThrowsAny<Exception>(() => UseOf(bench, With(elsewhere.Client("mallory"))));
        Assert.ThrowsAny<Exception>(() => UseOf(bench, With(_certificates.Client("late", expired: true))));
        ProxyBench.Until(() => bench.Failures(TlsFailure.CertificateRefused) == 2, "the refusals are not counted as what they are");
        if (!required) Assert.Equal("ok", UseOf(bench, SecureBench.Options()));
        else Assert.ThrowsAny<Exception>(() => UseOf(bench, SecureBench.Options()));
        Assert.Equal(required ? 1 : 0, bench.Failures(TlsFailure.NoCertificate));
    }

    [Fact]
    public async Task Reload_OfTheSameListener_KeepsConnectionsAndShowsTheNewCertificate()
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        TlsSnapshot profile = _certificates.Profile(_certificates.Issue("a.pem", names: ["old.example.com"]));
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(profile, server.Address));
        using SecureClient before = bench.Secure();
        Assert.Equal("old.example.com", before.ServerName);
        _certificates.Issue("a.pem", names: ["new.example.com"]);
        await bench.ApplyAsync(SecureBench.Config(profile, server.Address));
        Assert.Equal("ok", before.Get().Text);
        using SecureClient after = bench.Secure();
        Assert.Equal("new.example.com", after.ServerName);
    }

    [Fact]
    public async Task ChangedFiles_AreWatched_AndBrokenOnesChangeNothing()
    {
        using ScriptedServer server = ScriptedServer.Saying("ok");
        TlsSnapshot profile = _certificates.Profile(_certificates.Issue("a.pem", names: ["old.example.com"])) with { Watch = TimeSpan.FromSeconds(1) };
        await using ProxyBench bench = await ProxyBench.StartAsync(SecureBench.Config(profile, server.Address));
        string file = profile.Certificates[0].Certificate.Path;
        string good = File.ReadAllText(file);
        File.WriteAllText(file, good.Replace("PRIVATE KEY", "GARBAGE"));
        ProxyBench.Until(() => bench.Tls.Current["site"].Problem is not null, "the broken file is not noticed");
        Assert.Contains("there is no private key in it", bench.Tls.Current["site"].Problem);
        using (SecureClient still = bench.Secure()) Assert.Equal("old.example.com", still.ServerName);
        _certificates.Issue("a.pem", names: ["new.example.com"]);
        ProxyBench.Until(() => bench.Tls.Current["site"].Problem is null, "the mended file is not noticed");
        using SecureClient after = bench.Secure();
        Assert.Equal("new.example.com", after.ServerName);
    }

    private Task<ProxyBench> StartAsync(ScriptedServer server) =>
        ProxyBench.StartAsync(SecureBench.Config(_certificates.Profile(_certificates.Issue("a.pem", names: "www.example.com")), server.Address));

    private TlsSnapshot Several() => _certificates.Profile(
        _certificates.Issue("default.pem", names: "default.example.org"), _certificates.Issue("a.pem", names: "a.example.com"),
        _certificates.Issue("wild.pem", names: "*.example.com"));

    private static SslClientAuthenticationOptions With(X509Certificate2 certificate)
    {
        SslClientAuthenticationOptions options = SecureBench.Options();
        options.ClientCertificates = [certificate];
        return options;
    }

    /// <summary>With TLS 1.3 a refused certificate shows at the first read only.</summary>
    private static string UseOf(ProxyBench bench, SslClientAuthenticationOptions options)
    {
        using SecureClient client = bench.Secure(options);
        return client.Get().Text;
    }

    /// <summary>Sends everything in pieces of one size.</summary>
    private sealed class PieceStream(Stream inner, int size) : Stream
    {
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override void Flush() => inner.Flush();

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count)
        {
            for (int at = 0; at < count; at += size) inner.Write(buffer, offset + at, Math.Min(size, count - at));
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing) => inner.Dispose();
    }
}

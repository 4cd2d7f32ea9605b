using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Net;
using Mainstay.Engine.Probing;
using Mainstay.Linux.Tls;

namespace Mainstay.Engine.Tests.Probing;

/// <summary>Every kind of check against a real peer on loopback.</summary>
public class CheckKindTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nall good";

    [Fact]
    public async Task HungServer_PassesIcmpAndTcpButFailsHttp()
    {
        using TcpPeer hung = TcpPeer.Hanging();
        using var bench = new ProberBench();
        Endpoint server = ProberBench.Loopback(hung.Port);
        await bench.ApplyAsync(
            ProberBench.Pool("l3", ProberBench.Of(CheckKind.Icmp), server),
            ProberBench.Pool("l4", ProberBench.Of(CheckKind.Tcp), server),
            ProberBench.Pool("l7", ProberBench.Of(CheckKind.Http), server));
        ServerHealth l3 = await bench.ReadAsync("l3"), l4 = await bench.ReadAsync("l4"), l7 = await bench.ReadAsync("l7");
        if (l3.LastCause != CheckCause.Unable) Assert.Equal((ServerState.Up, "echo reply"), (l3.State, l3.LastCheck));
        Assert.Equal((ServerState.Up, "connected"), (l4.State, l4.LastCheck));
        Assert.Equal((ServerState.Down, "timeout after 400ms waiting for the status line"), (l7.State, l7.LastCheck));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Icmp_OfThisMachine_IsAnswered(bool isV6)
    {
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(ProberBench.Of(CheckKind.Icmp), ProberBench.Loopback(80, isV6));
        if (health.LastCause == CheckCause.Unable) Assert.Skip($"ICMP cannot be used here: {health.LastCheck}");
        Assert.Equal((ServerState.Up, "echo reply"), (health.State, health.LastCheck));
    }

    [Fact]
    public async Task Tcp_ClosedPort_IsRefused()
    {
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(ProberBench.Tcp, ProberBench.Loopback(Certificates.ClosedPort()));
        Assert.Equal((ServerState.Down, "connection refused"), (health.State, health.LastCheck));
    }

    [Fact]
    public async Task Tcp_SendAndExpect_TalksToTheServer()
    {
        using var redis = new TcpPeer(async (stream, stop) =>
        {
            byte[] buffer = new byte[64];
            int count = await stream.ReadAsync(buffer, stop);
            await stream.WriteAsync(Encoding.ASCII.GetString(buffer, 0, count) == "PING\r\n" ? "+PONG\r\n"u8.ToArray() : "-ERR\r\n"u8.ToArray(), stop);
        });
        CheckSnapshot check = ProberBench.Tcp with { Send = [.. "PING\r\n"u8], Expect = [.. "+PONG"u8] };
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(check, ProberBench.Loopback(redis.Port));
        Assert.Equal((ServerState.Up, "answer as expected"), (health.State, health.LastCheck));
    }

    [Fact]
    public async Task Tcp_BannerExpectedWithoutSending_IsRead()
    {
        using var smtp = new TcpPeer(async (stream, stop) =>
        {
            await stream.WriteAsync("220 mail.example ESMTP\r\n"u8.ToArray(), stop);
            await Task.Delay(-1, stop);
        });
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(ProberBench.Tcp with { Expect = [.. "220 "u8] }, ProberBench.Loopback(smtp.Port));
        Assert.Equal(ServerState.Up, health.State);
    }

    [Fact]
    public async Task Http_AsksWhatIsConfiguredAndReadsTheStatus()
    {
        string head = "";
        using var web = new TcpPeer(async (stream, stop) =>
        {
            head = await TcpPeer.ReadHeadAsync(stream, stop);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok), stop);
        });
        using var bench = new ProberBench();
        CheckSnapshot check = ProberBench.Of(CheckKind.Http) with { Path = "/healthz", Host = "shop.example", BodyContains = "good" };
        ServerHealth health = await bench.CheckOnceAsync(check, ProberBench.Loopback(web.Port));
        Assert.Equal((ServerState.Up, "HTTP 200"), (health.State, health.LastCheck));
        Assert.StartsWith("GET /healthz HTTP/1.1\r\nHost: shop.example\r\n", head, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_BodyThatIsUnderWay_IsNotResetAndDoesNotDecide()
    {
        using var web = new TcpPeer(async (stream, stop) =>
        {
            await TcpPeer.ReadHeadAsync(stream, stop);
            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngo"u8.ToArray(), stop);
            await Task.Delay(-1, stop);
        });
        using var bench = new ProberBench();
        CheckSnapshot check = ProberBench.Of(CheckKind.Http);
        ServerHealth health = await bench.CheckOnceAsync(check, ProberBench.Loopback(web.Port));
        Assert.Equal((ServerState.Up, "HTTP 200"), (health.State, health.LastCheck));
        Assert.InRange(health.LastDuration, check.Timeout / 2, TimeSpan.MaxValue);
    }

    [Theory]
    [InlineData("HTTP/1.1 503 Busy\r\n\r\n", "HTTP 503")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad", "HTTP 200, the body has no \"good\"")]
    [InlineData("", "closed while waiting for the status line")]
    [InlineData("SSH-2.0-x\r\n", "not an HTTP/1 status line: \"SSH-2.0-x\"")]
    public async Task Http_AnythingElse_IsAFailureWithItsReason(string response, string reason)
    {
        using TcpPeer web = TcpPeer.Answering(() => response);
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(
            ProberBench.Of(CheckKind.Http) with { BodyContains = "good" }, ProberBench.Loopback(web.Port));
        Assert.Equal((ServerState.Down, reason), (health.State, health.LastCheck));
    }

    [Fact]
    public async Task Http_OverIPv6AndOnAnotherPort_Works()
    {
        using var web = new TcpPeer(async (stream, stop) =>
        {
            await TcpPeer.ReadHeadAsync(stream, stop);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok), stop);
        }, isV6: true);
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(
            ProberBench.Of(CheckKind.Http) with { Port = web.Port }, ProberBench.Loopback(1, isV6: true));
        Assert.Equal(ServerState.Up, health.State);
    }

    [Fact]
    public async Task Http_OverAUnixSocket_Works()
    {
        string path = Path.Combine(Path.GetTempPath(), $"ms-{Guid.NewGuid():N}.sock");
        using var listener = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        listener.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
        listener.Listen(8);
        _ = Task.Run(async () =>
        {
            using System.Net.Sockets.Socket client = await listener.AcceptAsync();
            await client.ReceiveAsync(new byte[4096]);
            await client.SendAsync(Encoding.ASCII.GetBytes(Ok));
        });
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(ProberBench.Of(CheckKind.Http) with { Interval = TimeSpan.FromMinutes(1) }, Endpoint.Unix(path));
        Assert.Equal((ServerState.Up, "HTTP 200"), (health.State, health.LastCheck));
        File.Delete(path);
    }

    [Fact]
    public async Task Agent_LineSetsStateAndShare()
    {
        string line = "up 75%\n";
        using var agent = new TcpPeer(async (stream, stop) => await stream.WriteAsync(Encoding.ASCII.GetBytes(line), stop));
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(ProberBench.Of(CheckKind.Agent), ProberBench.Loopback(agent.Port));
        Assert.Equal((ServerState.Up, 192), (health.State, health.Share));
        line = "drain\n";
        await bench.WaitAsync(now => now.State == ServerState.Draining);
        line = "ready 100%\n";
        await bench.WaitAsync(now => now is { State: ServerState.Up, Share: Availability.FullShare });
        line = "down #disk full\n";
        health = await bench.WaitAsync(now => now.State == ServerState.Down);
        Assert.Equal("agent: down, \"disk full\", 2 bad results in a row", health.Reason);
    }

    [Fact]
    public async Task Udp_AnswerSilenceAndIcmpError_AreToldApart()
    {
        using var echo = new UdpPeer(bytes => [.. "pong "u8, .. bytes]);
        using var silent = new UdpPeer(_ => null);
        CheckSnapshot asking = ProberBench.Of(CheckKind.Udp) with { Send = [.. "ping"u8], Expect = [.. "pong ping"u8] };
        using var bench = new ProberBench();
        await bench.ApplyAsync(
            ProberBench.Pool("echo", asking, ProberBench.Loopback(echo.Port)),
            ProberBench.Pool("silent", asking, ProberBench.Loopback(silent.Port)),
            ProberBench.Pool("trusting", ProberBench.Of(CheckKind.Udp), ProberBench.Loopback(silent.Port)),
            ProberBench.Pool("closed", ProberBench.Of(CheckKind.Udp), ProberBench.Loopback(Certificates.ClosedPort())));
        Assert.Equal("answer as expected", (await bench.ReadAsync("echo")).LastCheck);
        Assert.Equal("timeout after 400ms waiting for \"pong ping\"", (await bench.ReadAsync("silent")).LastCheck);
        Assert.Equal(ServerState.Up, (await bench.ReadAsync("trusting")).State);
        ServerHealth closed = await bench.ReadAsync("closed");
        Assert.Equal((ServerState.Down, "port closed (ICMP port unreachable)"), (closed.State, closed.LastCheck));
    }

    [Theory]
    [InlineData("192.0.2.7", ServerState.Up, "A \"192.0.2.7\"")]
    [InlineData("192.0.2.8", ServerState.Down, "A \"192.0.2.7\"; expected \"192.0.2.8\"")]
    public async Task Dns_AnswerIsCompared(string expected, ServerState state, string text)
    {
        using var dns = new UdpPeer(query =>
        {
            byte[] answer = [.. query, 0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7];
            (answer[2], answer[3], answer[7]) = (0x81, 0x80, 1);
            return answer;
        });
        using var bench = new ProberBench();
        CheckSnapshot check = ProberBench.Of(CheckKind.Dns) with { QueryName = "www.example", Answer = expected };
        ServerHealth health = await bench.CheckOnceAsync(check, ProberBench.Loopback(dns.Port));
        Assert.Equal((state, text), (health.State, health.LastCheck));
    }

    [Fact]
    public async Task Tls_CertificateThatEndsSoon_IsAWarningOnly()
    {
        SkipWithoutTls();
        using TcpPeer server = Certificates.Serve(Certificates.SelfSigned(TimeSpan.FromDays(3.5)), (_, stop) => Task.Delay(-1, stop));
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(Slow(CheckKind.Tls), ProberBench.Loopback(server.Port));
        Assert.Equal((ServerState.Up, CheckCause.Warning), (health.State, health.LastCause));
        Assert.Equal("TLSv1.3, certificate expires in 3 days (warning)", health.LastCheck);
    }

    [Fact]
    public async Task Tls_UntrustedCertificate_FailsOnlyWhenVerified()
    {
        SkipWithoutTls();
        using TcpPeer server = Certificates.Serve(Certificates.SelfSigned(TimeSpan.FromDays(90)), (_, stop) => Task.Delay(-1, stop));
        using var bench = new ProberBench();
        await bench.ApplyAsync(
            ProberBench.Pool("lax", Slow(CheckKind.Tls), ProberBench.Loopback(server.Port)),
            ProberBench.Pool("strict", Slow(CheckKind.Tls) with { Verify = true, Host = "localhost" }, ProberBench.Loopback(server.Port)));
        Assert.Equal((ServerState.Up, "TLSv1.3"), ((await bench.ReadAsync("lax")).State, (await bench.ReadAsync("lax")).LastCheck));
        ServerHealth strict = await bench.ReadAsync("strict");
        Assert.Equal((ServerState.Down, "certificate: self-signed certificate"), (strict.State, strict.LastCheck));
    }

    [Fact]
    public async Task Tls_ServerWithoutTls_FailsInTheHandshake()
    {
        SkipWithoutTls();
        using TcpPeer plain = TcpPeer.Answering(() => "HTTP/1.1 400 Bad\r\n\r\n");
        using TcpPeer hung = TcpPeer.Hanging();
        using var bench = new ProberBench();
        await bench.ApplyAsync(
            ProberBench.Pool("hung", ProberBench.Of(CheckKind.Tls), ProberBench.Loopback(hung.Port)),
            ProberBench.Pool("plain", Slow(CheckKind.Tls), ProberBench.Loopback(plain.Port)));
        Assert.Equal("timeout after 400ms in the TLS handshake", (await bench.ReadAsync("hung")).LastCheck);
        Assert.Equal(ServerState.Down, (await bench.ReadAsync("plain")).State);
    }

    [Fact]
    public async Task Https_AsksInsideTls()
    {
        SkipWithoutTls();
        using TcpPeer server = Certificates.Serve(Certificates.SelfSigned(TimeSpan.FromDays(90)), async (stream, stop) =>
        {
            await TcpPeer.ReadHeadAsync(stream, stop);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Ok), stop);
        });
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(Slow(CheckKind.Https) with { BodyContains = "all good" }, ProberBench.Loopback(server.Port));
        Assert.Equal((ServerState.Up, "HTTP 200"), (health.State, health.LastCheck));
    }

    [Fact]
    public async Task HostName_IsResolved_AndOneThatIsNotSaysSo()
    {
        using TcpPeer peer = TcpPeer.Hanging();
        using var bench = new ProberBench();
        await bench.ApplyAsync(
            ProberBench.Pool("app", ProberBench.Tcp, Endpoint.Name("localhost", peer.Port)),
            ProberBench.Pool("lost", ProberBench.Tcp, Endpoint.Name("no-such-host.invalid", 80)));
        Assert.Equal(ServerState.Up, (await bench.ReadAsync()).State);
        ServerHealth lost = await bench.ReadAsync("lost");
        Assert.Equal(ServerState.Down, lost.State);
        Assert.StartsWith("host name no-such-host.invalid does not resolve: ", lost.LastCheck, StringComparison.Ordinal);
    }

    /// <summary>Key exchanges on a busy machine take their time.</summary>
    private static CheckSnapshot Slow(CheckKind kind) => ProberBench.Of(kind) with { Timeout = TimeSpan.FromSeconds(5), Interval = TimeSpan.FromSeconds(5) };

    private static void SkipWithoutTls()
    {
        if (TlsClientContext.Missing is { } missing) Assert.Skip(missing);
    }
}

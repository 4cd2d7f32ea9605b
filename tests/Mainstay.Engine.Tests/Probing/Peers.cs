using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Mainstay.Engine.Tests.Probing;

/// <summary>A TCP server on loopback that does with every connection what the test says.</summary>
internal sealed class TcpPeer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly CancellationTokenSource _stop = new();
    private int _accepted;

    public TcpPeer(Func<Stream, CancellationToken, Task> serve, bool isV6 = false)
    {
        _listener = new TcpListener(isV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0);
        _listener.Start(1024);
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _ = AcceptAsync(serve);
    }

    public int Port { get; }
    public int Accepted => Volatile.Read(ref _accepted);

    /// <summary>Accepts and never says anything: the server that hangs.</summary>
    public static TcpPeer Hanging() => new((_, stop) => Task.Delay(-1, stop));

    /// <summary>Reads a request's head, then answers.</summary>
    public static TcpPeer Answering(Func<string> response) => new(async (stream, stop) =>
    {
        await ReadHeadAsync(stream, stop);
        await stream.WriteAsync(Encoding.Latin1.GetBytes(response()), stop);
    });

    public static async Task<string> ReadHeadAsync(Stream stream, CancellationToken stop)
    {
        var head = new StringBuilder();
        byte[] buffer = new byte[4096];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            int count = await stream.ReadAsync(buffer, stop);
            if (count == 0) break;
            head.Append(Encoding.Latin1.GetString(buffer, 0, count));
        }

        return head.ToString();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
    }

    private async Task AcceptAsync(Func<Stream, CancellationToken, Task> serve)
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                Interlocked.Increment(ref _accepted);
                _ = ServeAsync(client, serve);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client, Func<Stream, CancellationToken, Task> serve)
    {
        using (client)
        {
            try
            {
                await serve(client.GetStream(), _stop.Token);
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
            {
            }
        }
    }
}

/// <summary>A UDP server on loopback.</summary>
internal sealed class UdpPeer : IDisposable
{
    private readonly UdpClient _client = new(new IPEndPoint(IPAddress.Loopback, 0));

    /// <param name="answer">Null = none.</param>
    public UdpPeer(Func<byte[], byte[]?> answer)
    {
        Port = ((IPEndPoint?)_client.Client.LocalEndPoint)?.Port ?? 0;
        _ = RunAsync(answer);
    }

    public int Port { get; }

    public void Dispose() => _client.Dispose();

    private async Task RunAsync(Func<byte[], byte[]?> answer)
    {
        try
        {
            while (true)
            {
                UdpReceiveResult received = await _client.ReceiveAsync();
                if (answer(received.Buffer) is { } reply) await _client.SendAsync(reply, received.RemoteEndPoint);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
        }
    }
}

internal static class Certificates
{
    /// <summary>Self-signed for localhost, ending so soon.</summary>
    public static X509Certificate2 SelfSigned(TimeSpan left)
    {
        using RSA key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 certificate = request.CreateSelfSigned(now - TimeSpan.FromDays(30), now + left);
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }

    /// <summary>A TLS server whose stream is then served like a plain one.</summary>
    public static TcpPeer Serve(X509Certificate2 certificate, Func<Stream, CancellationToken, Task> serve) => new(async (plain, stop) =>
    {
        await using var secured = new SslStream(plain);
        try
        {
            await secured.AuthenticateAsServerAsync(certificate);
        }
        catch (System.Security.Authentication.AuthenticationException)
        {
            return; // the check refused the certificate
        }

        await serve(secured, stop);
    });

    /// <summary>Free for a moment: nobody listens there.</summary>
    public static int ClosedPort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}

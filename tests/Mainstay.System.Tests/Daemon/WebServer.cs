using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mainstay.System.Tests.Daemon;

/// <summary>A server behind the balancer: answers every request with its name, one a connection, until it is stopped.</summary>
internal sealed class WebServer : IDisposable
{
    private readonly TcpListener _listener;
    private readonly ManualResetEventSlim _goes = new(true);
    private volatile bool _isHolding;

    public WebServer(string name)
    {
        Name = name;
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Name { get; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>A request waits for its answer.</summary>
    public bool IsHolding => _isHolding;

    /// <summary>Answers nothing but checks until <see cref="Go"/>.</summary>
    public void Hold() => _goes.Reset();

    public void Go() => _goes.Set();

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true) _ = AnswerAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // Stopped.
        }
    }

    private async Task AnswerAsync(TcpClient client)
    {
        try
        {
            using (client)
            {
                using var reader = new StreamReader(client.GetStream());
                bool isCheck = false;
                while (await reader.ReadLineAsync() is { Length: > 0 } line)
                {
                    // Requests here have no body: the head ends with an empty line.
                    isCheck |= line.StartsWith("User-Agent: mainstay", StringComparison.OrdinalIgnoreCase);
                }

                if (!isCheck && !_goes.IsSet)
                {
                    _isHolding = true;
                    await Task.Run(_goes.Wait);
                }

                byte[] answer = Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {Name.Length}\r\nConnection: close\r\n\r\n{Name}");
                await client.GetStream().WriteAsync(answer);
            }
        }
        catch (IOException)
        {
            // The balancer closed the connection.
        }
    }
}

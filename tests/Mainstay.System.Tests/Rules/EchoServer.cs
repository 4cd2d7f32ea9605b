using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mainstay.System.Tests.Rules;

/// <summary>A server that tells what it was asked: its name, the request line, the headers, the body; one request a connection.</summary>
internal sealed class EchoServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _name;
    private int _requests;

    public EchoServer(string name)
    {
        _name = name;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Requests answered so far.</summary>
    public int Requests => Volatile.Read(ref _requests);

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
                using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
                var echo = new StringBuilder($"{_name}: ");
                int length = 0;
                while (await reader.ReadLineAsync() is { Length: > 0 } line)
                {
                    echo.Append(line.Replace(" HTTP/1.1", "", StringComparison.Ordinal)).Append('\n');
                    if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)) length = int.Parse(line[15..], CultureInfo.InvariantCulture);
                }

                char[] body = new char[length];
                if (length > 0) await reader.ReadBlockAsync(body);
                if (length > 0) echo.Append("body: ").Append(body).Append('\n');
                Interlocked.Increment(ref _requests);
                byte[] answer = Encoding.Latin1.GetBytes(
                    $"HTTP/1.1 200 OK\r\nContent-Length: {echo.Length}\r\nServer: echo/1\r\nX-Powered-By: echo\r\nConnection: close\r\n\r\n{echo}");
                await client.GetStream().WriteAsync(answer);
            }
        }
        catch (IOException)
        {
            // The balancer closed the connection.
        }
    }
}

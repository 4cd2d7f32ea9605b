using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mainstay.Demo;

/// <summary>
/// A small web server that can be broken on purpose. It answers every path the same way and knows just enough HTTP/1.1 to be asked by
/// the balancer.
/// </summary>
internal sealed class WebServer : IDisposable
{
    private const int MaxHead = 16 * 1024;
    private const int Backlog = 512;

    /// <summary>Another program that got the port while this server was down.</summary>
    private static readonly TimeSpan PortPatience = TimeSpan.FromSeconds(5);

    private readonly IPEndPoint _address;
    private readonly TimeSpan _work;
    private readonly byte[] _success;
    private readonly byte[] _failure;
    private readonly Lock _gate = new();
    private readonly HashSet<Socket> _connections = [];
    private Socket? _listener;
    private volatile Fault _fault;

    /// <param name="work">What a request takes, a check excepted.</param>
    public WebServer(string name, int port, TimeSpan work)
    {
        (Name, Port, _work) = (name, port, work);
        _address = new IPEndPoint(IPAddress.Loopback, port);
        _success = Response("200 OK", name, $"Hello from {name}.\n");
        _failure = Response("500 Internal Server Error", name, $"{name} is broken.\n");
    }

    public string Name { get; }

    public int Port { get; }

    /// <summary>Listens from now on.</summary>
    /// <exception cref="SocketException">The port is taken.</exception>
    public void Start()
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Connections of its former life that linger do not keep the port.
            listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            listener.Bind(_address);
            listener.Listen(Backlog);
        }
        catch
        {
            listener.Dispose();
            throw;
        }

        _fault = Fault.None;
        _listener = listener;
        _ = AcceptAsync(listener);
    }

    public void Break(Fault fault)
    {
        _fault = fault;
        if (fault == Fault.Crash) Stop();
    }

    /// <summary>As a new process: connections of the old one are reset.</summary>
    public async Task RestartAsync(CancellationToken cancel)
    {
        bool wasHung = _fault == Fault.Hang;
        _fault = Fault.None;
        if (wasHung) ResetConnections();
        DateTime patience = DateTime.UtcNow + PortPatience;
        while (_listener is null)
        {
            try
            {
                Start();
            }
            catch (SocketException) when (DateTime.UtcNow < patience)
            {
                await Task.Delay(50, cancel).ConfigureAwait(false);
            }
        }
    }

    public void Dispose() => Stop();

    private void Stop()
    {
        _listener?.Dispose();
        _listener = null;
        ResetConnections();
    }

    private void ResetConnections()
    {
        lock (_gate)
        {
            // Closed with time zero: the peer gets a reset, as from a process that was killed with unread data.
            foreach (Socket connection in _connections) Reset(connection);
            _connections.Clear();
        }
    }

    private static void Reset(Socket connection)
    {
        try
        {
            connection.LingerState = new LingerOption(true, 0);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer was faster.
        }

        connection.Dispose();
    }

    private async Task AcceptAsync(Socket listener)
    {
        while (true)
        {
            Socket connection;
            try
            {
                connection = await listener.AcceptAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return;
            }

            _ = ServeAsync(connection);
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        lock (_gate)
        {
            if (_fault == Fault.Crash) Reset(connection);
            else _connections.Add(connection);
        }

        try
        {
            connection.NoDelay = true;
            await AnswerAllAsync(connection).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Reset by the peer, or by this server's own crash.
        }

        lock (_gate) _connections.Remove(connection);
        connection.Dispose();
    }

    private async Task AnswerAllAsync(Socket connection)
    {
        byte[] buffer = new byte[MaxHead];
        int filled = 0;
        while (filled < buffer.Length)
        {
            int received = await connection.ReceiveAsync(buffer.AsMemory(filled)).ConfigureAwait(false);
            if (received == 0) return;
            filled += received;
            for (int end; (end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8)) >= 0;)
            {
                var request = new Request(buffer.AsSpan(0, end));
                if (!await TryAnswerAsync(connection, request).ConfigureAwait(false) || request.HasBody) return;
                filled -= end + 4;
                buffer.AsSpan(end + 4, filled).CopyTo(buffer);
            }
        }
    }

    /// <summary>False when this server hangs: then the connection stays open until the peer or a restart ends it.</summary>
    private async Task<bool> TryAnswerAsync(Socket connection, Request request)
    {
        if (_fault == Fault.None && !request.IsCheck) await Task.Delay(_work).ConfigureAwait(false);
        if (_fault == Fault.Hang)
        {
            byte[] ignored = new byte[256];
            while (await connection.ReceiveAsync(ignored).ConfigureAwait(false) > 0)
            {
            }

            return false;
        }

        byte[] response = _fault == Fault.Errors ? _failure : _success;
        int length = request.IsHead ? response.AsSpan().IndexOf("\r\n\r\n"u8) + 4 : response.Length;
        await connection.SendAsync(response.AsMemory(0, length)).ConfigureAwait(false);
        return true;
    }

    private static byte[] Response(string status, string name, string body) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"HTTP/1.1 {status}\r\n{LoadClient.ServedBy}: {name}\r\nContent-Type: text/plain\r\nContent-Length: {body.Length}\r\n\r\n{body}"));

    private readonly record struct Request
    {
        public Request(ReadOnlySpan<byte> head)
        {
            IsHead = head.StartsWith("HEAD "u8);
            IsCheck = head.StartsWith("GET /healthz "u8);
            // A body is not read: the answer is the connection's last one.
            string text = Encoding.ASCII.GetString(head);
            HasBody = text.Contains("\nTransfer-Encoding:", StringComparison.OrdinalIgnoreCase)
                || (text.Contains("\nContent-Length:", StringComparison.OrdinalIgnoreCase)
                    && !text.Contains("\nContent-Length: 0\r", StringComparison.OrdinalIgnoreCase));
        }

        public bool IsHead { get; }

        public bool IsCheck { get; }

        public bool HasBody { get; }
    }
}

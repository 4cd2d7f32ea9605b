using System.Buffers.Text;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Mainstay.Demo;

/// <summary>What came of one request.</summary>
/// <param name="Status">0 = no complete response.</param>
/// <param name="Server">Who answered; empty when it was none of the servers.</param>
/// <param name="WasIdleAndClosed">The connection had carried a request before, and was closed before a byte of this one's response.</param>
internal readonly record struct ClientResult(int Status, string Server, string Error, bool WasIdleAndClosed);

/// <summary>One user's keep-alive connection; opened when it is needed.</summary>
internal sealed class ClientConnection(IPEndPoint target) : IDisposable
{
    /// <summary>Longer than a worker takes to start on a busy machine: new connections wait for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly byte[] _request = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: {target}\r\nUser-Agent: mainstay-demo\r\n\r\n");
    private readonly byte[] _buffer = new byte[8 * 1024];
    private CancellationTokenSource _deadline = new();
    private Socket? _socket;
    private int _filled;

    public async Task<ClientResult> GetAsync()
    {
        bool isReused = _socket is not null;
        _filled = 0;
        if (!_deadline.TryReset())
        {
            _deadline.Dispose();
            _deadline = new CancellationTokenSource();
        }

        _deadline.CancelAfter(Patience);
        try
        {
            Socket socket = _socket ??= await ConnectAsync(_deadline.Token).ConfigureAwait(false);
            await socket.SendAsync(_request, _deadline.Token).ConfigureAwait(false);
            return await ReceiveAsync(socket, isReused, _deadline.Token).ConfigureAwait(false);
        }
        catch (SocketException e)
        {
            return Broken(Describe(e.SocketErrorCode), isReused);
        }
        catch (OperationCanceledException)
        {
            Close();
            return new ClientResult(0, "", $"no answer within {Patience.TotalSeconds:0} s", false);
        }
    }

    public void Dispose()
    {
        Close();
        _deadline.Dispose();
    }

    private async Task<Socket> ConnectAsync(CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(target, cancel).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private async Task<ClientResult> ReceiveAsync(Socket socket, bool isReused, CancellationToken cancel)
    {
        while (_filled < _buffer.Length)
        {
            int received = await socket.ReceiveAsync(_buffer.AsMemory(_filled), cancel).ConfigureAwait(false);
            if (received == 0) return Broken("the connection was closed", isReused);
            _filled += received;
            if (TryRead(_buffer.AsSpan(0, _filled), out ClientResult result, out bool isLast))
            {
                if (isLast) Close();
                return result;
            }
        }

        return Broken("a response longer than expected", isReused: false);
    }

    /// <summary>A response with Content-Length, which is what the demo's servers and the balancer's own answers have.</summary>
    private static bool TryRead(ReadOnlySpan<byte> received, out ClientResult result, out bool isLast)
    {
        (result, isLast) = (default, false);
        int end = received.IndexOf("\r\n\r\n"u8);
        if (end < 0) return false;
        ReadOnlySpan<byte> head = received[..(end + 2)];
        if (received.Length < end + 4 + Number(head, "content-length")) return false;
        _ = Utf8Parser.TryParse(head[9..], out int status, out _);
        isLast = Value(head, "connection").Equals("close", StringComparison.OrdinalIgnoreCase);
        result = new ClientResult(status, Value(head, LoadClient.ServedBy), "", false);
        return true;
    }

    private static int Number(ReadOnlySpan<byte> head, string name) => int.TryParse(Value(head, name), out int number) ? number : 0;

    private static string Value(ReadOnlySpan<byte> head, string name)
    {
        foreach (Range range in head.Split("\r\n"u8))
        {
            ReadOnlySpan<byte> line = head[range];
            if (line.Length <= name.Length || line[name.Length] != ':' || !Ascii.EqualsIgnoreCase(line[..name.Length], name)) continue;
            return Encoding.ASCII.GetString(line[(name.Length + 1)..]).Trim();
        }

        return "";
    }

    private ClientResult Broken(string error, bool isReused)
    {
        Close();
        return new ClientResult(0, "", error, isReused && _filled == 0);
    }

    private void Close()
    {
        _socket?.Dispose();
        _socket = null;
    }

    private static string Describe(SocketError error) => error switch
    {
        SocketError.ConnectionReset or SocketError.Shutdown => "the connection was reset",
        SocketError.ConnectionRefused => "the connection was refused",
        _ => $"the connection failed ({error})",
    };
}

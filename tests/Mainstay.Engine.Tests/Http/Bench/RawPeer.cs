using System.Net.Sockets;
using System.Text;

namespace Mainstay.Engine.Tests.Http.Bench;

/// <summary>One end of a connection in the hand of a test, client or server: sends exact bytes, reads whole messages.</summary>
internal sealed class RawPeer : IDisposable
{
    private const int PatienceMilliseconds = 30_000;

    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;

    private readonly Stream? _secured;

    /// <param name="secured">Wraps the socket in TLS: bytes go through it.</param>
    public RawPeer(Socket socket, Stream? secured = null)
    {
        Socket = socket;
        _secured = secured;
        socket.ReceiveTimeout = socket.SendTimeout = PatienceMilliseconds;
        if (socket.AddressFamily != AddressFamily.Unix) socket.NoDelay = true;
    }

    public Socket Socket { get; }

    public void Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    public void Send(ReadOnlySpan<byte> bytes)
    {
        if (_secured is not null)
        {
            _secured.Write(bytes);
            return;
        }

        while (!bytes.IsEmpty) bytes = bytes[Socket.Send(bytes)..];
    }

    /// <summary>The end of what this side sends.</summary>
    public void HalfClose() => Socket.Shutdown(SocketShutdown.Send);

    /// <summary>Breaks the connection off with a reset.</summary>
    public void Reset()
    {
        if (Socket.AddressFamily != AddressFamily.Unix) Socket.LingerState = new LingerOption(true, 0);
        Socket.Dispose();
    }

    public void Dispose() => Socket.Dispose();

    /// <summary>A request, or null when the connection ended before it.</summary>
    public Message? ReadRequest() => TryReadHead(out string[] lines) ? Complete(lines, hasBody: true, untilClose: false) : null;

    /// <summary>A request without its body.</summary>
    public Message ReadRequestHead() =>
        TryReadHead(out string[] lines) ? Complete(lines, hasBody: false, untilClose: false) : throw new EndOfStreamException("no request");

    /// <summary>Whatever comes next; empty at the end.</summary>
    public byte[] ReadSome()
    {
        if (_start == _end && !Fill()) return [];
        byte[] bytes = _buffer[_start.._end];
        _start = _end;
        return bytes;
    }

    /// <summary>The next response, interim ones included.</summary>
    /// <param name="toHead">It answers HEAD: there is no body, whatever its head says.</param>
    public Message ReadResponse(bool toHead = false)
    {
        if (!TryReadHead(out string[] lines)) throw new EndOfStreamException("the connection ended before a response");
        int status = int.Parse(lines[0].Split(' ')[1]);
        bool hasBody = !toHead && status >= 200 && status is not (204 or 304);
        return Complete(lines, hasBody, untilClose: true);
    }

    public string ReadLine()
    {
        var line = new StringBuilder();
        while (true)
        {
            char next = (char)ReadByte();
            if (next == '\n') return line.ToString().TrimEnd('\r');
            line.Append(next);
        }
    }

    public byte[] ReadExactly(int count)
    {
        byte[] bytes = new byte[count];
        for (int at = 0; at < count;)
        {
            if (_start == _end && !Fill()) throw new EndOfStreamException($"the connection ended {count - at} bytes early");
            int part = Math.Min(count - at, _end - _start);
            _buffer.AsSpan(_start, part).CopyTo(bytes.AsSpan(at));
            _start += part;
            at += part;
        }

        return bytes;
    }

    /// <summary>All that comes until the peer ends its stream; a reset throws.</summary>
    public byte[] ReadToEnd()
    {
        using var all = new MemoryStream();
        do
        {
            all.Write(_buffer, _start, _end - _start);
            _start = _end;
        }
        while (Fill());
        return all.ToArray();
    }

    /// <summary>All that comes until the connection ends in any way, and whether that was a reset.</summary>
    public (byte[] Bytes, bool WasReset) ReadToAnyEnd()
    {
        using var all = new MemoryStream();
        try
        {
            do
            {
                all.Write(_buffer, _start, _end - _start);
                _start = _end;
            }
            while (Fill());
            return (all.ToArray(), false);
        }
        catch (SocketException error) when (error.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown)
        {
            return (all.ToArray(), true);
        }
    }

    private bool TryReadHead(out string[] lines)
    {
        var head = new StringBuilder();
        while (true)
        {
            if (_start == _end && !Fill())
            {
                lines = [];
                if (head.Length > 0) throw new EndOfStreamException($"the connection ended in a head: {head}");
                return false;
            }

            head.Append((char)_buffer[_start++]);
            if (head.Length < 4 || head[^1] != '\n' || head[^3] != '\n') continue;
            lines = head.ToString()[..^4].Split("\r\n");
            return true;
        }
    }

    private Message Complete(string[] lines, bool hasBody, bool untilClose)
    {
        List<(string, string)> fields = [.. lines.Skip(1).Select(line => line.Split(':', 2)).Select(pair => (pair[0], pair[1].Trim()))];
        var message = new Message(lines[0], fields, [], "");
        if (!hasBody) return message;
        if (message["Transfer-Encoding"] == "chunked") return ReadChunks(message);
        if (message["Content-Length"] is { } length) return message with { Body = ReadExactly(int.Parse(length)) };
        return untilClose ? message with { Body = ReadToEnd() } : message;
    }

    private Message ReadChunks(Message message)
    {
        using var body = new MemoryStream();
        while (true)
        {
            int size = Convert.ToInt32(ReadLine().Split(';')[0].Trim(), 16);
            if (size == 0) break;
            body.Write(ReadExactly(size));
            if (ReadLine() != "") throw new InvalidDataException("a chunk without its end");
        }

        var trailers = new StringBuilder();
        for (string line = ReadLine(); line != ""; line = ReadLine()) trailers.Append(line).Append('\n');
        return message with { Body = body.ToArray(), Trailers = trailers.ToString() };
    }

    private byte ReadByte() => _start < _end || Fill() ? _buffer[_start++] : throw new EndOfStreamException("the connection ended in a line");

    private bool Fill()
    {
        _start = 0;
        _end = 0;
        _end = _secured?.Read(_buffer) ?? Socket.Receive(_buffer);
        return _end > 0;
    }
}

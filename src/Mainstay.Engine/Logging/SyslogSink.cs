using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Config;
using Mainstay.Core.Logging;
using Mainstay.Core.Net;

namespace Mainstay.Engine.Logging;

/// <summary>
/// Lines to a syslog collector: a datagram each, or over one connection that is made again when it breaks. While a collector on TCP is
/// away the lines wait in the shards' queues; what those cannot hold is dropped there and counted.
/// </summary>
internal sealed class SyslogSink(SyslogSnapshot target) : LogSink
{
    /// <summary>Between two attempts to reach the collector.</summary>
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(1);

    /// <summary>The log's thread may wait so long for a name, a connection, or a collector that does not read.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly SyslogMessage _message = new(
        target.Facility, target.Severity, Environment.MachineName, target.Application, Environment.ProcessId);

    private readonly byte[] _buffer = new byte[256 * 1024];
    private Socket? _socket;
    private DateTime _retryAt;

    private bool IsStream => target.Transport == SyslogTransport.Tcp;

    public override bool TryWrite(ReadOnlySpan<byte> lines)
    {
        if (_socket is null && !TryConnect()) return !IsStream && Lose(lines);
        return IsStream ? TrySendAll(lines) : SendEach(lines);
    }

    public override void Dispose() => _socket?.Dispose();

    /// <summary>One datagram a line. One that the collector's host refuses is lost, the next may arrive.</summary>
    private bool SendEach(ReadOnlySpan<byte> lines)
    {
        DateTime now = DateTime.UtcNow;
        while (NextLine(ref lines, out ReadOnlySpan<byte> line))
        {
            int length = _message.Write(_buffer, line, now, withLength: false);
            try
            {
                _socket!.Send(_buffer.AsSpan(0, length));
            }
            catch (SocketException)
            {
                Lost++;

                // A unix socket whose collector was restarted is another one now.
                if (!target.To.IsUnix) continue;
                Disconnect();
                return Lose(lines);
            }
        }

        return true;
    }

    /// <summary>All or nothing as the caller sees it: what was sent when the connection broke is sent again on the next one.</summary>
    private bool TrySendAll(ReadOnlySpan<byte> lines)
    {
        DateTime now = DateTime.UtcNow;
        int filled = 0;
        try
        {
            while (NextLine(ref lines, out ReadOnlySpan<byte> line))
            {
                if (_buffer.Length - filled < line.Length + SyslogMessage.Overhead) Send(ref filled);
                filled += _message.Write(_buffer.AsSpan(filled), line, now, withLength: true);
            }

            Send(ref filled);
            return true;
        }
        catch (SocketException)
        {
            Disconnect();
            return false;
        }
    }

    private void Send(ref int filled)
    {
        for (int sent = 0; sent < filled;) sent += _socket!.Send(_buffer.AsSpan(sent, filled - sent));
        filled = 0;
    }

    private bool TryConnect()
    {
        if (DateTime.UtcNow < _retryAt) return false;
        _retryAt = DateTime.UtcNow + s_retry;
        try
        {
            EndPoint? to = Resolve();
            if (to is null) return false;
            _socket = IsStream
                ? new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true }
                : new Socket(to.AddressFamily, SocketType.Dgram, target.To.IsUnix ? ProtocolType.Unspecified : ProtocolType.Udp);
            _socket.SendTimeout = (int)s_patience.TotalMilliseconds;
            using var patience = new CancellationTokenSource(s_patience);
            _socket.ConnectAsync(to, patience.Token).AsTask().GetAwaiter().GetResult();
            return true;
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException)
        {
            Disconnect();
            return false;
        }
    }

    /// <summary>Null when the name has no address now.</summary>
    private EndPoint? Resolve()
    {
        Endpoint to = target.To;
        if (to.IsUnix) return new UnixDomainSocketEndPoint(to.UnixPath!);
        if (to.HostName is null) return new IPEndPoint(IPAddress.Parse(to.Address.ToString()), to.Port);
        using var patience = new CancellationTokenSource(s_patience);
        IPAddress[] addresses = Dns.GetHostAddressesAsync(to.HostName, patience.Token).GetAwaiter().GetResult();
        return addresses.Length == 0 ? null : new IPEndPoint(addresses[0], to.Port);
    }

    private void Disconnect()
    {
        _socket?.Dispose();
        _socket = null;
    }

    /// <summary>Datagrams have nobody to wait for.</summary>
    private bool Lose(ReadOnlySpan<byte> lines)
    {
        Lost += lines.Count((byte)'\n');
        return true;
    }

    private static bool NextLine(ref ReadOnlySpan<byte> lines, out ReadOnlySpan<byte> line)
    {
        int end = lines.IndexOf((byte)'\n');
        line = end < 0 ? lines : lines[..end];
        lines = end < 0 ? default : lines[(end + 1)..];
        return !line.IsEmpty;
    }
}

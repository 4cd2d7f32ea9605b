using Mainstay.Core;
using Mainstay.Core.Proxy;
using Mainstay.Core.Tcp;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Tcp;

/// <summary>Bytes both ways until both sides have ended. Each direction ends on its own: half-closed connections stay so.</summary>
internal sealed partial class Flow
{
    /// <summary>Bytes of one direction in one turn, so that other flows get theirs.</summary>
    private const int BytesPerTurn = 1024 * 1024;

    /// <summary>Receives that filled the buffer in a row, after which the kernel moves the bytes itself.</summary>
    private const int FullReceivesToSplice = 2;

    /// <summary>Moves below <see cref="SmallMove"/> bytes in a row, after which copying costs less again.</summary>
    private const int SmallMovesToCopy = 4;

    private const int SmallMove = 16 * 1024;

    /// <summary>No number of an error: the other side's.</summary>
    private const int SendFailed = int.MinValue;

    /// <summary>
    /// How long a flow is quiet before it is watched for vanished peers: what most connections never reach costs them no system call.
    /// Then a probe every 10 s, given up after 40 s.
    /// </summary>
    private static readonly TimeSpan s_unwatched = TimeSpan.FromSeconds(30);

    private const int ProbeIdle = 30, ProbeInterval = 10, UserTimeout = 40_000;

    /// <summary>One direction.</summary>
    private struct Way
    {
        /// <summary>The sender has ended its stream.</summary>
        public bool IsEnded;

        /// <summary>Full receives while copying; small moves while splicing.</summary>
        public int Streak;
        public Pipe? Pipe;
        public long Bytes;
    }

    private Way _up;
    private Way _down;
    private Instant _lastByteAt;

    private void BeginStream()
    {
        _state = FlowState.Open;
        _lastByteAt = _loop.Now;
        ArmQuiet();
        if (!SendProxyHeader()) return;
        Pump();
    }

    private void Pump()
    {
        long before = _up.Bytes + _down.Bytes;
        if (!Move(ref _up, _client, _server, otherHasEnded: _down.IsEnded)) return;
        if (!Move(ref _down, _server, _client, otherHasEnded: _up.IsEnded)) return;
        if (_up.IsEnded && _down.IsEnded && IsFlushed(_up, _server) && IsFlushed(_down, _client))
        {
            End(FlowCause.Completed, reset: false);
            return;
        }

        if (_up.Bytes + _down.Bytes != before) _lastByteAt = _loop.Now;
    }

    private static bool IsFlushed(in Way way, FlowSide to) => !to.HasUnsent && (way.Pipe is null || way.Pipe.Count == 0);

    /// <summary>One direction: first what waits, then reading and sending until one side says stop. False when the flow has ended.</summary>
    private bool Move(ref Way way, FlowSide from, FlowSide to, bool otherHasEnded)
    {
        if (to.HasUnsent && to.Flush() == SendResult.Failed) return Break(to);
        for (int budget = BytesPerTurn; !to.HasUnsent;)
        {
            if (way.Pipe is { Count: > 0 } pipe)
            {
                int given = pipe.Empty(to.Descriptor);
                if (given == -(int)Errno.EAGAIN) return true;
                if (given < 0) return Break(to);
                continue;
            }

            if (way.Streak >= SmallMovesToCopy && way.Pipe is not null) EndSplice(ref way);
            if (way.IsEnded || !from.IsReadable) return true;
            if (budget <= 0)
            {
                _loop.RunSoon(from);
                return true;
            }

            int count = way.Pipe is null ? Copy(ref way, from, to) : Splice(ref way, from);
            if (count == -(int)Errno.EAGAIN) return true;
            if (count < 0) return Break(count == SendFailed ? to : from);
            if (count == 0)
            {
                OnEnded(ref way, to, otherHasEnded);
                return true;
            }

            budget -= count;
            way.Bytes += count;
        }

        return true;
    }

    /// <summary>By way of this process: best for little. What the receive returned, or <see cref="SendFailed"/>.</summary>
    private int Copy(ref Way way, FlowSide from, FlowSide to)
    {
        Span<byte> buffer = _shard.Input;
        int count = from.Receive(buffer);
        if (count <= 0) return count;
        if (to.Send(buffer[..count]) == SendResult.Failed) return SendFailed;
        way.Streak = count == buffer.Length ? way.Streak + 1 : 0;
        if (way.Streak >= FullReceivesToSplice) BeginSplice(ref way);
        return count;
    }

    /// <summary>Into the pipe, from which the next round gives it on.</summary>
    private static int Splice(ref Way way, FlowSide from)
    {
        int count = from.FillPipe(way.Pipe!);
        if (count > 0) way.Streak = count < SmallMove ? way.Streak + 1 : 0;
        return count;
    }

    private void BeginSplice(ref Way way)
    {
        way.Streak = 0;
        way.Pipe = _shard.Pipes.TryRent();
        if (way.Pipe is null) _shard.Counters.SplicesRefused++;
        else _shard.Counters.Spliced++;
    }

    private void EndSplice(ref Way way)
    {
        way.Streak = 0;
        _shard.Pipes.Return(way.Pipe!);
        way.Pipe = null;
    }

    private void OnEnded(ref Way way, FlowSide to, bool otherHasEnded)
    {
        way.IsEnded = true;
        if (way.Pipe is not null) EndSplice(ref way);

        // Nothing waits any more. When both directions are over, closing says it too.
        if (otherHasEnded) return;
        Sockets.ShutdownWrite(to.Descriptor);
        ArmQuiet();
    }

    /// <summary>One side's connection broke: the other side has to see that its stream is not whole.</summary>
    private bool Break(FlowSide broken)
    {
        if (broken == _server) Count(ref _lane!.Counters.Resets);
        return End(broken == _client ? FlowCause.ClientReset : FlowCause.ServerReset, reset: true);
    }

    /// <summary>
    /// The first bytes to the server are the PROXY header, if its pool wants one, and what the client has said already goes with it.
    /// False when the flow has ended.
    /// </summary>
    private bool SendProxyHeader()
    {
        ProxyVersion version = Pool.Snapshot.SendProxy;
        if (version == ProxyVersion.None) return true;
        LearnDestination();
        var extras = new ProxyExtras { Authority = Sni };
        Span<byte> buffer = _shard.Input;
        var ends = new ProxyEnds(_source, _sourcePort, _destination, _destinationPort);
        int header = ProxyHeaderWriter.Write(buffer, version, ends, extras);
        int count = _client.IsReadable ? _client.Receive(buffer[header..]) : 0;
        if (count < 0 && count != -(int)Errno.EAGAIN) return Break(_client);
        count = Math.Max(count, 0);
        _up.Bytes += count;
        return _server.Send(buffer[..(header + count)]) != SendResult.Failed || Break(_server);
    }

    private TimeSpan QuietLimit =>
        _up.IsEnded || _down.IsEnded ? _service.Snapshot.Timeouts.HalfClosed : _service.Snapshot.Timeouts.Idle;

    /// <summary>The timer is not moved for every byte: when it fires, it looks when the last one was.</summary>
    private void ArmQuiet()
    {
        TimeSpan wait = QuietLimit;
        if (!_client.IsProbed && s_unwatched < wait) wait = s_unwatched;
        _loop.Arm(_client, _lastByteAt + wait);
    }

    private void OnQuiet(Instant now)
    {
        TimeSpan quiet = now - _lastByteAt;
        if (quiet >= QuietLimit)
        {
            // Idle connections end politely; one that holds bytes which nobody took is not whole.
            bool isCut = !IsFlushed(_up, _server) || !IsFlushed(_down, _client);
            End(_up.IsEnded || _down.IsEnded ? FlowCause.HalfClosedTimeout : FlowCause.IdleTimeout, isCut);
            return;
        }

        if (quiet >= s_unwatched && !_client.IsProbed) WatchPeers();
        ArmQuiet();
    }

    private void WatchPeers()
    {
        _client.IsProbed = true;
        if (!_isUnixClient) Sockets.SetKeepAlive(_client.Descriptor, ProbeIdle, ProbeInterval, UserTimeout);
        if (!_lane!.Server.Endpoint.IsUnix) Sockets.SetKeepAlive(_server.Descriptor, ProbeIdle, ProbeInterval, UserTimeout);
    }
}

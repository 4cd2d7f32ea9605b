using Mainstay.Core.Config;
using Mainstay.Core.Proxy;
using Mainstay.Core.Tcp;

namespace Mainstay.Engine.Tcp;

/// <summary>The flow's line in the access log.</summary>
internal sealed partial class Flow
{
    private void WriteLog(FlowPhase phase, FlowCause cause)
    {
        if (!_shard.Log.IsEnabled) return;
        Span<byte> client = stackalloc byte[45];
        var record = new FlowRecord
        {
            UnixMicroseconds = _loop.UnixNanoseconds / 1000,
            Client = _source.IsNone ? "unix"u8 : client[.._source.Format(client)],
            ClientPort = _sourcePort,
            Protocol = TransportProtocol.Tcp,
            Service = _service.NameText,
            Route = _target is null ? default : _target.NameText,
            Pool = _target is null ? default : _target.PoolText,
            Server = _lane is null ? default : _lane.Server.NameText,
            Sni = Sni,
            BytesIn = _up.Bytes,
            BytesOut = _down.Bytes,
            Connect = _connectedAt == default ? -1 : _connectedAt.Nanoseconds - _begunAt.Nanoseconds,
            Total = _loop.Now.Nanoseconds - _begunAt.Nanoseconds,
            Attempts = _lane is null ? 0 : _attempts + 1,
            Phase = phase,
            Cause = cause,
            Detail = _reject == ProxyReject.None ? default : _shard.LabelOf(_reject),
        };
        Span<byte> line = _shard.Output;
        int length = FlowLogWriter.Write(line, _shard.Log.Format, record);
        if (length > 0) _shard.Log.Append(line[..length]);
    }
}

using Mainstay.Core;
using Mainstay.Core.Http;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>The exchange's line in the access log.</summary>
internal sealed partial class Exchange
{
    private void WriteLog(Outcome outcome)
    {
        if (!shard.Log.IsEnabled) return;
        ReadOnlySpan<byte> head = _kept.Memory[.._receivedLength];
        var record = new AccessRecord
        {
            UnixMicroseconds = _loop.UnixNanoseconds / 1000,
            Client = _client.AddressText,
            ClientPort = _client.Port,
            Head = head,
            Method = _methodText.Of(head),
            Target = _target.Of(head),
            Host = _host.Of(head),
            Version = _client.IsHttp2 ? 20 : _clientIsHttp10 ? 10 : 11,
            Status = _status,
            BytesIn = Math.Max(_bytesFromClient, head.Length),
            BytesOut = _bytesToClient,
            Timings = new AccessTimings(
                0, Span(_begunAt, _connectedAt), Span(_sentAt, _firstByteAt), (_loop.Now.Nanoseconds - _begunAt.Nanoseconds)),
            Service = _service.NameText,
            Route = _route.NameText,
            Pool = _to is null ? default : _to.NameText,
            Server = _lane is null ? default : _lane.Server.NameText,
            Attempts = _attempts + (_lane is null ? 0 : 1),
            Outcome = outcome,
            Error = _failedErrno == Errno.None ? default : _failedErrno.NameText(),
            ConnectionAge = _connectionAge,
            RequestId = RequestId,
            UserAgent = _userAgent.Of(head),
            Referer = _referer.Of(head),
        };
        shard.Log.Append(shard.Output, record);
    }

    private static long Span(Instant from, Instant to) =>
        from == default || to == default ? -1 : to.Nanoseconds - from.Nanoseconds;
}

using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Persistence;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>The request on its way to the server: head and beginning of the body at once, the rest as it comes.</summary>
internal sealed partial class Exchange
{
    /// <summary>Request body bytes moved in one turn, so that one upload does not hold up a shard.</summary>
    private const int UploadBytesPerTurn = 512 * 1024;

    private BodyProgress _requestBody;

    /// <summary>Of <see cref="_kept"/>: the request as the server gets it, as far as it was here at the beginning.</summary>
    private int _sendStart;
    private int _sendHeadLength;
    private int _sent;

    /// <summary>The server takes no more of the request body; its response may still come.</summary>
    private bool _uploadIsDead;

    /// <summary>The client asked for 100 (Continue) and has sent nothing of its body yet.</summary>
    private bool _awaitsContinue;

    /// <summary>The whole request is in <see cref="_kept"/>.</summary>
    private bool _isRetained;

    private bool HasKeptToSend => _sendStart + _sent < _kept.End;

    private ReadOnlySpan<byte> RequestId => ((ReadOnlySpan<byte>)_requestId)[.._requestIdLength];

    private PoolRuntime Pool => _to!.Pool;

    private UpstreamSnapshot Upstream => _to!.Upstream;

    /// <summary>A descriptor event of the client while this exchange has it.</summary>
    /// <param name="over">Of the event: the connection is broken, or both its directions have ended.</param>
    public void OnClientReady(bool canSend, IoEvents over)
    {
        // A tunnel whose directions have both ended may still have the client's last bytes to read.
        bool isTunnel = _phase == ExchangePhase.Tunnel;
        if ((over & (isTunnel ? IoEvents.Error : IoEvents.Error | IoEvents.HangUp)) != 0)
        {
            Abandon(OutcomeCause.ClientReset);
            return;
        }

        if (isTunnel)
        {
            PumpTunnel();
            return;
        }

        if (_phase is ExchangePhase.FileAwaited or ExchangePhase.FileSending)
        {
            ContinueFile();
            return;
        }

        if (canSend && _client.HasUnsent && !ContinueResponse()) return;
        bool hasUpload = _phase is ExchangePhase.Streaming or ExchangePhase.Responding && !_requestBody.IsEnd && !_uploadIsDead;
        if (hasUpload) PumpRequestBody();
    }

    /// <param name="head">As received, or as rules have written it.</param>
    /// <param name="authority">What the client asked for, where a rule put another host in its place.</param>
    private void Forward(RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest, ReadOnlySpan<byte> authority)
    {
        if (!_requestBody.TryPass(rest, _route.Rules.Limits, out int bodyLength, out RejectReason reason))
        {
            Refuse(reason);
            return;
        }

        _isRetained = _requestBody.IsEnd;
        _awaitsContinue = request.ExpectsContinue && !_isRetained;
        if (_isRetained) _client.KeepAhead(rest[bodyLength..]);
        _bytesFromClient = _receivedLength + bodyLength;
        ChooseCoding(request, head);
        _session = Pool.Affinity is { } affinity ? affinity.Find(request, head, _client.Address, _loop.Now) : Session.None;
        WriteRequest(request, head, rest[..bodyLength], authority);
        if (Upstream.Total > TimeSpan.Zero) _totalDeadline = _begunAt + Upstream.Total;
        _pickKey = _to!.Key(request, head, _client.Address, _client.Port, _loop.Now);
        TryReach();
    }

    /// <summary>Puts the request as the server gets it behind the head as received.</summary>
    private void WriteRequest(RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, ReadOnlySpan<byte> authority)
    {
        ForwardedPolicy policy = _service.Forwarded;
        var context = new ForwardingContext
        {
            Policy = policy,
            ClientAddress = _client.AddressText,
            TrustedPeer = _isTrusted,
            Tls = _client.IsTls,
            RequestId = RequestId,
            ReceivedAuthority = authority,
            DefaultHost = _to!.DefaultHost,
            Http2 = _client.IsHttp2,
            Cut = _session.Cut,
            Dropped = _auth?.Dropped ?? [],
            Added = _identity?.Fields,
            Close = ServerKeepAlive == TimeSpan.Zero,
        };
        int length = RequestHeadWriter.Write(_kept.Room, request, head, context);
        for (int size = _kept.Capacity; length < 0 || _kept.Room.Length < length + body.Length;)
        {
            // It fits into the largest block: heads have at most 64 KiB, and at most 128 KiB are received before they are looked at.
            size = Math.Max(size * 2, _kept.End + Math.Max(length, head.Length) + body.Length);
            Block larger = shard.Blocks.Rent(Math.Min(size, BlockPool.LargestBlock));
            larger.Append(_kept.Filled);
            shard.Blocks.Return(_kept);
            _kept = larger;
            length = RequestHeadWriter.Write(_kept.Room, request, head, context);
        }

        _sendStart = _kept.End;
        _sendHeadLength = length;
        _kept.End += length;
        _kept.Append(body);
        _sent = 0;
    }

    private void SendKept()
    {
        ReadOnlySpan<byte> bytes = _kept.Memory[(_sendStart + _sent).._kept.End];
        int count = _upstream!.SendKept(bytes, _sent == 0 ? _sendHeadLength : 0, _requestBody.IsEnd);
        if (count < 0)
        {
            OnSendFailed((Errno)(-count));
            return;
        }

        _sent += count;
        bool isAnswered = _phase == ExchangePhase.Responding;
        if (HasKeptToSend)
        {
            if (isAnswered) return;
            _phase = ExchangePhase.Sending;
            ArmFor(Upstream.FirstByte);
            return;
        }

        Add(ref _lane!.Counters.BytesToServer, _sent);
        if (!_requestBody.IsEnd) BeginStreaming(isAnswered);
        else if (!isAnswered) BeginAwaiting();
    }

    private void BeginStreaming(bool isAnswered)
    {
        if (!isAnswered)
        {
            _phase = ExchangePhase.Streaming;
            ArmStreaming();
        }

        if (_client.IsReadable) _client.RunSoon();
    }

    private void BeginAwaiting()
    {
        _sentAt = _loop.Now;
        _phase = ExchangePhase.Awaiting;
        ArmFor(Upstream.FirstByte);
    }

    /// <summary>The server closed before it took the whole request; it may have answered first (413, for example).</summary>
    private void OnSendFailed(Errno error)
    {
        _failedErrno = error;
        if (_sent == 0)
        {
            if (_upstream!.IsReused) OnReusedConnectionLost(EndCause(error));
            else TryNextServer(EndCause(error));
            return;
        }

        _uploadIsDead = true;
        _upstream!.MarkReadable();
        if (ReadResponse()) return;
        if (_phase != ExchangePhase.Free && !_responseBegun) Fail(EndCause(error));
    }

    /// <summary>Moves request body from the client to the server, as long as the server takes it.</summary>
    private void PumpRequestBody()
    {
        int budget = UploadBytesPerTurn;
        while (_client.IsReadable && !_upstream!.HasUnsent && !HasKeptToSend)
        {
            if (budget <= 0)
            {
                _client.RunSoon();
                return;
            }

            Span<byte> input = shard.Input[HttpShard.HeadRoom..];
            int count = _client.Receive(input);
            if (count == -(int)Errno.EAGAIN) return;
            if (count <= 0)
            {
                Abandon(OutcomeCause.ClientReset);
                return;
            }

            budget -= count;
            if (!PassRequestBody(input[..count])) return;
        }
    }

    /// <summary>False when the exchange has ended or all of the body is on its way.</summary>
    private bool PassRequestBody(ReadOnlySpan<byte> bytes)
    {
        if (!_requestBody.TryPass(bytes, _route.Rules.Limits, out int length, out RejectReason reason))
        {
            Refuse(reason);
            return false;
        }

        _awaitsContinue = false;
        _bytesFromClient += length;
        NoteUpload(length);
        Add(ref _lane!.Counters.BytesToServer, length);
        if (_requestBody.IsEnd) _client.KeepAhead(bytes[length..]);
        if (_upstream!.Send(bytes[..length], headLength: 0, _requestBody.IsEnd) == SendResult.Failed)
        {
            OnSendFailed(_upstream.LastError);
            return false;
        }

        if (_phase != ExchangePhase.Streaming)
        {
            ArmBody();
            return !_requestBody.IsEnd;
        }

        if (!_requestBody.IsEnd)
        {
            ArmStreaming();
            return true;
        }

        if (!_upstream.HasUnsent) BeginAwaiting();
        return false;
    }

    /// <summary>The server's socket takes bytes again.</summary>
    private void ContinueRequest()
    {
        if (HasKeptToSend)
        {
            SendKept();
            return;
        }

        if (_upstream!.HasUnsent) OnFlushed(_upstream.Flush());
    }

    /// <summary>What waited for the server has gone on its way, or the server takes more.</summary>
    public void OnServerDrained()
    {
        if (_phase == ExchangePhase.Tunnel) PumpTunnel();
        else if (HasKeptToSend) SendKept();
        else OnFlushed(SendResult.Sent);
    }

    private void OnFlushed(SendResult flushed)
    {
        switch (flushed)
        {
            case SendResult.Failed:
                OnSendFailed(_upstream!.LastError);
                break;
            case SendResult.Sent when _phase == ExchangePhase.Streaming && _requestBody.IsEnd:
                BeginAwaiting();
                break;
            case var sent:
                if (_phase == ExchangePhase.Streaming) ArmStreaming();
                if (sent == SendResult.Sent && _client.IsReadable) _client.RunSoon();
                break;
        }
    }
}

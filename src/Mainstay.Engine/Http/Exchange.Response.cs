using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Http.Coding;
using Mainstay.Engine.Shards;
using Mainstay.Linux;
using Mainstay.Linux.Compression;

namespace Mainstay.Engine.Http;

/// <summary>The way back: the response's head rewritten in front of its body, the body passed on as it comes.</summary>
/// <remarks>
/// Where something joins in: operations on the response's header fields in <see cref="WriteHead"/> (they are the writer's, by
/// <see cref="ResponseContext"/>); what changes a body (compression) in <see cref="BeginResponse"/>, which decides on the framing that the
/// client gets, and <see cref="PassBody"/>, which has the decoded content there when <c>_responseIsDecoded</c> is set. Whatever goes to
/// the client is HTTP/1.1: a whole head, then its body in the framing that the head says. A client that speaks HTTP/2 has it translated by
/// its <see cref="IClientStream"/>, so nothing here asks for the client's protocol.
/// </remarks>
internal sealed partial class Exchange
{
    /// <summary>Response bytes moved in one turn, so that one download does not hold up a shard.</summary>
    private const int DownloadBytesPerTurn = 1024 * 1024;

    /// <summary>1xx responses passed on before the final one; a server that sends more is broken.</summary>
    private const int MaxInterim = 16;

    private BodyProgress _responseBody;
    private BodyKind _clientFraming;

    /// <summary>Scans the head of the response under way.</summary>
    private HeadScanner _responseScanner;

    /// <summary>The beginning of a head that came in parts.</summary>
    private Block? _responseStash;
    private Errno _failedErrno;
    private int _interim;
    private bool _responseBegun;
    private bool _responseIsDecoded;
    private bool _responseKeepsServer;
    private bool _keepClient;
    private bool _extraFromServer;

    /// <summary>A descriptor event of the server's connection while this exchange has it.</summary>
    public void OnUpstreamReady(bool canSend)
    {
        if (_phase == ExchangePhase.Tunnel)
        {
            PumpTunnel();
            return;
        }

        IServerStream upstream = _upstream!;
        if (canSend && (HasKeptToSend || upstream.HasUnsent)) ContinueRequest();
        if (_upstream == upstream && upstream.IsReadable) ReadResponse();
    }

    /// <summary>Reads as long as there is something and the client takes it. True when the exchange has ended or gone on otherwise.</summary>
    private bool ReadResponse()
    {
        IServerStream upstream = _upstream!;
        if (IsPaused && !TryEndPause()) return false;
        int budget = _coding == ContentCoding.Identity ? DownloadBytesPerTurn : CodedPiece;
        while (_upstream == upstream && upstream.IsReadable && !_client.HasUnsent && !IsPaused)
        {
            if (budget <= 0)
            {
                upstream.RunSoon();
                return true;
            }

            Span<byte> room = shard.Input[HttpShard.HeadRoom..];
            int have = CopyStash(room);
            int most = Math.Min(Math.Min(_client.Appetite, _largestPiece), ReceiveRoom(have) - have);
            int count = upstream.Receive(room.Slice(have, Math.Min(room.Length - have, most)));
            if (count == -(int)Errno.EAGAIN) return !FlushCoded();
            if (count <= 0)
            {
                OnServerEnded(count == 0 ? Errno.None : (Errno)(-count));
                return true;
            }

            budget -= count;
            Add(ref _lane!.Counters.BytesFromServer, count);
            if (!OnBytes(HttpShard.HeadRoom, HttpShard.HeadRoom + have + count)) return true;
            if (_phase == ExchangePhase.Tunnel)
            {
                PumpTunnel();
                return true;
            }
        }

        if (_upstream == upstream && !upstream.IsReadable) FlushCoded();
        return _upstream != upstream;
    }

    private int CopyStash(Span<byte> room)
    {
        if (_responseStash is not { } stash) return 0;
        stash.Filled.CopyTo(room);
        return stash.Count;
    }

    /// <summary>Bytes of the shard's input from the server. False when the exchange has ended.</summary>
    private bool OnBytes(int start, int end)
    {
        if (_responseBegun) return _encoder is null ? PassBody(start, end) : PassCoded(start, end, prefix: 0);
        while (true)
        {
            ReadOnlySpan<byte> bytes = shard.Input[start..end];
            HttpLimits limits = HttpShard.ResponseLimits;
            if (!_responseScanner.TryFindResponseEnd(bytes, limits, out int headLength, out RejectReason reason))
            {
                if (reason != RejectReason.None) return FailResponse(reason);
                StashHead(bytes);
                return true;
            }

            ReadOnlySpan<byte> head = bytes[..headLength];
            if (!shard.Response.TryParse(head, _method, _isUpgrade, limits, out reason)) return FailResponse(reason);
            DropResponseStash();
            _responseScanner.Reset();
            start += headLength;
            if (!shard.Response.IsInterim) return BeginResponse(head, start, end);
            if (!PassInterim(head)) return false;
            if (start == end) return true;
        }
    }

    private void StashHead(ReadOnlySpan<byte> bytes)
    {
        Block stash = shard.Blocks.Rent(Math.Max(bytes.Length, 1));
        stash.Append(bytes);
        DropResponseStash();
        _responseStash = stash;
    }

    private void DropResponseStash()
    {
        if (_responseStash is null) return;
        shard.Blocks.Return(_responseStash);
        _responseStash = null;
    }

    private bool FailResponse(RejectReason reason)
    {
        shard.Counters.RefusedResponses[(int)reason]++;
        Count(ref _lane!.Counters.ResponseFailures);
        Fail(OutcomeCause.ServerRejected, reason);
        return false;
    }

    /// <summary>100, 103: on to the client, whose request goes on. HTTP/1.0 does not know them (RFC 9110 section 15.2).</summary>
    private bool PassInterim(ReadOnlySpan<byte> head)
    {
        if (++_interim > MaxInterim) return FailResponse(RejectReason.InvalidStatusLine);
        if (shard.Response.Status == 100) _awaitsContinue = false;
        if (_phase == ExchangePhase.Streaming) ArmStreaming();
        if (_clientIsHttp10) return true;
        int length = WriteHead(head, keepAlive: true);
        if (length < 0) return FailResponse(RejectReason.HeadTooLarge);
        if (_client.Send(shard.Output[..length], length, isEnd: false) != SendResult.Failed) return true;
        Abandon(OutcomeCause.ClientReset);
        return false;
    }

    /// <summary>The line that tells browsers to come by https only; null where they have not.</summary>
    private byte[]? TransportSecurity => _client.IsTls ? _service.TransportSecurity : null;

    private int WriteHead(ReadOnlySpan<byte> head, bool keepAlive)
    {
        ReadOnlySpan<byte> added = SessionLines(head, out ByteRange replaced);
        return ResponseHeadWriter.Write(shard.Output, shard.Response, head, new ResponseContext
        {
            ClientIsHttp10 = _clientIsHttp10,
            KeepAlive = keepAlive,
            Http2 = _upstream is { IsHttp2: true },
            Via = _service.Snapshot.Forwarded.Via,
            Date = shard.Date,
            TransportSecurity = TransportSecurity,
            Added = added,
            Replaced = replaced,
        });
    }

    /// <summary>The final head: rewritten, put in front of what came of the body, and sent with it in one call.</summary>
    private bool BeginResponse(ReadOnlySpan<byte> head, int start, int end)
    {
        ResponseHead response = shard.Response;
        _firstByteAt = _loop.Now;
        _status = response.Status;
        _responseBody = new BodyProgress(response.Body);
        _responseKeepsServer = response.KeepAlive;
        if (_compression is not null) head = CodeHead(head);
        _responseIsDecoded = ResponseHeadWriter.MustDecode(response, _clientIsHttp10);

        // A request body that has not come whole may never come: the connection ends then, and a client that is not told so would send
        // its next request into the lingering close (RFC 9112 section 9.6).
        _keepClient = _clientKeepAlive && !_client.EndsSoon && _requestBody.IsEnd
            && ResponseHeadWriter.AllowsKeepAlive(response, _clientIsHttp10);
        _clientFraming = _responseIsDecoded ? BodyKind.UntilClose : response.Body.Kind;
        if (!TryEditResponse(ref head, out RejectReason reason)) return FailResponse(reason);
        int length = WriteHead(head, _keepClient);
        if (length < 0) return FailResponse(RejectReason.HeadTooLarge);
        if (response.IsUpgrade) return BeginTunnel(length, start, end);
        _phase = ExchangePhase.Responding;
        _responseBegun = true;
        if (_encoder is not null) return PassCoded(start, end, length);

        // The room in front of the body is HeadRoom and the old head: enough, unless the writer added more than HeadRoom.
        int headStart = start - length;
        if (headStart < 0)
        {
            if (!SendToClient(shard.Output[..length], length)) return false;
            return PassBody(start, end);
        }

        shard.Output[..length].CopyTo(shard.Input[headStart..]);
        return PassBody(start, end, headStart);
    }

    /// <summary>Sends input[bodyStart..end] as far as it belongs to the body, with what stands in front of it from <paramref name="sendStart"/>.</summary>
    private bool PassBody(int bodyStart, int end, int sendStart = -1)
    {
        Span<byte> input = shard.Input;
        if (sendStart < 0) sendStart = bodyStart;
        int length, used;
        bool sound;
        RejectReason reason;
        if (_responseIsDecoded)
        {
            sound = _responseBody.TryDecode(input[bodyStart..end], HttpShard.ResponseLimits, out length, out used, out reason);
        }
        else
        {
            sound = _responseBody.TryPass(input[bodyStart..end], HttpShard.ResponseLimits, out length, out reason);
            used = length;
        }

        if (!sound)
        {
            // A head that is still here has not been seen by the client: it can be told.
            if (sendStart < bodyStart) _responseBegun = false;
            return FailResponse(reason);
        }

        _extraFromServer |= used < end - bodyStart;
        if (bodyStart + length > sendStart && !SendToClient(input[sendStart..(bodyStart + length)], bodyStart - sendStart)) return false;
        if (_paceCount > 0) Pause(length);
        if (_responseBody.IsEnd)
        {
            Complete();
            return false;
        }

        ArmBody();
        return true;
    }

    private bool SendToClient(ReadOnlySpan<byte> bytes, int headLength = 0)
    {
        _bytesToClient += bytes.Length;
        bool isEnd = _responseBody.IsEnd && _phase == ExchangePhase.Responding;
        if (_client.Send(bytes, headLength, isEnd) != SendResult.Failed) return true;
        Abandon(OutcomeCause.ClientReset);
        return false;
    }

    /// <summary>What waited for the client has gone on its way.</summary>
    public void OnClientDrained()
    {
        if (_phase == ExchangePhase.Tunnel) PumpTunnel();
        else if (_phase is ExchangePhase.FileSending or ExchangePhase.FileAwaited) ContinueFile();
        else ContinueResponse();
    }

    /// <summary>The client's socket takes bytes again. False when the exchange has ended.</summary>
    private bool ContinueResponse()
    {
        switch (_client.Flush())
        {
            case SendResult.Failed:
                Abandon(OutcomeCause.ClientReset);
                return false;
            case SendResult.Waiting:
                if (_responseBegun) ArmBody();
                return true;
            default:
                if (_responseBegun) ArmBody();
                if (_upstream is { IsReadable: true } upstream) upstream.RunSoon();
                else return FlushCoded();
                return true;
        }
    }

    /// <summary>The server's stream has ended, or broken with an error.</summary>
    private void OnServerEnded(Errno error)
    {
        _failedErrno = error;
        if (!_responseBegun)
        {
            if (_upstream!.IsReused && _responseStash is null && _interim == 0)
            {
                OnReusedConnectionLost(EndCause(error));
                return;
            }

            Count(ref _lane!.Counters.ResponseFailures);
            Fail(EndCause(error));
            return;
        }

        if (_responseBody.Kind == BodyKind.UntilClose && error == Errno.None)
        {
            if (_encoder is null || Encode(default, EncodeStep.Finish, prefix: 0)) Complete();
            return;
        }

        Count(ref _lane!.Counters.ResponseFailures);
        Fail(EndCause(error));
    }

    /// <summary>The server's connection is gone, and with it what was still to come.</summary>
    public void OnServerLost(Errno error) => OnServerEnded(error);

    private static OutcomeCause EndCause(Errno error) => error == Errno.None ? OutcomeCause.ServerClosed : OutcomeCause.ServerReset;

    /// <summary>The whole response is with the client's socket, or waits for it.</summary>
    private void Complete()
    {
        ServerLane lane = _lane!;
        TimeSpan elapsed = _loop.Now - (_sentAt == default ? _connectedAt : _sentAt);
        lane.Counters.ResponseTimes.Record(elapsed);
        Count(ref lane.Counters.Requests);
        Count(ref lane.Counters.Statuses[Math.Min(_status / 100, 5)]);
        shard.Loads.OnResponse(lane.Server.Slot, elapsed, _loop.Now);
        Judge(isGood: _status < 500);

        UpstreamSnapshot policy = Upstream;
        _upstream!.Finish(_responseKeepsServer && _requestBody.IsEnd && !HasKeptToSend && !_extraFromServer, ServerKeepAlive, policy.MaxIdle);
        _upstream = null;
        bool linger = !_requestBody.IsEnd;
        End(OutcomeCause.Completed);
        _client.OnExchangeDone(_keepClient, linger);
    }
}

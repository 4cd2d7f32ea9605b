using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>The way to the server: choosing it, connecting, sending, and sending again where HTTP allows it.</summary>
internal sealed partial class Exchange
{
    /// <summary>Request body bytes moved in one turn, so that one upload does not hold up a shard.</summary>
    private const int UploadBytesPerTurn = 512 * 1024;

    private BodyProgress _requestBody;
    private UpstreamConnection? _upstream;
    private ServerLane? _lane;
    private PickKey _pickKey;
    private ulong _tried;
    private int _serverIndex;
    private int _attempts;

    /// <summary>How the last attempt ended: what the client is told when there is no further server.</summary>
    private OutcomeCause _lastCause;
    private bool _freshOnly;

    /// <summary>One of the server's connections in flight is ours.</summary>
    private bool _hasPlace;

    /// <summary>Of <see cref="_kept"/>: the request as the server gets it, as far as it was here at the beginning.</summary>
    private int _sendStart;
    private int _sent;

    /// <summary>The server takes no more of the request body; its response may still come.</summary>
    private bool _uploadIsDead;

    /// <summary>The client asked for 100 (Continue) and has sent nothing of its body yet.</summary>
    private bool _awaitsContinue;

    /// <summary>The whole request is in <see cref="_kept"/>.</summary>
    private bool _isRetained;

    private bool HasKeptToSend => _sendStart + _sent < _kept.End;

    private ReadOnlySpan<byte> RequestId => ((ReadOnlySpan<byte>)_requestId)[.._requestIdLength];

    private PoolRuntime Pool => _route.Pool!;

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

        if (canSend && _client.HasUnsent && !ContinueResponse()) return;
        bool hasUpload = _phase is ExchangePhase.Streaming or ExchangePhase.Responding && !_requestBody.IsEnd && !_uploadIsDead;
        if (hasUpload) PumpRequestBody();
    }

    /// <summary>The connection that <see cref="TryReach"/> began stands.</summary>
    public void OnConnected()
    {
        _connectedAt = _loop.Now;
        SendKept();
    }

    public void OnConnectFailed(Errno error)
    {
        Count(ref _lane!.Counters.ConnectFailures);
        _failedErrno = error;
        TryNextServer(ConnectCause(error));
    }

    /// <summary>The server went out of service, or its drain time is over.</summary>
    public void OnUpstreamCut()
    {
        if (_sent == 0) TryNextServer(OutcomeCause.ServerTakenOut);
        else Fail(OutcomeCause.ServerTakenOut);
    }

    private void Forward(RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> rest)
    {
        if (!_requestBody.TryPass(rest, _service.Snapshot.Limits, out int bodyLength, out RejectReason reason))
        {
            Refuse(reason);
            return;
        }

        _isRetained = _requestBody.IsEnd;
        _awaitsContinue = request.ExpectsContinue && !_isRetained;
        if (_isRetained) _client.KeepAhead(rest[bodyLength..]);
        _bytesFromClient = head.Length + bodyLength;
        WriteRequest(request, head, rest[..bodyLength]);
        if (Pool.Snapshot.Upstream.Total > TimeSpan.Zero) _totalDeadline = _begunAt + Pool.Snapshot.Upstream.Total;
        _pickKey = _route.Key(request, head, _client.Address, _client.Port, _loop.Now);
        TryReach();
    }

    /// <summary>Puts the request as the server gets it behind the head as received.</summary>
    private void WriteRequest(RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body)
    {
        ForwardedPolicy policy = _service.Forwarded;
        bool isTrusted = policy.IsTrusted(_client.Address);
        if (policy.HasRequestId)
        {
            if (policy.TryFindRequestId(request, head, isTrusted, out ByteRange given))
            {
                given.Of(head).CopyTo(_requestId);
                _requestIdLength = given.Length;
            }
            else
            {
                shard.RequestIds.Write(_requestId);
                _requestIdLength = Mainstay.Core.Http.RequestId.Length;
            }
        }

        var context = new ForwardingContext
        {
            Policy = policy,
            ClientAddress = _client.AddressText,
            TrustedPeer = isTrusted,
            Tls = false,
            RequestId = RequestId,
            DefaultHost = _route.DefaultHost,
            Close = Pool.Snapshot.Upstream.KeepAlive == TimeSpan.Zero,
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
        _kept.End += length;
        _kept.Append(body);
        _sent = 0;
    }

    /// <summary>Chooses a server and sends to it, or begins to connect. Every failure comes back here until the attempts are used up.</summary>
    private void TryReach()
    {
        while (true)
        {
            if (!TryChoose())
            {
                Fail(_tried != 0 ? _lastCause : NoneCause);
                return;
            }

            if (!_freshOnly && _lane!.TakeIdle() is { } idle)
            {
                _upstream = idle;
                idle.Use(this);
                _connectedAt = _loop.Now;
                SendKept();
                return;
            }

            if (TryTakeOver() || TryOpen()) return;
            Count(ref _lane!.Counters.ConnectFailures);
            LeaveServer();
            _lastCause = OpenCause;
            if (!MayTryAnother())
            {
                Fail(_lastCause);
                return;
            }
        }
    }

    /// <summary>Why nothing was picked at the first attempt.</summary>
    private OutcomeCause NoneCause =>
        Pool.Set.Availability.Tier(Pool.Slot) == PoolTier.None ? OutcomeCause.NoServer : OutcomeCause.ServersBusy;

    /// <summary>Why a connection could not even be begun.</summary>
    private OutcomeCause OpenCause =>
        _lane!.Server.Resolved is null ? OutcomeCause.NameNotResolved : ConnectCause(_failedErrno);

    /// <summary>Begins to connect. False when that failed at once.</summary>
    private bool TryOpen()
    {
        if (_lane!.Server.Resolved is not { } resolved) return false;
        _upstream = shard.RentUpstream();
        if (_upstream.Open(_lane, resolved.Address, this))
        {
            _phase = ExchangePhase.Connecting;
            ArmFor(Pool.Snapshot.Upstream.Connect);
            return true;
        }

        _failedErrno = _upstream.LastError;
        _upstream = null;
        return false;
    }

    /// <summary>The connection that another shard was asked for did not come: open one to the server that was chosen.</summary>
    private void Reach()
    {
        if (TryOpen()) return;
        Count(ref _lane!.Counters.ConnectFailures);
        TryNextServer(OpenCause);
    }

    private static OutcomeCause ConnectCause(Errno error) => error switch
    {
        Errno.ECONNREFUSED or Errno.ENOENT or Errno.ECONNRESET => OutcomeCause.ConnectRefused,
        Errno.ENETUNREACH or Errno.EHOSTUNREACH or Errno.ENETDOWN or Errno.EHOSTDOWN => OutcomeCause.ConnectUnreachable,
        Errno.ETIMEDOUT => OutcomeCause.ConnectTimeout,
        _ => OutcomeCause.ConnectFailed,
    };

    /// <summary>Takes a place at a server. Another shard may be faster at the last free one: then the next is picked.</summary>
    private bool TryChoose()
    {
        if (_freshOnly && Enter(_serverIndex)) return true;
        ulong passedOver = _tried;
        PoolBalancer balancer = _route.Balancers[shard.Number];
        while (true)
        {
            int index = balancer.Pick(_pickKey with { Tried = passedOver });
            if (index == Scheduler.None) return false;
            if (Enter(index)) return true;
            passedOver |= 1UL << (index & 63);
        }
    }

    private bool Enter(int index)
    {
        PoolBalancer balancer = _route.Balancers[shard.Number];
        if (!balancer.TryEnter(index)) return false;
        ServerRuntime server = Pool.Servers[index];
        if (server.IsRetired)
        {
            // This exchange is older than the configuration in force; the server's slot may be another's soon.
            balancer.Leave(index);
            return false;
        }

        _serverIndex = index;
        _lane = shard.Lane(server);
        _hasPlace = true;
        return true;
    }

    private void LeaveServer()
    {
        if (!_hasPlace) return;
        _hasPlace = false;
        shard.Loads.Leave(_lane!.Server.Slot);
    }

    private bool MayTryAnother()
    {
        _tried |= 1UL << (_serverIndex & 63);
        _freshOnly = false;
        if (_attempts >= Pool.Snapshot.Upstream.Retries) return false;
        _attempts++;
        Count(ref _lane!.Counters.Retries);
        return true;
    }

    private void TryNextServer(OutcomeCause cause)
    {
        LeaveServer();
        _lastCause = cause;
        if (!MayTryAnother())
        {
            Fail(cause);
            return;
        }

        DropUpstream();
        _phase = ExchangePhase.Routing;
        _sent = 0;
        TryReach();
    }

    private void OnConnectTimeout()
    {
        Count(ref _lane!.Counters.ConnectFailures);
        Count(ref _lane.Counters.Timeouts);
        _failedErrno = Errno.ETIMEDOUT;
        TryNextServer(OutcomeCause.ConnectTimeout);
    }

    /// <summary>
    /// A kept connection died before it answered: the server closed it while our request was on its way. A new one to the same server, if
    /// the request may be sent again.
    /// </summary>
    private void OnReusedConnectionLost(OutcomeCause cause)
    {
        bool mayResend = new Outcome(OutcomePhase, cause).IsRetryable(_sent == 0, pooled: true, _method) && (_sent == 0 || _isRetained);
        if (!mayResend)
        {
            Fail(cause);
            return;
        }

        DropUpstream();
        LeaveServer();
        _phase = ExchangePhase.Routing;
        _freshOnly = true;
        _sent = 0;
        TryReach();
    }

    private void SendKept()
    {
        int count = Sockets.Send(_upstream!.Descriptor, _kept.Memory[(_sendStart + _sent).._kept.End]);
        if (count < 0 && count != -(int)Errno.EAGAIN)
        {
            OnSendFailed((Errno)(-count));
            return;
        }

        _sent += Math.Max(count, 0);
        bool isAnswered = _phase == ExchangePhase.Responding;
        if (HasKeptToSend)
        {
            if (isAnswered) return;
            _phase = ExchangePhase.Sending;
            ArmFor(Pool.Snapshot.Upstream.FirstByte);
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

        if (_client.IsReadable) _loop.RunSoon(_client);
    }

    /// <summary>A client that waits for 100 (Continue) waits for the server; any other is to send its body now.</summary>
    private void ArmStreaming() => ArmFor(_awaitsContinue ? Pool.Snapshot.Upstream.FirstByte : _service.Snapshot.Timeouts.Body);

    private void BeginAwaiting()
    {
        _sentAt = _loop.Now;
        _phase = ExchangePhase.Awaiting;
        ArmFor(Pool.Snapshot.Upstream.FirstByte);
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
                _loop.RunSoon(_client);
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
        if (!_requestBody.TryPass(bytes, _service.Snapshot.Limits, out int length, out RejectReason reason))
        {
            Refuse(reason);
            return false;
        }

        _awaitsContinue = false;
        _bytesFromClient += length;
        Add(ref _lane!.Counters.BytesToServer, length);
        if (_requestBody.IsEnd) _client.KeepAhead(bytes[length..]);
        if (_upstream!.Send(bytes[..length]) == SendResult.Failed)
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

        if (!_upstream!.HasUnsent) return;
        switch (_upstream.Flush())
        {
            case SendResult.Failed:
                OnSendFailed(_upstream.LastError);
                break;
            case SendResult.Sent when _phase == ExchangePhase.Streaming && _requestBody.IsEnd:
                BeginAwaiting();
                break;
            case var sent:
                if (_phase == ExchangePhase.Streaming) ArmStreaming();
                if (sent == SendResult.Sent && _client.IsReadable) _loop.RunSoon(_client);
                break;
        }
    }

    private void DropUpstream()
    {
        _upstream?.Close();
        _upstream = null;
    }
}

using Mainstay.Core;
using Mainstay.Core.Config;
using Mainstay.Core.Rules;
using Mainstay.Engine.Http.Protect;

namespace Mainstay.Engine.Http;

/// <summary>
/// How fast bytes go: clients that are slower than they have to be, and responses that are not to be faster. A client is measured only
/// while it is the one that is waited for.
/// </summary>
internal sealed partial class Exchange
{
    // Of the request body, since the server was last waited for.
    private Instant _uploadSince;
    private long _uploadBytes;

    // Of the response: when it began to wait for the client, and how long it has done so altogether.
    private Instant _blockedSince;
    private TimeSpan _blocked;

    private (RateLimit Limit, ulong Key)[] _paces = new (RateLimit, ulong)[2];
    private int _paceCount;
    private int _largestPiece;
    private Instant _pausedUntil;

    private SlowClientSnapshot SlowClients => _service.Snapshot.Protect.SlowClients;

    private bool IsPaused => _pausedUntil != default;

    private void ClearPace()
    {
        _uploadSince = _blockedSince = _pausedUntil = default;
        _blocked = TimeSpan.Zero;
        _paceCount = 0;
        _largestPiece = int.MaxValue;
    }

    /// <summary>The limits of bytes that a response of this route counts for.</summary>
    private void ChoosePaces(ServiceGuard guard, int route, in RuleInput input, Core.Net.NetAddress client)
    {
        foreach (RateLimit limit in guard.ByteLimits) AddPace(limit, input, client);
        if (route >= 0)
            foreach (RateLimit limit in guard.RouteLimits[route])
                if (limit.Snapshot.Unit == LimitUnit.Bytes) AddPace(limit, input, client);

        // What earlier responses have used up keeps this one waiting too.
        Pause(0);
    }

    private void AddPace(RateLimit limit, in RuleInput input, Core.Net.NetAddress client)
    {
        if (_paceCount == _paces.Length) Array.Resize(ref _paces, 2 * _paceCount);
        _paces[_paceCount++] = (limit, limit.Key(input.Request, input.Head, client));
        _largestPiece = Math.Min(limit.Piece, _largestPiece);
    }

    /// <summary>Bytes of the response were sent: the next ones wait until the limits have room for them.</summary>
    private void Pause(int bytes)
    {
        TimeSpan wait = TimeSpan.Zero;
        foreach ((RateLimit limit, ulong key) in _paces.AsSpan(0, _paceCount))
        {
            TimeSpan next = limit.Charge(key, bytes, _loop.Now);
            if (next > wait) wait = next;
        }

        _pausedUntil = wait > TimeSpan.Zero ? _loop.Now + wait : default;
    }

    /// <summary>False: not yet; the exchange is woken when it is time.</summary>
    private bool TryEndPause()
    {
        if (_loop.Now >= _pausedUntil)
        {
            _pausedUntil = default;
            return true;
        }

        _loop.Arm(this, Instant.Min(_pausedUntil, _totalDeadline));
        return false;
    }

    private void EndPause()
    {
        _pausedUntil = default;
        if (_phase == ExchangePhase.Streaming) ArmStreaming();
        else ArmBody();
        _upstream!.RunSoon();
    }

    /// <summary>Bytes of a request body have come while the server took them.</summary>
    private void NoteUpload(int bytes)
    {
        if (_uploadSince == default) (_uploadSince, _uploadBytes) = (_loop.Now, 0);
        _uploadBytes += bytes;
    }

    /// <summary>Until when the request body has to go on, to keep the pace.</summary>
    private Instant UploadDeadline
    {
        get
        {
            SlowClientSnapshot slow = SlowClients;
            if (slow.SendRate == 0) return Instant.Never;
            if (_uploadSince == default) (_uploadSince, _uploadBytes) = (_loop.Now, 0);
            return _uploadSince + slow.Grace + TimeSpan.FromSeconds((double)_uploadBytes / slow.SendRate);
        }
    }

    /// <summary>Until when the client has to take what waits, to keep the pace.</summary>
    private Instant ReadDeadline
    {
        get
        {
            SlowClientSnapshot slow = SlowClients;
            if (slow.ReadRate == 0) return Instant.Never;
            if (_blockedSince == default) _blockedSince = _loop.Now;
            return _blockedSince - _blocked + slow.Grace + TimeSpan.FromSeconds((double)_bytesToClient / slow.ReadRate);
        }
    }

    private void NoteUnblocked()
    {
        if (_blockedSince == default) return;
        _blocked += _loop.Now - _blockedSince;
        _blockedSince = default;
    }

    /// <summary>Sets the deadline for the next piece of the response, whoever it is that is waited for.</summary>
    private void ArmBody()
    {
        if (_client.HasUnsent)
        {
            Instant deadline = Instant.Min(_loop.Now + _service.Snapshot.Timeouts.Write, ReadDeadline);
            _loop.Arm(this, Instant.Min(deadline, _totalDeadline));
            return;
        }

        NoteUnblocked();
        if (IsPaused) _loop.Arm(this, Instant.Min(_pausedUntil, _totalDeadline));
        else ArmFor(Upstream.Idle);
    }

    /// <summary>A client that waits for 100 (Continue) waits for the server; any other is to send its body now.</summary>
    private void ArmStreaming()
    {
        if (_awaitsContinue || _upstream!.HasUnsent)
        {
            // From the beginning once the server goes on: the time is not the client's.
            _uploadSince = default;
            ArmFor(_awaitsContinue ? Upstream.FirstByte : _service.Snapshot.Timeouts.Body);
            return;
        }

        Instant deadline = Instant.Min(_loop.Now + _service.Snapshot.Timeouts.Body, UploadDeadline);
        if (IsPaused) deadline = Instant.Min(deadline, _pausedUntil);
        _loop.Arm(this, Instant.Min(deadline, _totalDeadline));
    }
}

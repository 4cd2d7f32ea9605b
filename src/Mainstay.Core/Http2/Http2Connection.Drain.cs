namespace Mainstay.Core.Http2;

/// <summary>Leaving without losing a request (RFC 9113 section 6.8).</summary>
public sealed partial class Http2Connection
{
    /// <summary>
    /// Servers, first step: tells the client to open no more streams, and still takes those that are on their way. A ping shows when
    /// the last of them has come; then follows <see cref="FinishDrain"/> by itself, and the event
    /// <see cref="Http2EventKind.Drained"/>. Clients say GOAWAY and open no more. False: no room.
    /// </summary>
    public bool BeginDrain(ref FrameBuffer output)
    {
        if (IsDraining || IsFailed) return true;
        if (output.Room < MinOutput) return false;
        IsDraining = true;
        output.TryWriteGoAway(_isServer ? int.MaxValue : 0, ErrorCode.NoError, default);
        if (!_isServer) return true;
        _drainPingSent = true;
        output.TryWritePing(DrainPing, ack: false);
        return true;
    }

    /// <summary>
    /// Servers, second step, when the ping was answered or the time for it is over: streams that come now are refused, and may be
    /// tried again elsewhere. The connection can be closed once <see cref="OpenStreams"/> is 0. False: no room.
    /// </summary>
    public bool FinishDrain(ref FrameBuffer output)
    {
        if (!_isServer || IsFailed || _lastAccepted != int.MaxValue) return true;
        if (!output.TryWriteGoAway(_lastPeerStream, ErrorCode.NoError, default)) return false;
        IsDraining = true;
        _lastAccepted = _lastPeerStream;
        return true;
    }
}

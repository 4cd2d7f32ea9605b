namespace Mainstay.Core.Http2;

[Flags]
internal enum StreamFlags : byte
{
    None = 0,

    /// <summary>The final head has come: what follows is content or the trailer.</summary>
    HeadReceived = 1,

    /// <summary>The final head was sent.</summary>
    HeadSent = 2,

    /// <summary>The request is HEAD: the response has no content, whatever its Content-Length says.</summary>
    IsHead = 4,

    /// <summary>Extended CONNECT for WebSocket (RFC 8441): the content is a tunnel.</summary>
    IsWebSocket = 8,

    /// <summary>The status allows no content.</summary>
    NoContent = 16,
}

/// <summary>One stream that is neither idle nor closed.</summary>
internal struct Http2Stream
{
    /// <summary>0: the slot is free, and <see cref="NextFree"/> counts.</summary>
    public int Id;
    public int NextFree;
    public StreamState State;
    public StreamFlags Flags;

    /// <summary>Bytes that we may send; negative after the peer has made its initial window smaller (RFC 9113 section 6.9.2).</summary>
    public int SendWindow;

    /// <summary>Bytes that the peer may send.</summary>
    public int ReceiveWindow;

    /// <summary>Consumed, and not yet given back by WINDOW_UPDATE.</summary>
    public int Consumed;

    /// <summary>Content-Length of what the peer sends; -1 when it said none.</summary>
    public long ContentLength;

    /// <summary>Content received.</summary>
    public long Received;

    /// <summary>What a WebSocket's server has to answer to the key of a client that spoke HTTP/1.1.</summary>
    public WebSocketKey.Answer WebSocketAnswer;

    public readonly bool Has(StreamFlags flag) => (Flags & flag) != 0;

    public readonly bool PeerHasEnded => State is StreamState.HalfClosedRemote or StreamState.Closed;
}

using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>What <see cref="Http2Connection.TryRead"/> has found.</summary>
public enum Http2EventKind : byte
{
    None,

    /// <summary>
    /// A request (server) or a final response (client): <see cref="Http2Workspace.Text"/> is an HTTP/1.1 head, for
    /// <see cref="RequestHead.TryParse"/> or <see cref="ResponseHead.TryParse"/>.
    /// </summary>
    Head,

    /// <summary>A response of 1xx; text as for <see cref="Head"/>.</summary>
    Interim,

    /// <summary>
    /// Content: <see cref="Http2Event.Bytes"/> is a range of the input. Every byte is to be given back by
    /// <see cref="Http2Connection.Consume"/>, once, when it has gone on or is dropped, also after the end of its stream.
    /// </summary>
    Data,

    /// <summary>
    /// The stream's last fields: text is lines with CRLF, without an empty one (possibly no line at all). The peer's side has ended.
    /// </summary>
    Trailer,

    /// <summary>
    /// The stream is over: by the peer (<see cref="Http2Event.ByPeer"/>, <see cref="Http2Event.Code"/>), or by us, because the peer broke
    /// a rule (<see cref="Http2Event.Reason"/>).
    /// </summary>
    Reset,

    /// <summary>A message was refused before the caller heard of its stream, and the peer has been told; for log and counters.</summary>
    Rejected,

    /// <summary>
    /// A request is too large or asks for a protocol that is not spoken: nothing of it is kept, but it can be answered with a status
    /// (<see cref="Http2Event.Status"/>). The stream is open; end it by that answer and <see cref="Http2Connection.TryReset"/>.
    /// </summary>
    HeadRefused,

    /// <summary>
    /// Sending can go on after a window was used up: on the stream, or on all (then <see cref="Http2Event.Stream"/> is None).
    /// </summary>
    Window,

    /// <summary>The peer has acknowledged our first SETTINGS.</summary>
    SettingsAcknowledged,

    /// <summary>
    /// The peer's settings have changed. Clients: more or fewer streams may be open now (<see cref="Http2Connection.CanOpen"/>).
    /// </summary>
    PeerSettings,

    /// <summary>
    /// The peer takes no further stream. Clients: those above <see cref="Http2Event.LastStreamId"/> were not processed and are over; each
    /// may be tried elsewhere.
    /// </summary>
    GoAway,

    /// <summary>The answer to <see cref="Http2Connection.TryPing"/>, with the same number.</summary>
    Pong,

    /// <summary>The last step of a drain has been taken: no new stream will come (<see cref="Http2Connection.BeginDrain"/>).</summary>
    Drained,

    /// <summary>
    /// The connection is over, for <see cref="Http2Event.Reason"/>; GOAWAY is in the output. All its streams are.
    /// </summary>
    Failed,
}

/// <summary>One event of a connection. Which members mean something is said with <see cref="Http2EventKind"/>.</summary>
public struct Http2Event
{
    public Http2EventKind Kind;
    public StreamRef Stream;

    /// <summary>Of the input for Data, of <see cref="Http2Workspace.Text"/> for heads and trailers.</summary>
    public ByteRange Bytes;

    /// <summary>
    /// Head and Data: the peer's side has ended with it. A head without END_STREAM but with Content-Length: 0 (or a Data event) may
    /// be followed by Data with no bytes and EndStream.
    /// </summary>
    public bool EndStream;

    /// <summary>The head is an upgrade to WebSocket (request) or its acceptance (response): what follows is a tunnel (RFC 8441).</summary>
    public bool IsWebSocket;

    /// <summary>Reset, GoAway: of the peer. Otherwise what the peer was told.</summary>
    public ErrorCode Code;
    public bool ByPeer;
    public Http2Reason Reason;

    /// <summary>HeadRefused: 431, or 501.</summary>
    public int Status;

    /// <summary>GoAway: the last stream that the peer may have processed.</summary>
    public int LastStreamId;

    /// <summary>Pong: what the ping was sent with.</summary>
    public ulong Opaque;

    /// <summary>GoAway or Reset of a stream that the peer did not process: it may be tried again elsewhere (RFC 9113 section 8.7).</summary>
    public readonly bool IsUnprocessed => ByPeer && Code == ErrorCode.RefusedStream;
}

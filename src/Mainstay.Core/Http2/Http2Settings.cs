namespace Mainstay.Core.Http2;

/// <summary>What we offer a peer and bear from it; one for each service or pool, shared by its connections.</summary>
/// <param name="MaxStreams">SETTINGS_MAX_CONCURRENT_STREAMS: streams that a client may have open at once.</param>
/// <param name="StreamWindow">
/// SETTINGS_INITIAL_WINDOW_SIZE: bytes of content that a peer may send ahead on a stream. At least 65535, so that nothing hangs on
/// when the peer reads it.
/// </param>
/// <param name="ConnectionWindow">
/// The same for all streams together, at least 65535: what a connection may make us hold while those that the content is for are slow.
/// </param>
/// <param name="HeaderTableSize">SETTINGS_HEADER_TABLE_SIZE, at least 4096 (the table that a peer has before it reads this).</param>
/// <param name="MaxHead">SETTINGS_MAX_HEADER_LIST_SIZE: more is answered 431.</param>
/// <param name="MaxFields">The same for their number.</param>
/// <param name="ConnectProtocol">SETTINGS_ENABLE_CONNECT_PROTOCOL, for servers: WebSocket over HTTP/2 (RFC 8441).</param>
public sealed record Http2Settings(
    int MaxStreams = 128,
    int StreamWindow = 256 * 1024,
    int ConnectionWindow = 1024 * 1024,
    int HeaderTableSize = 4096,
    int MaxHead = 32 * 1024,
    int MaxFields = 100,
    bool ConnectProtocol = true)
{
    /// <summary>SETTINGS_MAX_FRAME_SIZE, of both sides, as it is at the beginning; we never raise ours.</summary>
    public const int MaxFrameSize = 16384;

    /// <summary>Initial value of all windows (RFC 9113 section 6.9.2).</summary>
    public const int InitialWindow = 65535;

    /// <summary>
    /// Bytes of a field block, before it is decoded. What is longer ends the connection: refusing it would mean to decode it.
    /// </summary>
    public int MaxBlock => MaxHead + 16 * 1024;
}

/// <summary>Identifiers of settings (RFC 9113 section 6.5.2).</summary>
internal enum SettingId : ushort
{
    HeaderTableSize = 0x1,
    EnablePush = 0x2,
    MaxConcurrentStreams = 0x3,
    InitialWindowSize = 0x4,
    MaxFrameSize = 0x5,
    MaxHeaderListSize = 0x6,

    /// <summary>RFC 8441 section 3.</summary>
    EnableConnectProtocol = 0x8,

    /// <summary>RFC 9218 section 2.1.</summary>
    NoRfc7540Priorities = 0x9,
}

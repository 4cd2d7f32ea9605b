using System.Buffers.Binary;
using System.Text;
using Mainstay.Core.Balancing;

namespace Mainstay.Core.Http2;

/// <summary>Which side of the connection this is.</summary>
public enum Http2Role : byte
{
    /// <summary>Towards clients.</summary>
    Server,

    /// <summary>Towards servers.</summary>
    Client,
}

/// <summary>
/// One HTTP/2 connection (RFC 9113), either side of it, as a machine without I/O: received bytes go into <see cref="TryRead"/>, which
/// gives one event at a time; what is to be sent is written to the caller's <see cref="FrameBuffer"/>. It keeps windows, streams and
/// compression; content is never copied and never kept here. Objects are used again: <see cref="Begin"/>, then
/// <see cref="Release"/>. All connections of a shard share an <see cref="Http2Workspace"/>, and are used by its thread alone.
/// </summary>
/// <remarks>
/// <para><b>Reading.</b> Call <see cref="TryRead"/> until it returns false. It moves the position over what it has used; what is
/// behind it is to be shown again with more bytes: never more than one frame, at most <see cref="MaxInput"/> bytes. It also returns
/// false, and <see cref="WaitsForOutput"/> is true, when less than <see cref="MinOutput"/> bytes are free in the output. An
/// output that the socket does not take has to stop the reading: that bounds what a peer can make us queue.</para>
/// <para><b>Heads</b> are HTTP/1.1 text in both directions: a request event is parsed by RequestHead, a response is written by
/// ResponseHeadWriter, the bytes of which go into <see cref="TryWriteHead"/>. The text of an event is in
/// <see cref="Http2Workspace.Text"/>. Content comes without chunks, and goes without them: a received head says
/// "transfer-encoding: chunked" when there is no Content-Length, so that an HTTP/1.1 server gets chunks; the caller makes them.</para>
/// <para><b>Content received</b> is in <see cref="Http2EventKind.Data"/> events, as ranges of the input; every byte of it is given
/// back by <see cref="Consume"/> when it has gone on, which lets the peer send more. Not consuming is how a slow receiver is waited
/// for: at most <see cref="Http2Settings.StreamWindow"/> bytes of one stream and <see cref="Http2Settings.ConnectionWindow"/> of all come ahead.</para>
/// <para><b>Content sent</b>: <see cref="WriteData"/> copies as much as windows and output allow, <see cref="TryTakeData"/> writes only
/// the frame's header in front of bytes that the caller has already in place. When less was taken than offered, a
/// <see cref="Http2EventKind.Window"/> (or <see cref="Http2EventKind.PeerSettings"/>) event tells when to go on.</para>
/// <para><b>Streams</b> are <see cref="StreamRef"/>: a slot for the caller's table, and an identifier. A stream is over when both
/// sides have ended, with <see cref="Http2EventKind.Reset"/>, after <see cref="TryReset"/>, and with the connection. Calls for a
/// stream that is over do nothing and say so.</para>
/// <para><b>Errors</b> are events. A <see cref="Http2EventKind.Failed"/> connection is to be closed once its output is sent. Each
/// reason is counted in <see cref="Http2Workspace.Counters"/>.</para>
/// </remarks>
public sealed partial class Http2Connection(Http2Workspace workspace)
{
    /// <summary>Free output that <see cref="TryRead"/> asks for before every frame.</summary>
    public const int MinOutput = 192;

    /// <summary>The most that has to be kept of the input between two calls.</summary>
    public const int MaxInput = FrameHeader.Size + Http2Settings.MaxFrameSize;

    /// <summary>What <see cref="Start"/> writes at most.</summary>
    public const int MaxStart = 128;

    /// <summary>Streams that a server is believed to allow until it says so; the least that section 6.5.2 recommends.</summary>
    private const int AssumedPeerStreams = 100;

    /// <summary>Larger frames would hold up the other streams of a connection for too long.</summary>
    private const int LargestFrameSent = 64 * 1024;

    /// <summary>What a client sends first (section 3.4).</summary>
    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    private readonly StreamTable _streams = new(workspace.Shelves);
    private readonly HpackDecoder _decoder = new(workspace.Shelves);
    private readonly HpackEncoder _encoder = new(workspace.Shelves);
    private Http2Settings _settings = new();
    private ClosedStreams _closed;
    private FloodBudgets _floods;
    private SplitMix64 _random;

    private bool _isServer;

    /// <summary>Bytes of the preface that have come.</summary>
    private int _prefaceRead;

    /// <summary>The peer's first SETTINGS has come (section 3.4).</summary>
    private bool _peerSettingsSeen;
    private bool _settingsAcknowledged;
    private bool _drainPingSent;
    private int _pingsSent;

    /// <summary>The highest stream of the peer that was opened.</summary>
    private int _lastPeerStream;

    /// <summary>Streams of the peer above this are not taken any more.</summary>
    private int _lastAccepted;

    /// <summary>The next stream of our own; negative once there are none left.</summary>
    private int _nextStream;

    // The peer's settings (section 6.5.2).
    private int _peerInitialWindow;
    private int _peerMaxFrameSize;
    private uint _peerMaxStreams;
    private bool _peerConnectProtocol;

    /// <summary>Bytes that we may send on all streams together.</summary>
    private int _sendWindow;

    /// <summary>Bytes that the peer may send on all streams together.</summary>
    private int _receiveWindow;

    /// <summary>Consumed, and not yet given back by WINDOW_UPDATE.</summary>
    private int _consumed;

    /// <summary>The connection is over by an error.</summary>
    public bool IsFailed { get; private set; }

    /// <summary>We have said GOAWAY.</summary>
    public bool IsDraining { get; private set; }

    /// <summary>The peer has said GOAWAY.</summary>
    public bool PeerIsDraining { get; private set; }

    /// <summary><see cref="TryRead"/> returned false for want of output, not of input.</summary>
    public bool WaitsForOutput { get; private set; }

    /// <summary>Streams that are open or half-closed.</summary>
    public int OpenStreams => _streams.Count;

    /// <summary>A peer that never acknowledges is to be failed with SettingsTimeout (section 6.5.3).</summary>
    public bool SettingsAcknowledged => _settingsAcknowledged;

    /// <summary>Clients: whether another stream can be opened now.</summary>
    public bool CanOpen => !_isServer && !IsFailed && !IsDraining && !PeerIsDraining && _nextStream > 0 && (uint)_streams.Count < _peerMaxStreams;

    /// <summary>Clients: the server takes WebSocket (RFC 8441); only known once its settings have come.</summary>
    public bool PeerTakesWebSocket => _peerConnectProtocol;

    /// <summary>Streams opened so far, by whichever side opens them here.</summary>
    public int StreamsOpened => _isServer ? (_lastPeerStream + 1) / 2 : (_nextStream & int.MaxValue) / 2;

    public bool IsAlive(StreamRef stream) => _streams.IsAlive(stream);

    /// <summary>Makes this the machine of a new connection.</summary>
    /// <param name="seed">For what only has to differ: keys of WebSockets.</param>
    public void Begin(Http2Role role, Http2Settings settings, ulong seed)
    {
        Release();
        _settings = settings;
        _isServer = role == Http2Role.Server;
        _closed = default;
        _floods = default;
        _random = new SplitMix64(seed);
        _prefaceRead = _isServer ? 0 : Preface.Length;
        _peerSettingsSeen = _settingsAcknowledged = _drainPingSent = false;
        _pingsSent = 0;
        _lastPeerStream = 0;
        _lastAccepted = int.MaxValue;
        _nextStream = 1;
        _peerInitialWindow = Http2Settings.InitialWindow;
        _peerMaxFrameSize = Http2Settings.MaxFrameSize;
        _peerMaxStreams = AssumedPeerStreams;
        _peerConnectProtocol = false;
        _sendWindow = Http2Settings.InitialWindow;
        _receiveWindow = settings.ConnectionWindow;
        _consumed = 0;
        IsFailed = IsDraining = PeerIsDraining = WaitsForOutput = false;
        BeginReading();
        _decoder.Reset(settings.HeaderTableSize);
        _encoder.Reset();
    }

    /// <summary>Gives the storage back to the shard; nothing may be asked of the machine before the next <see cref="Begin"/>.</summary>
    public void Release()
    {
        _streams.Release();
        _decoder.Release();
        _encoder.Release();
        DropBlock();
    }

    /// <summary>Writes what a side says first: <see cref="MaxStart"/> bytes at most.</summary>
    public bool Start(ref FrameBuffer output)
    {
        if (output.Room < MaxStart) return false;
        if (!_isServer) output.TryWrite(Preface);
        Span<byte> settings = stackalloc byte[7 * 6];
        int length = 0;
        if (_settings.HeaderTableSize != HpackEncoder.MaxTableSize) Put(settings, ref length, SettingId.HeaderTableSize, _settings.HeaderTableSize);
        Put(settings, ref length, SettingId.InitialWindowSize, _settings.StreamWindow);
        Put(settings, ref length, SettingId.MaxHeaderListSize, _settings.MaxHead);
        if (_isServer)
        {
            Put(settings, ref length, SettingId.MaxConcurrentStreams, _settings.MaxStreams);
            Put(settings, ref length, SettingId.EnableConnectProtocol, _settings.ConnectProtocol ? 1 : 0);
            Put(settings, ref length, SettingId.NoRfc7540Priorities, 1);
        }
        else
        {
            Put(settings, ref length, SettingId.EnablePush, 0);
        }

        output.TryWriteFrame(FrameType.Settings, FrameFlags.None, 0, settings[..length]);
        int more = _settings.ConnectionWindow - Http2Settings.InitialWindow;
        return more <= 0 || output.TryWriteWindowUpdate(0, more);
    }

    /// <summary>Asks the peer for a sign of life: <see cref="Http2EventKind.Pong"/> with the same number.</summary>
    public bool TryPing(ulong opaque, ref FrameBuffer output)
    {
        if (IsFailed || !output.TryWritePing(opaque, ack: false)) return false;
        _pingsSent++;
        return true;
    }

    /// <summary>Ends the connection: writes GOAWAY, to be sent before it is closed.</summary>
    public void Fail(Http2Reason reason, ref FrameBuffer output)
    {
        if (IsFailed) return;
        IsFailed = true;
        workspace.Count(reason);
        Span<byte> debug = stackalloc byte[64];
        int length = Encoding.ASCII.GetBytes(reason.Label(), debug);
        output.TryWriteGoAway(Math.Min(_lastPeerStream, _lastAccepted), reason.Code(), debug[..length]);
    }

    private static void Put(Span<byte> settings, ref int length, SettingId id, int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(settings[length..], (ushort)id);
        BinaryPrimitives.WriteInt32BigEndian(settings[(length + 2)..], value);
        length += 6;
    }

    /// <summary>The stream was never opened by the side that it belongs to (section 5.1.1).</summary>
    private bool IsIdle(int id)
    {
        bool ofClient = (id & 1) != 0;
        if (!ofClient) return true;
        return _isServer ? id > _lastPeerStream : _nextStream > 0 && id >= _nextStream;
    }

    /// <summary>Moves a stream; closes it when that is where it leads.</summary>
    private void Move(int slot, StreamInput input)
    {
        ref Http2Stream stream = ref _streams[slot];
        if (!StreamStates.TryMove(stream.State, input, out StreamState to)) return;
        stream.State = to;
        if (to != StreamState.Closed) return;
        if (input is StreamInput.ReceiveEnd or StreamInput.SendEnd)
        {
            _floods.Credit(Flood.Resets, 1);
            Close(slot, ClosedBy.End);
        }
        else
        {
            Close(slot, input == StreamInput.ReceiveReset ? ClosedBy.PeerReset : ClosedBy.OurReset);
        }
    }

    private void Close(int slot, ClosedBy by)
    {
        _closed.Add(_streams[slot].Id, by);
        _streams.Remove(slot);
    }
}

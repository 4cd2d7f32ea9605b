using Mainstay.Core;
using Mainstay.Core.Http2;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>
/// An HTTP/2 connection at work: what its socket receives goes through the protocol's machine to the streams, and all frames of one turn
/// of the loop leave in one send. Streams whose content waits for a window or for the socket take turns, one frame each.
/// </summary>
/// <remarks>
/// Nothing here receives or sends on the socket while a stream's exchange is being called: exchanges add frames and ask for turns. Parts: this
/// file (receiving and events), Sending.
/// </remarks>
internal abstract partial class Http2Session(HttpShard shard)
{
    /// <summary>Bytes looked through in one turn, so that one connection does not hold up a shard.</summary>
    private const int ReceivedPerTurn = 512 * 1024;

    private readonly Http2Connection _machine = new(shard.Http2);
    private StreamChannel _channel = null!;
    private Http2Stream?[] _streams = new Http2Stream?[16];
    private Http2Stream? _firstStream;

    /// <summary>The beginning of a frame, or what could not be looked through yet.</summary>
    private Block? _stash;

    /// <summary>Whole frames may be in the stash: their answers found no room.</summary>
    private bool _stashIsUnread;

    private Http2Stream? _arrivingOn;
    private int _arrivingStart;
    private int _arrivingLength;

    protected HttpShard Shard { get; } = shard;

    /// <summary>The rules of the protocol: streams, windows, settings, floods.</summary>
    protected Http2Connection Machine => _machine;

    protected EventLoop Loop => Shard.Loop;

    /// <summary>The connection cannot be used any more: it is closed as soon as nobody works with it.</summary>
    protected bool IsBroken { get; private set; }

    /// <summary>Its socket is gone: there is nobody to tell anything.</summary>
    protected bool IsLost { get; private set; }

    /// <summary>Something waits to be sent.</summary>
    protected bool HasOutput => _out is not null || IsClogged;

    /// <summary>Objects that stand for streams; some may be over for the peer.</summary>
    protected int StreamCount { get; private set; }

    /// <summary>Nothing more goes into the socket now: whoever produces waits.</summary>
    public bool IsClogged => _channel.HasUnsent;

    /// <summary>In blocks, those of its streams included.</summary>
    public int HeldBytes
    {
        get
        {
            int held = (_stash?.Capacity ?? 0) + (_out?.Capacity ?? 0);
            for (Http2Stream? stream = _firstStream; stream is not null; stream = stream.NextInSession) held += stream.HeldBytes;
            return held;
        }
    }

    /// <summary>An event of the socket.</summary>
    /// <param name="isOver">The connection is broken, or both its directions have ended.</param>
    public void OnReady(bool canSend, bool isOver)
    {
        if (canSend && _channel.HasUnsent) OnChannelFlushed(_channel.Flush());
        if (!IsBroken) ReceiveAll();
        if (isOver) Lose();
        CloseIfBroken();
    }

    /// <summary>A turn that was asked for: those of streams, then what has gathered goes out.</summary>
    public void OnTurn()
    {
        RunTurns();
        if (!IsBroken && (_channel.IsReadable || _stashIsUnread)) ReceiveAll();
        if (!IsBroken) SendGathered();
        CloseIfBroken();
    }

    /// <summary>Content that is just coming in on this stream and nobody has taken yet: valid during the event.</summary>
    public ReadOnlySpan<byte> Arriving(Http2Stream stream) =>
        stream == _arrivingOn ? Shard.Frames.Slice(_arrivingStart, _arrivingLength) : default;

    public int ArrivingOn(Http2Stream stream) => stream == _arrivingOn ? _arrivingLength : 0;

    public void OnArrivingTaken(Http2Stream stream, int count)
    {
        if (count == 0) return;
        _arrivingStart += count;
        _arrivingLength -= count;
    }

    /// <summary>Content of the stream has gone on, or was dropped: the peer may send as much again.</summary>
    public void OnTaken(Http2Stream stream, int count)
    {
        FrameBuffer output = Begin(Http2Connection.MinOutput);
        _machine.Consume(stream.Ref, count, ref output);
        End(output);
    }

    /// <summary>The object will not be asked for any more.</summary>
    public void Forget(Http2Stream stream)
    {
        Unlink(stream);
        int slot = stream.Ref.Slot;
        if (!stream.Ref.IsNone && _streams[slot] == stream) _streams[slot] = null;
        if (stream.PreviousInSession is not null) stream.PreviousInSession.NextInSession = stream.NextInSession;
        else _firstStream = stream.NextInSession;
        if (stream.NextInSession is not null) stream.NextInSession.PreviousInSession = stream.PreviousInSession;
        stream.PreviousInSession = stream.NextInSession = null;
        if (_arrivingOn == stream) _arrivingOn = null;
        StreamCount--;
    }

    /// <summary>Makes this the session of a connection, which may still have to come about.</summary>
    protected void Attach(StreamChannel channel)
    {
        _channel = channel;
        IsBroken = IsLost = false;
    }

    /// <summary>The connection stands: says what a side says first.</summary>
    protected void Begin(Http2Role role, Http2Settings settings)
    {
        _machine.Begin(role, settings, (ulong)Loop.UnixNanoseconds);
        FrameBuffer output = Begin(Http2Connection.MaxStart);
        _machine.Start(ref output);
        End(output);
    }

    /// <summary>Ends what is left; the socket is the caller's.</summary>
    protected void EndStreams(Errno error)
    {
        IsBroken = true;
        ForEachStream(stream => stream.OnLost(error));
        Shard.Blocks.Drop(ref _stash);
        _stashIsUnread = false;
        ClearSending();
        _machine.Release();
    }

    protected Http2Stream? StreamAt(StreamRef stream) =>
        (uint)stream.Slot < (uint)_streams.Length && _streams[stream.Slot] is { } found && found.Ref == stream ? found : null;

    public virtual void Add(Http2Stream stream)
    {
        stream.NextInSession = _firstStream;
        stream.PreviousInSession = null;
        if (_firstStream is not null) _firstStream.PreviousInSession = stream;
        _firstStream = stream;
        StreamCount++;
    }

    /// <summary>The stream is open and has a slot: events for it find it.</summary>
    public void Place(Http2Stream stream)
    {
        int slot = stream.Ref.Slot;
        if (slot >= _streams.Length) Array.Resize(ref _streams, Math.Max(_streams.Length * 2, slot + 1));
        _streams[slot] = stream;
    }

    /// <summary>An action may end the stream it is given.</summary>
    protected void ForEachStream(Action<Http2Stream> action)
    {
        for (Http2Stream? stream = _firstStream, next; stream is not null; stream = next)
        {
            next = stream.NextInSession;
            action(stream);
        }
    }

    /// <summary>The connection is over; what has gathered still goes out.</summary>
    protected void Break()
    {
        IsBroken = true;
        Loop.RunSoon(_channel);
    }

    /// <summary>The socket is gone.</summary>
    protected void Lose()
    {
        IsLost = true;
        Break();
    }

    /// <summary>The socket has begun or ceased to take what it is given.</summary>
    protected abstract void OnSocketChanged();

    /// <summary>Closes the socket and with it this session.</summary>
    protected abstract void Close();

    /// <summary>A head: a request of a client, a final response of a server.</summary>
    protected abstract void OnHead(in Http2Event e);

    /// <summary>An event of the connection itself, or of a stream that is not known here.</summary>
    protected abstract void OnConnectionEvent(in Http2Event e);

    /// <summary>The peer has sent something.</summary>
    protected virtual void OnHeard()
    {
    }

    /// <summary>Everything that came with one look at the socket has been handed on.</summary>
    protected virtual void OnBatchEnd()
    {
    }

    /// <summary>Takes bytes that have come: those received before this session began.</summary>
    protected void TakeFirst(ReadOnlySpan<byte> bytes)
    {
        Keep(bytes);
        LookThroughStash();
    }

    protected void CloseIfBroken()
    {
        if (!IsBroken) return;
        if (!IsLost) SendOut();
        Close();
    }

    private void ReceiveAll()
    {
        if (_stashIsUnread && !MustWaitToRead) LookThroughStash();
        for (int budget = ReceivedPerTurn; _channel.IsReadable && !IsBroken && !MustWaitToRead;)
        {
            if (budget <= 0 || _stash is { Count: > Http2Connection.MaxInput })
            {
                Loop.RunSoon(_channel);
                return;
            }

            int have = TakeStash();
            int count = _channel.Receive(Shard.Frames[have..]);
            if (count <= 0)
            {
                if (have > 0) Keep(Shard.Frames[..have]);
                if (count != -(int)Errno.EAGAIN) Lose();
                return;
            }

            budget -= count;
            OnHeard();
            LookThrough(have + count);
        }
    }

    private void LookThroughStash() => LookThrough(TakeStash());

    private int TakeStash()
    {
        if (_stash is not { } stash) return 0;
        int count = stash.Count;
        stash.Filled.CopyTo(Shard.Frames);
        Shard.Blocks.Drop(ref _stash);
        _stashIsUnread = false;
        return count;
    }

    private void Keep(ReadOnlySpan<byte> bytes) => Shard.Blocks.Append(ref _stash, bytes);

    /// <summary>Handles what the shard's frames hold, as far as it is whole and the answers find room.</summary>
    private void LookThrough(int length)
    {
        ReadOnlySpan<byte> input = Shard.Frames[..length];
        int position = 0;
        while (!IsBroken)
        {
            FrameBuffer output = Begin(Http2Connection.MinOutput);
            bool found = _machine.TryRead(input, ref position, ref output, Loop.Now, out Http2Event e);
            End(output);
            if (!found) break;
            OnEvent(e);
            if (MustWaitToRead) break;
        }

        if (position < length && !IsBroken)
        {
            Keep(input[position..]);
            _stashIsUnread = MustWaitToRead || _machine.WaitsForOutput;
        }

        OnBatchEnd();
    }

    private void OnEvent(in Http2Event e)
    {
        switch (e.Kind)
        {
            case Http2EventKind.Data:
                OnData(e);
                break;
            case Http2EventKind.Head:
                OnHead(e);
                break;
            case Http2EventKind.Trailer:
                StreamAt(e.Stream)?.OnTrailer(Shard.Http2.Text(e));
                break;
            case Http2EventKind.Reset:
                StreamAt(e.Stream)?.OnReset(e);
                break;
            case Http2EventKind.Window:
                OnWindow(e.Stream);
                break;
            case Http2EventKind.PeerSettings:
                OnWindow(StreamRef.None);
                OnConnectionEvent(e);
                break;
            case Http2EventKind.Failed:
                Break();
                break;
            default:
                OnConnectionEvent(e);
                break;
        }
    }

    private void OnData(in Http2Event e)
    {
        if (StreamAt(e.Stream) is not { } stream)
        {
            Drop(e.Stream, e.Bytes.Length);
            return;
        }

        _arrivingOn = stream;
        _arrivingStart = e.Bytes.Start;
        _arrivingLength = e.Bytes.Length;
        stream.OnData(e.EndStream);
        int left = _arrivingLength;
        bool isGone = _arrivingOn != stream;
        _arrivingOn = null;
        if (left == 0) return;
        if (isGone) Drop(e.Stream, left);
        else stream.Keep(Shard.Frames.Slice(_arrivingStart, left));
    }

    /// <summary>Content that nobody wants any more.</summary>
    private void Drop(StreamRef stream, int count)
    {
        FrameBuffer output = Begin(Http2Connection.MinOutput);
        _machine.Consume(stream, count, ref output);
        End(output);
    }
}

using Mainstay.Core.Http2;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http;

/// <summary>The way out: frames gather in a block until the turn's end; content that does not fit waits in its stream for its turn.</summary>
internal abstract partial class Http2Session
{
    /// <summary>Frames gathered before they are sent ahead of the turn's end.</summary>
    private const int MostGathered = 96 * 1024;

    /// <summary>Gathered while the socket takes nothing: from here on nothing is read that would have to be answered.</summary>
    private const int MostUnsent = 64 * 1024;

    /// <summary>Content of one stream in its turn.</summary>
    private const int TurnBytes = Http2Settings.MaxFrameSize;

    /// <summary>Bytes sent in one turn of the loop, so that one connection does not hold up a shard.</summary>
    private const int SentPerTurn = 1024 * 1024;

    private readonly Queue<Http2Stream> _turns = new();
    private Block? _out;
    private Http2Stream? _firstWaiting;
    private Http2Stream? _lastWaiting;

    private bool MustWaitToRead => IsClogged && _out is { Count: >= MostUnsent };

    /// <summary>Bytes of content that it makes sense to offer for a stream now: more would only wait in it.</summary>
    public int AppetiteOf(Http2Stream stream) =>
        IsClogged || _firstWaiting is not null ? TurnBytes : Math.Clamp(_machine.Sendable(stream.Ref), TurnBytes, MostGathered);

    /// <summary>Asks for a turn of the stream's exchange.</summary>
    public void RunSoon(Http2Stream stream)
    {
        if (stream.HasTurn) return;
        stream.HasTurn = true;
        _turns.Enqueue(stream);
        Loop.RunSoon(_channel);
    }

    /// <summary>Puts a stream in the line of those whose content waits.</summary>
    public void Wait(Http2Stream stream)
    {
        if (stream.IsWaiting) return;
        stream.IsWaiting = true;
        stream.PreviousWaiting = _lastWaiting;
        stream.NextWaiting = null;
        if (_lastWaiting is not null) _lastWaiting.NextWaiting = stream;
        else _firstWaiting = stream;
        _lastWaiting = stream;
        if (!IsClogged) Loop.RunSoon(_channel);
    }

    /// <summary>Writes of content what windows, socket and the other streams' turns allow; returns how much that was.</summary>
    /// <param name="isLast">The message ends with the last of these bytes.</param>
    public int WriteWhatFits(Http2Stream stream, ReadOnlySpan<byte> content, bool isLast)
    {
        int sent = 0;
        while (!IsClogged && !IsBroken && _firstWaiting is null)
        {
            int written = Write(stream, content[sent..], isLast);
            sent += written;
            if (written == 0 || sent == content.Length) break;
        }

        return sent;
    }

    /// <summary>Writes content in frames; returns how much the windows and the room let through.</summary>
    public int Write(Http2Stream stream, ReadOnlySpan<byte> content, bool isLast)
    {
        int frames = content.Length / Http2Settings.MaxFrameSize + 1;
        FrameBuffer output = Begin(Math.Min(content.Length + frames * FrameHeader.Size, MostGathered));
        int written = _machine.WriteData(stream.Ref, content, isLast, ref output);
        End(output);
        return written;
    }

    /// <summary>Ends our side of a stream whose content has all been written.</summary>
    public void EndStream(Http2Stream stream, ReadOnlySpan<byte> trailer)
    {
        FrameBuffer output = Begin(Http2Connection.MaxHeadRoom(trailer.Length, trailer.Count((byte)'\n')));
        if (trailer.IsEmpty) _machine.WriteData(stream.Ref, default, true, ref output);
        else _machine.TryWriteTrailer(stream.Ref, trailer, ref output);
        End(output);
    }

    /// <summary>Tells the peer that a stream is over, unless it is for both sides.</summary>
    public void Reset(Http2Stream stream, ErrorCode code)
    {
        if (IsBroken || !_machine.IsAlive(stream.Ref)) return;
        FrameBuffer output = Begin(Http2Connection.MinOutput);
        _machine.TryReset(stream.Ref, code, ref output);
        End(output);
    }

    /// <summary>Room for frames, at least so much. Without any (the peer takes nothing) the connection is broken off.</summary>
    protected FrameBuffer Begin(int room)
    {
        if (_out is { } gathered && gathered.Room.Length < room)
        {
            if (!IsClogged && gathered.Count >= MostGathered / 4) SendOut();
            else if (gathered.Count + room <= BlockPool.LargestBlock) Grow(gathered, gathered.Count + room);
            else Break();
        }

        _out ??= Shard.Blocks.Rent(room);
        return new FrameBuffer(_out.Room);
    }

    protected void End(in FrameBuffer output)
    {
        _out!.End += output.Length;
        if (_out.Count == 0) Shard.Blocks.Drop(ref _out);
        else if (!IsClogged) Loop.RunSoon(_channel);
    }

    private void Grow(Block gathered, int size)
    {
        _out = Shard.Blocks.Rent(size);
        _out.Append(gathered.Filled);
        Shard.Blocks.Return(gathered);
    }

    private void RunTurns()
    {
        for (int left = _turns.Count; left > 0 && _turns.TryDequeue(out Http2Stream? stream); left--)
        {
            // One that is over may be another's by now: a turn that nobody asked for finds nothing to do.
            stream.HasTurn = false;
            stream.OnTurn();
        }
    }

    /// <summary>Sends what has gathered, and of what waits as much as the socket takes and the turn allows.</summary>
    private void SendGathered()
    {
        for (int budget = SentPerTurn; !IsClogged && !IsBroken;)
        {
            if (budget <= 0)
            {
                Loop.RunSoon(_channel);
                return;
            }

            FillFromWaiting();
            if (_out is null) return;
            budget -= _out.Count;
            SendOut();
        }
    }

    private void FillFromWaiting()
    {
        while (_firstWaiting is { } stream && (_out is null || _out.Count < MostGathered))
        {
            Unlink(stream);

            // One that the windows hold back leaves the line until they open.
            if (stream.SendWaiting(TurnBytes) == 0) continue;
            if (stream.HasWaiting) Wait(stream);
            else stream.OnDrained();
        }
    }

    private void SendOut()
    {
        if (_out is not { } gathered) return;
        bool wasClogged = IsClogged;
        if (_channel.Send(gathered.Filled) == SendResult.Failed) Lose();
        Shard.Blocks.Return(gathered);
        _out = null;
        if (IsClogged && !wasClogged) OnSocketChanged();
    }

    /// <summary>The socket takes bytes again.</summary>
    private void OnChannelFlushed(SendResult flushed)
    {
        if (flushed == SendResult.Failed) Lose();
        else OnSocketChanged();
        if (flushed != SendResult.Sent) return;
        SendGathered();
        if (IsClogged || IsBroken) return;
        for (Http2Stream? stream = _firstStream, next; stream is not null; stream = next)
        {
            next = stream.NextInSession;
            if (!stream.HasWaiting) stream.OnDrained();
        }

        Loop.RunSoon(_channel);
    }

    /// <summary>Sending can go on: on one stream, or on all.</summary>
    private void OnWindow(StreamRef which)
    {
        if (!which.IsNone)
        {
            if (StreamAt(which) is { HasWaiting: true } stream) Wait(stream);
            return;
        }

        for (Http2Stream? stream = _firstStream; stream is not null; stream = stream.NextInSession)
            if (stream.HasWaiting) Wait(stream);
    }

    private void Unlink(Http2Stream stream)
    {
        if (!stream.IsWaiting) return;
        stream.IsWaiting = false;
        if (stream.PreviousWaiting is not null) stream.PreviousWaiting.NextWaiting = stream.NextWaiting;
        else _firstWaiting = stream.NextWaiting;
        if (stream.NextWaiting is not null) stream.NextWaiting.PreviousWaiting = stream.PreviousWaiting;
        else _lastWaiting = stream.PreviousWaiting;
        stream.PreviousWaiting = stream.NextWaiting = null;
    }

    private void ClearSending()
    {
        Shard.Blocks.Drop(ref _out);
        _turns.Clear();
        _firstWaiting = _lastWaiting = null;
    }
}

using Mainstay.Core;
using Mainstay.Core.Http;
using Mainstay.Core.Http2;
using Mainstay.Engine.Shards;
using Mainstay.Linux;

namespace Mainstay.Engine.Http;

/// <summary>
/// One stream of an HTTP/2 connection as a stream of HTTP/1.1 bytes (<see cref="IPeerStream"/>): heads, chunk framing and trailers are
/// translated here and nowhere else. Objects are used again.
/// </summary>
internal abstract class Http2Stream(HttpShard shard) : TimerNode
{
    /// <summary>Neighbours among the streams of the session.</summary>
    public Http2Stream? PreviousInSession;
    public Http2Stream? NextInSession;

    /// <summary>Neighbours among those that have something to send, in their turn.</summary>
    public Http2Stream? PreviousWaiting;
    public Http2Stream? NextWaiting;
    public bool IsWaiting;

    /// <summary>Already asked for a turn.</summary>
    public bool HasTurn;

    protected StreamInput Input = new(shard.Blocks);
    protected StreamOutput Output = new(shard.Blocks);

    protected HttpShard Shard { get; } = shard;

    /// <summary>Null once the exchange is over; what it sent may still be on its way out.</summary>
    public Exchange? Exchange { get; protected set; }

    /// <summary>The stream in its connection; none while it has not been opened.</summary>
    public StreamRef Ref { get; protected set; }

    /// <summary>The stream is over for the peer: nothing is sent on it any more.</summary>
    public bool IsClosed { get; protected set; }

    public Errno LastError { get; protected set; }

    /// <summary>Null once the connection is over, when what has come of a whole message is still to be read.</summary>
    protected abstract Http2Session? Session { get; }

    public bool IsHttp2 => true;

    public int Appetite => Session?.AppetiteOf(this) ?? int.MaxValue;

    /// <summary>Content waits here for its turn.</summary>
    public bool HasWaiting => Output.HasWaiting;

    /// <summary>In blocks, the exchange's included.</summary>
    public int HeldBytes => Input.HeldBytes + Output.HeldBytes + (Exchange?.HeldBytes ?? 0);

    public bool IsReadable => Input.IsReadable || LastError != Errno.None || Session?.ArrivingOn(this) > 0;

    public bool HasUnsent => Output.HasWaiting || Session is { IsClogged: true };

    /// <summary>The message that is being sent has been given and nothing of it waits here.</summary>
    public bool HasSentAll => Output.IsComplete && !Output.HasWaiting;

    public int Receive(Span<byte> buffer)
    {
        ReadOnlySpan<byte> arriving = Session is null ? default : Session.Arriving(this);
        int before = arriving.Length;
        int length = Input.Read(buffer, ref arriving, out int content);
        Session?.OnArrivingTaken(this, before - arriving.Length);
        if (content > 0) Session?.OnTaken(this, content);
        if (length > 0) return length;
        if (LastError != Errno.None) return -(int)LastError;
        return Input.HasEnded ? 0 : -(int)Errno.EAGAIN;
    }

    public SendResult Send(ReadOnlySpan<byte> bytes, int headLength, bool isEnd)
    {
        if (IsClosed) return SendResult.Failed;
        if (headLength > 0 && !TrySendHead(bytes[..headLength], isEnd && headLength == bytes.Length)) return SendResult.Failed;
        SendBody(bytes[headLength..], isEnd);
        return HasUnsent ? SendResult.Waiting : SendResult.Sent;
    }

    public SendResult Flush()
    {
        if (IsClosed) return SendResult.Failed;
        return HasUnsent ? SendResult.Waiting : SendResult.Sent;
    }

    public virtual void RunSoon() => Session?.RunSoon(this);

    /// <summary>The connection and its socket have timers of their own.</summary>
    public void BecomeTunnel()
    {
    }

    public void EndSending()
    {
        if (IsClosed || Output.IsComplete) return;
        Output.Complete();
        if (!Output.HasWaiting) Session?.EndStream(this, Output.Trailer);
    }

    /// <summary>A turn that was asked for.</summary>
    public abstract void OnTurn();

    /// <summary>Nothing waits any more: the exchange may go on, or the stream is over.</summary>
    public abstract void OnDrained();

    /// <summary>The peer has ended the stream, or broken a rule that we ended it for.</summary>
    public abstract void OnReset(in Http2Event e);

    /// <summary>The connection is over.</summary>
    public abstract void OnLost(Errno error);

    /// <summary>Something has come for the exchange.</summary>
    protected abstract void OnInput();

    /// <summary>Sends of what waits, at most so much; returns how much the windows let through. Called in the stream's turn.</summary>
    public int SendWaiting(int most)
    {
        ReadOnlySpan<byte> waiting = Output.Waiting;
        ReadOnlySpan<byte> now = waiting[..Math.Min(most, waiting.Length)];
        bool isLast = now.Length == waiting.Length && Output.IsComplete && Output.Trailer.IsEmpty;
        int sent = Session!.Write(this, now, isLast);
        if (sent == 0) return 0;
        Output.OnSent(sent);
        if (!Output.HasWaiting && Output.IsComplete && !isLast) Session?.EndStream(this, Output.Trailer);
        return sent;
    }

    /// <summary>Content has come, or the end of it: <see cref="Http2Session.Arriving"/>.</summary>
    public void OnData(bool isEnd)
    {
        if (isEnd) Input.End(default);
        OnInput();
    }

    /// <summary>The peer's last fields have come, and with them the end.</summary>
    public void OnTrailer(ReadOnlySpan<byte> lines)
    {
        Input.End(lines);
        OnInput();
    }

    /// <summary>Content that was not taken at once.</summary>
    public void Keep(ReadOnlySpan<byte> content) => Input.AddContent(content);

    /// <summary>Translates and sends a head. False: the stream cannot go on.</summary>
    protected abstract bool TrySendHead(ReadOnlySpan<byte> head, bool isEnd);

    /// <summary>Sends body bytes in the framing that the head announced: content in DATA frames, as far as the windows allow.</summary>
    protected void SendBody(ReadOnlySpan<byte> bytes, bool isEnd)
    {
        if (Output.IsComplete || (bytes.IsEmpty && !isEnd)) return;
        ByteRange held = default;
        int at = 0;
        while (Output.TryNext(bytes, ref at, isEnd, out ByteRange content))
        {
            if (held.Length > 0) Put(held.Of(bytes), isLast: false);
            held = content;
        }

        if (isEnd && !Output.IsComplete) Output.Complete();
        bool endsWithData = Output.IsComplete && Output.Trailer.IsEmpty;
        if (held.Length > 0) Put(held.Of(bytes), endsWithData);
        else if (endsWithData && !Output.HasWaiting) Session?.EndStream(this, default);
        if (Output.IsComplete && !endsWithData && !Output.HasWaiting) Session?.EndStream(this, Output.Trailer);
    }

    protected void Clear()
    {
        if (Input.Waiting > 0) Session?.OnTaken(this, Input.Waiting);
        Session?.Forget(this);
        Shard.Loop.Disarm(this);
        Input.Clear();
        Output.Clear();
        Exchange = null;
        Ref = StreamRef.None;
        HasTurn = false;
        LastError = Errno.None;
    }

    private void Put(ReadOnlySpan<byte> content, bool isLast)
    {
        if (!Output.HasWaiting)
        {
            int sent = Session!.WriteWhatFits(this, content, isLast);
            content = content[sent..];
            if (content.IsEmpty) return;
        }

        Output.Keep(content);
        Session!.Wait(this);
    }
}

using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>DATA as it comes in (RFC 9113 section 6.1), and the windows that bound it (section 5.2).</summary>
public sealed partial class Http2Connection
{
    private bool _inData;
    private bool _dataEnds;

    /// <summary>The pad length has not come yet.</summary>
    private bool _padLengthDue;

    /// <summary>Content of the frame that has not come yet.</summary>
    private int _dataLeft;
    private int _paddingLeft;

    /// <summary>None: what comes is dropped.</summary>
    private StreamRef _dataStream;

    /// <summary>
    /// The caller has used content of a <see cref="Http2EventKind.Data"/> event, or dropped it: the peer may send as much again. Updates
    /// are gathered until half a window is due.
    /// </summary>
    /// <returns>False: an update is due and finds no room; call again, with 0, when there is output.</returns>
    public bool Consume(StreamRef stream, int count, ref FrameBuffer output)
    {
        _consumed += count;
        bool returned = ReturnWindow(ref output);
        if (!_streams.IsAlive(stream)) return returned;
        ref Http2Stream state = ref _streams[stream.Slot];
        if (state.PeerHasEnded) return returned;
        state.Consumed += count;
        if (state.Consumed < _settings.StreamWindow / 2 || IsFailed) return returned;
        if (!output.TryWriteWindowUpdate(stream.Id, state.Consumed)) return false;
        state.ReceiveWindow += state.Consumed;
        state.Consumed = 0;
        return returned;
    }

    private bool ReturnWindow(ref FrameBuffer output)
    {
        if (_consumed < _settings.ConnectionWindow / 2 || IsFailed) return true;
        if (!output.TryWriteWindowUpdate(0, _consumed)) return false;
        _receiveWindow += _consumed;
        _consumed = 0;
        return true;
    }

    /// <summary>A DATA frame's header: both windows are charged with its whole payload, padding included (section 6.9.1).</summary>
    private void BeginData(in FrameHeader header, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (header.Has(FrameFlags.Padded) && header.Length == 0)
        {
            Fail(Http2Reason.FrameSizeWrong, ref output, ref e);
            return;
        }

        if (header.Length > _receiveWindow)
        {
            Fail(Http2Reason.ConnectionWindowExceeded, ref output, ref e);
            return;
        }

        _receiveWindow -= header.Length;
        _inData = true;
        _dataLeft = header.Length;
        _paddingLeft = 0;
        _dataEnds = header.Has(FrameFlags.EndStream);
        _padLengthDue = header.Has(FrameFlags.Padded);
        _dataStream = StreamRef.None;
        Http2Reason reason = FindDataStream(header, out bool ignored);
        if (reason == Http2Reason.None && !ignored) return;
        if (reason.Scope() == ErrorScope.Connection) Fail(reason, ref output, ref e);
        else if (reason != Http2Reason.None) EndStream(header.StreamId, reason, ref output, now, ref e);
    }

    /// <param name="ignored">The content is for a stream that we have reset: dropped without a word (section 5.1).</param>
    private Http2Reason FindDataStream(in FrameHeader header, out bool ignored)
    {
        ignored = false;
        int slot = _streams.Find(header.StreamId);
        if (slot < 0)
        {
            if (IsIdle(header.StreamId)) return Http2Reason.StreamIdle;
            ClosedBy by = _closed.Find(header.StreamId);
            ignored = by is ClosedBy.OurReset or ClosedBy.Unknown;
            return by == ClosedBy.End ? Http2Reason.StreamEnded : ignored ? Http2Reason.None : Http2Reason.StreamReset;
        }

        ref Http2Stream stream = ref _streams[slot];
        if (!StreamStates.Allows(stream.State, StreamInput.ReceiveData)) return StreamStates.Fault(stream.State);
        if (!stream.Has(StreamFlags.HeadReceived)) return Http2Reason.ContentBeforeHead;
        if (header.Length > stream.ReceiveWindow) return Http2Reason.StreamWindowExceeded;
        stream.ReceiveWindow -= header.Length;
        _dataStream = new StreamRef(slot, header.StreamId);
        return Http2Reason.None;
    }

    /// <summary>The next piece of the payload. False: more bytes are needed.</summary>
    private bool TryReadData(ReadOnlySpan<byte> input, ref int position, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (_padLengthDue && !TryReadPadLength(input, ref position, ref output, ref e)) return false;
        if (IsFailed) return true;
        int count = Math.Min(_dataLeft, input.Length - position);
        if (count == 0 && _dataLeft > 0) return false;
        var bytes = new ByteRange(position, count);
        position += count;
        _dataLeft -= count;
        if (_dataLeft == 0) FinishData();
        if (!_streams.IsAlive(_dataStream))
        {
            Drop(count);
            if (count == 0) Charge(Flood.EmptyFrames, ref output, now, ref e);
            return true;
        }

        OnContent(bytes, ends: _dataLeft == 0 && _dataEnds, ref output, now, ref e);
        return true;
    }

    private bool TryReadPadLength(ReadOnlySpan<byte> input, ref int position, ref FrameBuffer output, ref Http2Event e)
    {
        if (position == input.Length) return false;
        _padLengthDue = false;
        _paddingLeft = input[position++];
        _dataLeft--;
        if (_paddingLeft > _dataLeft)
        {
            Fail(Http2Reason.PaddingTooLong, ref output, ref e);
            return true;
        }

        // Nobody else will give it back.
        _dataLeft -= _paddingLeft;
        Consume(_dataStream, _paddingLeft + 1, ref output);
        return true;
    }

    private void FinishData()
    {
        _inData = false;
        _skip = _paddingLeft;
        _paddingLeft = 0;
    }

    /// <summary>Content that nobody gets still counts for the connection (section 6.9).</summary>
    private void Drop(int count) => _consumed += count;

    private void OnContent(ByteRange bytes, bool ends, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        ref Http2Stream stream = ref _streams[_dataStream.Slot];
        stream.Received += bytes.Length;
        bool tooLong = stream.ContentLength >= 0 && stream.Received > stream.ContentLength;
        bool tooShort = ends && stream.ContentLength > stream.Received && !stream.Has(StreamFlags.NoContent);
        bool forbidden = bytes.Length > 0 && stream.Has(StreamFlags.NoContent);
        if (forbidden || tooLong || tooShort)
        {
            Drop(bytes.Length);
            Http2Reason reason = forbidden ? Http2Reason.ForbiddenContent : Http2Reason.ContentLengthMismatch;
            EndStream(_dataStream.Id, reason, ref output, now, ref e);
            return;
        }

        if (bytes.IsEmpty && !ends)
        {
            Charge(Flood.EmptyFrames, ref output, now, ref e);
            return;
        }

        e = new Http2Event { Kind = Http2EventKind.Data, Stream = _dataStream, Bytes = bytes, EndStream = ends };
        if (ends) Move(_dataStream.Slot, StreamInput.ReceiveEnd);
    }
}

using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>What came of writing a head.</summary>
public enum HeadWrite : byte
{
    Written,

    /// <summary>Nothing was written: the output has too little room. Try again with more, at most <see cref="Http2Connection.MaxHeadRoom"/>.</summary>
    NoRoom,

    /// <summary>The stream is over, or the connection takes no stream now.</summary>
    NotOpen,

    /// <summary>
    /// It cannot be said in HTTP/2: not a head, a switch to another protocol, an upgrade that the server does not take, or a success
    /// of a WebSocket's server that did not switch. The request failed.
    /// </summary>
    NotPossible,
}

/// <summary>Heads, content and trailers on their way out.</summary>
public sealed partial class Http2Connection
{
    /// <summary>Room that any head of that length and number of fields fits in.</summary>
    public static int MaxHeadRoom(int headLength, int fields) =>
        headLength + (fields + 8) * HpackEncoder.MaxLength(0, 0) + 256 + (headLength / Http2Settings.MaxFrameSize + 2) * FrameHeader.Size;

    /// <summary>
    /// Clients: opens a stream with a request, an HTTP/1.1 head as RequestHeadWriter makes it. An upgrade to WebSocket becomes an
    /// extended CONNECT (RFC 8441), when <see cref="PeerTakesWebSocket"/>; other upgrades are left out.
    /// </summary>
    /// <param name="tls">For :scheme.</param>
    /// <param name="ends">There is no content: END_STREAM.</param>
    public HeadWrite TryOpen(ReadOnlySpan<byte> head, bool tls, bool ends, ref FrameBuffer output, out StreamRef stream)
    {
        stream = StreamRef.None;
        HeadEncoder encoder = workspace.Encoder;
        if (!CanOpen) return HeadWrite.NotOpen;
        if (!encoder.TryReadRequest(head)) return HeadWrite.NotPossible;
        bool webSocket = encoder.IsWebSocket;
        if (webSocket && (!_peerConnectProtocol || ends)) return HeadWrite.NotPossible;
        if (output.Room < BlockRoom(head.Length)) return HeadWrite.NoRoom;
        stream = Open(_nextStream);
        _nextStream += 2;
        Move(stream.Slot, StreamInput.SendHeaders);
        ref Http2Stream state = ref _streams[stream.Slot];
        state.Flags = StreamFlags.HeadSent | (webSocket ? StreamFlags.IsWebSocket : StreamFlags.None)
            | (encoder.Method == RequestMethod.Head ? StreamFlags.IsHead : StreamFlags.None);
        if (webSocket) WebSocketKey.WriteAnswer(encoder.WebSocketKey.Of(head), out state.WebSocketAnswer);
        WriteBlock(stream, head, webSocket ? HeadForm.WebSocketRequest : HeadForm.Request, tls, ends, ref output);
        return HeadWrite.Written;
    }

    /// <summary>
    /// Servers: writes a response's head, an HTTP/1.1 head as ResponseHeadWriter or the proxy's own responses make it; first any number
    /// of 1xx, then the final one. For a WebSocket, 101 opens the tunnel; a 2xx then is a failure of the server.
    /// </summary>
    /// <param name="ends">There is no content: END_STREAM.</param>
    public HeadWrite TryWriteHead(StreamRef stream, ReadOnlySpan<byte> head, bool ends, ref FrameBuffer output)
    {
        if (!_isServer || !CanSend(stream, StreamInput.SendHeaders) || _streams[stream.Slot].Has(StreamFlags.HeadSent)) return HeadWrite.NotOpen;
        HeadEncoder encoder = workspace.Encoder;
        if (!encoder.TryReadResponse(head)) return HeadWrite.NotPossible;
        ref Http2Stream state = ref _streams[stream.Slot];
        int status = encoder.Status;
        bool webSocket = state.Has(StreamFlags.IsWebSocket), accepts = webSocket && status == 101;
        if (status is < 100 or > 599 || (status == 101 && !accepts) || (webSocket && status is >= 200 and < 300)) return HeadWrite.NotPossible;
        bool interim = status < 200 && !accepts;
        if (interim && ends) return HeadWrite.NotPossible;
        if (output.Room < BlockRoom(head.Length)) return HeadWrite.NoRoom;
        if (!interim) state.Flags |= StreamFlags.HeadSent;
        WriteBlock(stream, head, accepts ? HeadForm.WebSocketResponse : HeadForm.Response, tls: false, ends, ref output);
        return HeadWrite.Written;
    }

    /// <summary>
    /// Ends our side of a stream with a trailer: lines with CRLF, without an empty one behind them. Without any line it is an empty DATA
    /// frame.
    /// </summary>
    public HeadWrite TryWriteTrailer(StreamRef stream, ReadOnlySpan<byte> lines, ref FrameBuffer output)
    {
        if (!CanSend(stream, StreamInput.SendData) || !_streams[stream.Slot].Has(StreamFlags.HeadSent)) return HeadWrite.NotOpen;
        if (lines.IsEmpty)
        {
            if (output.Room < FrameHeader.Size) return HeadWrite.NoRoom;
            TryTakeData(stream, 0, ends: true, output.Free, out _);
            output.Advance(FrameHeader.Size);
            return HeadWrite.Written;
        }

        HeadEncoder encoder = workspace.Encoder;
        if (!encoder.TryReadTrailer(lines, out ReadOnlySpan<byte> section)) return HeadWrite.NotPossible;
        if (output.Room < BlockRoom(section.Length)) return HeadWrite.NoRoom;
        WriteBlock(stream, section, HeadForm.Trailer, tls: false, ends: true, ref output);
        return HeadWrite.Written;
    }

    /// <summary>Bytes of content that can be sent on a stream now, in frames of any number.</summary>
    public int Sendable(StreamRef stream) =>
        CanSend(stream, StreamInput.SendData) ? Math.Max(0, Math.Min(_sendWindow, _streams[stream.Slot].SendWindow)) : 0;

    /// <summary>
    /// Writes the header of one DATA frame and takes its content from the windows: the caller sends <paramref name="length"/> bytes behind
    /// it.
    /// </summary>
    /// <param name="wanted">Bytes that there are.</param>
    /// <param name="ends">END_STREAM goes with the last of them; with none, in a frame of its own.</param>
    /// <param name="header">Nine bytes.</param>
    /// <returns>False: nothing can be sent now, and no header was written.</returns>
    public bool TryTakeData(StreamRef stream, int wanted, bool ends, Span<byte> header, out int length)
    {
        length = Math.Min(Math.Min(wanted, Sendable(stream)), _peerMaxFrameSize);
        bool isLast = ends && length == wanted;
        if (!CanSend(stream, StreamInput.SendData) || !_streams[stream.Slot].Has(StreamFlags.HeadSent) || (length == 0 && !isLast))
        {
            length = 0;
            return false;
        }

        _sendWindow -= length;
        _streams[stream.Slot].SendWindow -= length;
        _floods.Credit(Flood.WindowUpdates, 2 + length / 2048);
        _floods.Credit(Flood.Pings, 1);
        new FrameHeader(length, FrameType.Data, isLast ? FrameFlags.EndStream : FrameFlags.None, stream.Id).Write(header);
        if (isLast) Move(stream.Slot, StreamInput.SendEnd);
        return true;
    }

    /// <summary>Writes content as far as windows and output allow. Returns the bytes taken.</summary>
    /// <param name="ends">END_STREAM goes with the last byte, once all are taken.</param>
    public int WriteData(StreamRef stream, ReadOnlySpan<byte> content, bool ends, ref FrameBuffer output)
    {
        int taken = 0;
        while (output.Room > FrameHeader.Size || (content.IsEmpty && output.Room == FrameHeader.Size))
        {
            int left = content.Length - taken, wanted = Math.Min(left, output.Room - FrameHeader.Size);
            if (!TryTakeData(stream, wanted, ends && wanted == left, output.Free, out int length)) break;
            output.Advance(FrameHeader.Size);
            output.TryWrite(content.Slice(taken, length));
            taken += length;
            if (taken == content.Length) break;
        }

        return taken;
    }

    /// <summary>Ends a stream at once (section 6.4): Cancel, NoError after a whole response, or what else fits. False: no room.</summary>
    public bool TryReset(StreamRef stream, ErrorCode code, ref FrameBuffer output)
    {
        if (IsFailed || !_streams.IsAlive(stream)) return true;
        if (!output.TryWriteReset(stream.Id, code)) return false;
        Move(stream.Slot, StreamInput.SendReset);
        return true;
    }

    private bool CanSend(StreamRef stream, StreamInput input) =>
        !IsFailed && _streams.IsAlive(stream) && StreamStates.Allows(_streams[stream.Slot].State, input);

    /// <summary>For the block of the head that the encoder has read, and the headers of its frames.</summary>
    private int BlockRoom(int headLength)
    {
        int block = workspace.Encoder.MaxBlockLength(headLength);
        return block + (block / _peerMaxFrameSize + 1) * FrameHeader.Size;
    }

    /// <summary>HEADERS, and CONTINUATION where the peer's frames are too small for the block (section 4.3); the room is there.</summary>
    private void WriteBlock(StreamRef stream, ReadOnlySpan<byte> head, HeadForm form, bool tls, bool ends, ref FrameBuffer output)
    {
        Span<byte> free = output.Free;
        int length = workspace.Encoder.Write(free[FrameHeader.Size..], _encoder, head, form, tls);
        int frames = Math.Max(1, (length + _peerMaxFrameSize - 1) / _peerMaxFrameSize);

        // From the last to the first, each moves behind the headers of those before it.
        for (int i = frames - 1; i >= 0; i--)
        {
            int start = i * _peerMaxFrameSize, count = Math.Min(_peerMaxFrameSize, length - start);
            int at = start + i * FrameHeader.Size;
            if (i > 0) free.Slice(FrameHeader.Size + start, count).CopyTo(free[(at + FrameHeader.Size)..]);
            FrameFlags flags = (i == frames - 1 ? FrameFlags.EndHeaders : 0) | (i == 0 && ends ? FrameFlags.EndStream : 0);
            new FrameHeader(count, i == 0 ? FrameType.Headers : FrameType.Continuation, flags, stream.Id).Write(free[at..]);
        }

        output.Advance(length + frames * FrameHeader.Size);
        if (ends) Move(stream.Slot, StreamInput.SendEnd);
    }
}

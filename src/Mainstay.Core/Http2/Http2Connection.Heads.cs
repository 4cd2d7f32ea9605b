using System.Buffers.Binary;
using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>HEADERS and CONTINUATION as they come in (RFC 9113 sections 6.2, 6.10 and 8.1).</summary>
public sealed partial class Http2Connection
{
    /// <summary>CVE-2024-27316. A whole block of the largest size in frames of 1 KiB, which nobody uses, and some.</summary>
    private const int MaxContinuations = 100;

    /// <summary>A field block in several frames; rented while it lasts.</summary>
    private byte[] _block = [];
    private int _blockLength;

    /// <summary>0: no block is under way.</summary>
    private int _blockStream;
    private bool _blockEnds;
    private bool _blockDependsOnItself;
    private int _continuations;

    private void OnHeaders(in FrameHeader header, ReadOnlySpan<byte> payload, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if ((header.StreamId & 1) == 0)
        {
            Fail(Http2Reason.StreamIdOfOtherSide, ref output, ref e);
            return;
        }

        Http2Reason reason = TryUnwrap(header, payload, out ReadOnlySpan<byte> fragment);
        if (reason != Http2Reason.None)
        {
            Fail(reason, ref output, ref e);
            return;
        }

        _blockEnds = header.Has(FrameFlags.EndStream);
        if (header.Has(FrameFlags.EndHeaders))
        {
            OnBlock(header.StreamId, fragment, ref output, now, ref e);
            return;
        }

        _blockStream = header.StreamId;
        _continuations = 0;
        _blockLength = 0;
        _block = workspace.Shelves.Bytes.Rent(Math.Max(fragment.Length * 2, 4096));
        Append(fragment);
    }

    /// <summary>Takes padding and the deprecated priority off a HEADERS frame.</summary>
    private Http2Reason TryUnwrap(scoped in FrameHeader header, ReadOnlySpan<byte> payload, out ReadOnlySpan<byte> fragment)
    {
        fragment = default;
        int padding = 0, start = 0;
        if (header.Has(FrameFlags.Padded)) start = 1;
        if (header.Has(FrameFlags.Priority)) start += 5;
        if (payload.Length < start) return Http2Reason.FrameSizeWrong;
        if (header.Has(FrameFlags.Padded)) padding = payload[0];
        if (padding > payload.Length - start) return Http2Reason.PaddingTooLong;
        _blockDependsOnItself = header.Has(FrameFlags.Priority) && DependsOnItself(header.StreamId, payload[(start - 5)..]);
        fragment = payload[start..^padding];
        return Http2Reason.None;
    }

    private static bool DependsOnItself(int id, ReadOnlySpan<byte> priority) =>
        (BinaryPrimitives.ReadInt32BigEndian(priority) & int.MaxValue) == id;

    private void OnContinuation(in FrameHeader header, ReadOnlySpan<byte> payload, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        Http2Reason reason = ++_continuations > MaxContinuations ? Http2Reason.TooManyContinuations
            : _blockLength + payload.Length > _settings.MaxBlock ? Http2Reason.FieldBlockTooLarge : Http2Reason.None;
        if (reason != Http2Reason.None)
        {
            Fail(reason, ref output, ref e);
            return;
        }

        Append(payload);
        if (!header.Has(FrameFlags.EndHeaders)) return;
        _blockStream = 0;
        OnBlock(header.StreamId, _block.AsSpan(0, _blockLength), ref output, now, ref e);
        DropBlock();
    }

    private void Append(ReadOnlySpan<byte> fragment)
    {
        if (_block.Length - _blockLength < fragment.Length) workspace.Shelves.Bytes.Grow(ref _block, _blockLength, (_blockLength + fragment.Length) * 2);
        fragment.CopyTo(_block.AsSpan(_blockLength));
        _blockLength += fragment.Length;
    }

    private void DropBlock()
    {
        workspace.Shelves.Bytes.Return(_block);
        _block = [];
        _blockStream = 0;
    }

    /// <summary>A whole field block: a head, a trailer, or one too many.</summary>
    private void OnBlock(int id, ReadOnlySpan<byte> block, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        int slot = _streams.Find(id);
        if (slot >= 0)
        {
            OnBlockOfStream(slot, block, ref output, now, ref e);
            return;
        }

        if (_isServer && id > _lastPeerStream)
        {
            _lastPeerStream = id;
            OnRequest(id, block, ref output, now, ref e);
            return;
        }

        ClosedBy by = _closed.Find(id);
        if (IsIdle(id)) Fail(Http2Reason.StreamIdle, ref output, ref e);
        else if (by == ClosedBy.End) Fail(Http2Reason.StreamEnded, ref output, ref e);
        else if (by == ClosedBy.Unknown && _isServer) Fail(Http2Reason.StreamIdNotIncreasing, ref output, ref e);
        else if (!Discard(block, ref output, ref e)) return;
        else if (by == ClosedBy.PeerReset) EndStream(id, Http2Reason.StreamReset, ref output, now, ref e);
        else Charge(Flood.UselessFrames, ref output, now, ref e);
    }

    private void OnBlockOfStream(int slot, ReadOnlySpan<byte> block, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        ref Http2Stream stream = ref _streams[slot];
        bool isTrailer = stream.Has(StreamFlags.HeadReceived);
        Http2Reason fault = !StreamStates.Allows(stream.State, StreamInput.ReceiveHeaders) ? StreamStates.Fault(stream.State)
            : isTrailer && !_blockEnds ? Http2Reason.TrailerNotLast
            : _blockDependsOnItself ? Http2Reason.SelfDependency : Http2Reason.None;
        if (fault == Http2Reason.None)
        {
            if (isTrailer) OnTrailer(slot, block, ref output, now, ref e);
            else OnResponse(slot, block, ref output, now, ref e);
        }
        else if (Discard(block, ref output, ref e))
        {
            EndStream(stream.Id, fault, ref output, now, ref e);
        }
    }

    private void OnRequest(int id, ReadOnlySpan<byte> block, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (!workspace.Assembler.TryReadRequest(_decoder, block, _settings, _blockEnds, _random.Next(), out ReceivedHead head, out Http2Reason broken))
        {
            Fail(broken, ref output, ref e);
            return;
        }

        Http2Reason reason = id > _lastAccepted ? Http2Reason.Draining
            : _streams.Count >= _settings.MaxStreams ? Http2Reason.TooManyStreams
            : _blockDependsOnItself ? Http2Reason.SelfDependency : head.Reason;
        if (reason.Scope() == ErrorScope.Stream)
        {
            EndStream(id, reason, ref output, now, ref e);
            return;
        }

        StreamRef opened = Open(id);
        ref Http2Stream stream = ref _streams[opened.Slot];
        Move(opened.Slot, StreamInput.ReceiveHeaders);
        stream.Flags = StreamFlags.HeadReceived | (head.IsWebSocket ? StreamFlags.IsWebSocket : StreamFlags.None);
        stream.ContentLength = head.IsWebSocket || reason != Http2Reason.None ? -1 : head.ContentLength;
        e = new Http2Event
        {
            Kind = Http2EventKind.Head,
            Stream = opened,
            Bytes = head.Text,
            EndStream = _blockEnds,
            IsWebSocket = head.IsWebSocket,
        };
        if (_blockEnds) Move(opened.Slot, StreamInput.ReceiveEnd);
        if (reason != Http2Reason.None) RefuseHead(reason, ref output, now, ref e);
    }

    /// <summary>Too large, too many fields, or a protocol that is not spoken: to be answered with a status.</summary>
    private void RefuseHead(Http2Reason reason, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        workspace.Count(reason);
        e.Kind = Http2EventKind.HeadRefused;
        e.Bytes = default;
        e.Reason = reason;
        e.Status = reason == Http2Reason.ProtocolUnknown ? 501 : 431;
        Charge(Flood.OversizedHeads, ref output, now, ref e);
    }

    private void OnResponse(int slot, ReadOnlySpan<byte> block, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        ref Http2Stream stream = ref _streams[slot];
        bool isHead = stream.Has(StreamFlags.IsHead), isWebSocket = stream.Has(StreamFlags.IsWebSocket);
        if (!workspace.Assembler.TryReadResponse(
            _decoder, block, _settings, _blockEnds, isHead, stream.WebSocketAnswer, isWebSocket, out ReceivedHead head, out Http2Reason broken))
        {
            Fail(broken, ref output, ref e);
            return;
        }

        if (head.Reason != Http2Reason.None)
        {
            EndStream(stream.Id, head.Reason, ref output, now, ref e);
            return;
        }

        bool accepted = isWebSocket && head.Status == 101;
        e = new Http2Event
        {
            Kind = head.IsInterim && !accepted ? Http2EventKind.Interim : Http2EventKind.Head,
            Stream = new StreamRef(slot, stream.Id),
            Bytes = head.Text,
            EndStream = _blockEnds,
            IsWebSocket = accepted,
            Status = head.Status,
        };
        if (e.Kind == Http2EventKind.Interim) return;
        bool noContent = isHead || head.Status is 204 or 304;
        stream.Flags |= StreamFlags.HeadReceived | (noContent ? StreamFlags.NoContent : StreamFlags.None);
        stream.ContentLength = accepted || noContent ? -1 : head.ContentLength;
        if (_blockEnds) Move(slot, StreamInput.ReceiveEnd);
    }

    private void OnTrailer(int slot, ReadOnlySpan<byte> block, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        ref Http2Stream stream = ref _streams[slot];
        if (!workspace.Assembler.TryReadTrailer(_decoder, block, _settings, out ReceivedHead trailer, out Http2Reason broken))
        {
            Fail(broken, ref output, ref e);
            return;
        }

        Http2Reason reason = trailer.Reason != Http2Reason.None ? trailer.Reason
            : stream.ContentLength > stream.Received ? Http2Reason.ContentLengthMismatch : Http2Reason.None;
        if (reason != Http2Reason.None)
        {
            EndStream(stream.Id, reason, ref output, now, ref e);
            return;
        }

        e = new Http2Event { Kind = Http2EventKind.Trailer, Stream = new StreamRef(slot, stream.Id), Bytes = trailer.Text, EndStream = true };
        Move(slot, StreamInput.ReceiveEnd);
    }

    private StreamRef Open(int id)
    {
        int slot = _streams.Add(id);
        ref Http2Stream stream = ref _streams[slot];
        stream.SendWindow = _peerInitialWindow;
        stream.ReceiveWindow = _settings.StreamWindow;
        stream.ContentLength = -1;
        return new StreamRef(slot, id);
    }

    /// <summary>A block that is not wanted still goes through the table (section 4.3). False: the connection is over.</summary>
    private bool Discard(ReadOnlySpan<byte> block, ref FrameBuffer output, ref Http2Event e)
    {
        if (workspace.Assembler.TryDiscard(_decoder, block, _settings, out Http2Reason broken)) return true;
        Fail(broken, ref output, ref e);
        return false;
    }
}

namespace Mainstay.Core.Http2;

/// <summary>From bytes to frames: preface, headers, and where each frame goes.</summary>
public sealed partial class Http2Connection
{
    /// <summary>Payload of the frame under way that is passed over.</summary>
    private int _skip;

    /// <summary>Finds the next event in <paramref name="input"/>, from <paramref name="position"/> on; see the remarks on this class.</summary>
    /// <returns>False: no further event in these bytes, or no room for what they would have us say.</returns>
    public bool TryRead(ReadOnlySpan<byte> input, ref int position, ref FrameBuffer output, Instant now, out Http2Event e)
    {
        e = default;
        WaitsForOutput = false;
        while (!IsFailed)
        {
            if (output.Room < MinOutput)
            {
                WaitsForOutput = true;
                return false;
            }

            ReturnWindow(ref output);
            if (!TryStep(input, ref position, ref output, now, ref e)) return false;
            if (e.Kind != Http2EventKind.None) return true;
        }

        return false;
    }

    private void BeginReading()
    {
        _skip = 0;
        _dataLeft = _paddingLeft = 0;
        _inData = false;
        _block = [];
        _blockStream = 0;
    }

    /// <summary>One frame, or a piece of one. False: more bytes are needed.</summary>
    private bool TryStep(ReadOnlySpan<byte> input, ref int position, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (_prefaceRead < Preface.Length) return TryReadPreface(input, ref position, ref output, ref e);
        if (_inData) return TryReadData(input, ref position, ref output, now, ref e);
        if (_skip > 0) return TrySkip(input, ref position);
        if (!FrameHeader.TryRead(input[position..], out FrameHeader header)) return false;
        Http2Reason reason = CheckFrame(header);
        if (reason.Scope() == ErrorScope.Connection)
        {
            Fail(reason, ref output, ref e);
            return true;
        }

        bool known = FrameRules.TryFind(header.Type, out _);
        if (reason != Http2Reason.None || !known || header.Type == FrameType.Data)
        {
            position += FrameHeader.Size;
            if (header.Type == FrameType.Data)
            {
                BeginData(header, ref output, now, ref e);
                return true;
            }

            _skip = header.Length;
            if (known) EndStream(header.StreamId, reason, ref output, now, ref e);
            else Charge(Flood.UselessFrames, ref output, now, ref e);
            return true;
        }

        if (input.Length - position - FrameHeader.Size < header.Length) return false;
        ReadOnlySpan<byte> payload = input.Slice(position + FrameHeader.Size, header.Length);
        position += FrameHeader.Size + header.Length;
        OnFrame(header, payload, ref output, now, ref e);
        return true;
    }

    /// <summary>Section 3.4.</summary>
    private bool TryReadPreface(ReadOnlySpan<byte> input, ref int position, ref FrameBuffer output, ref Http2Event e)
    {
        int count = Math.Min(Preface.Length - _prefaceRead, input.Length - position);
        if (count == 0) return false;
        if (!input.Slice(position, count).SequenceEqual(Preface.Slice(_prefaceRead, count)))
        {
            Fail(Http2Reason.InvalidPreface, ref output, ref e);
            return true;
        }

        _prefaceRead += count;
        position += count;
        return true;
    }

    private bool TrySkip(ReadOnlySpan<byte> input, ref int position)
    {
        int count = Math.Min(_skip, input.Length - position);
        position += count;
        _skip -= count;
        return count > 0;
    }

    /// <summary>What can be said of a frame before its payload is here.</summary>
    private Http2Reason CheckFrame(in FrameHeader header)
    {
        Http2Reason reason = FrameRules.Check(header, Http2Settings.MaxFrameSize);
        if (reason.Scope() == ErrorScope.Connection) return reason;
        if (!_peerSettingsSeen && (header.Type != FrameType.Settings || header.Has(FrameFlags.Ack))) return Http2Reason.SettingsExpected;

        // Nothing may come between the frames of a field block (sections 4.3 and 6.10), not even what is unknown (section 5.5).
        bool inBlock = _blockStream != 0;
        if (inBlock && (header.Type != FrameType.Continuation || header.StreamId != _blockStream)) return Http2Reason.ContinuationExpected;
        return !inBlock && header.Type == FrameType.Continuation ? Http2Reason.ContinuationUnexpected : reason;
    }

    private void OnFrame(in FrameHeader header, ReadOnlySpan<byte> payload, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        switch (header.Type)
        {
            case FrameType.Headers: OnHeaders(header, payload, ref output, now, ref e); break;
            case FrameType.Continuation: OnContinuation(header, payload, ref output, now, ref e); break;
            case FrameType.Priority: OnPriority(header, payload, ref output, now, ref e); break;
            case FrameType.PriorityUpdate: OnPriorityUpdate(payload, ref output, now, ref e); break;
            case FrameType.RstStream: OnReset(header, payload, ref output, now, ref e); break;
            case FrameType.Settings: OnSettings(header, payload, ref output, now, ref e); break;
            case FrameType.Ping: OnPing(header, payload, ref output, now, ref e); break;
            case FrameType.GoAway: OnGoAway(payload, ref e); break;
            case FrameType.WindowUpdate: OnWindowUpdate(header, payload, ref output, now, ref e); break;

            // Clients refuse push by SETTINGS_ENABLE_PUSH, servers are never sent any (section 8.4).
            default: Fail(Http2Reason.PushRefused, ref output, ref e); break;
        }
    }

    private void Fail(Http2Reason reason, ref FrameBuffer output, ref Http2Event e)
    {
        Fail(reason, ref output);
        e = new Http2Event { Kind = Http2EventKind.Failed, Reason = reason, Code = reason.Code() };
    }

    /// <summary>
    /// A stream error (section 5.4.2): RST_STREAM, and an event for a stream that the caller knows, or for the log. On a stream that
    /// was never opened, nothing can be reset: it ends the connection.
    /// </summary>
    private void EndStream(int id, Http2Reason reason, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (IsIdle(id))
        {
            Fail(reason, ref output, ref e);
            return;
        }

        workspace.Count(reason);
        int slot = _streams.Find(id);
        e = new Http2Event
        {
            Kind = slot >= 0 ? Http2EventKind.Reset : Http2EventKind.Rejected,
            Stream = new StreamRef(slot, id),
            Reason = reason,
            Code = reason.Code(),
        };
        output.TryWriteReset(id, reason.Code());
        if (slot >= 0) Move(slot, StreamInput.SendReset);
        else _closed.Add(id, ClosedBy.OurReset);

        // A client that has not read our limit yet may be over it once; one that is told to leave did nothing wrong.
        if (reason == Http2Reason.TooManyStreams) Charge(Flood.Resets, ref output, now, ref e);
        else if (reason != Http2Reason.Draining) Charge(Flood.ProvokedResets, ref output, now, ref e);
    }

    private bool Charge(Flood flood, ref FrameBuffer output, Instant now, ref Http2Event e, int cost = 1)
    {
        Http2Reason reason = _floods.Charge(flood, now, cost);
        if (reason == Http2Reason.None) return true;
        Fail(reason, ref output, ref e);
        return false;
    }
}

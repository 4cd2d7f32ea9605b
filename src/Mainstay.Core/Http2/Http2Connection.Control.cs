using System.Buffers.Binary;

namespace Mainstay.Core.Http2;

/// <summary>The frames that carry no message: settings, windows, resets, pings, the end of the connection, priorities.</summary>
public sealed partial class Http2Connection
{
    /// <summary>What a drain's own ping carries.</summary>
    private const ulong DrainPing = 0x6D61_696E_7374_6179;

    /// <summary>Settings in one frame that count as one frame more against floods.</summary>
    private const int SettingsPerCharge = 16;

    /// <summary>Section 6.5.</summary>
    private void OnSettings(in FrameHeader header, ReadOnlySpan<byte> payload, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (header.Has(FrameFlags.Ack))
        {
            OnSettingsAcknowledged(payload.Length, ref output, now, ref e);
            return;
        }

        if (!Charge(Flood.Settings, ref output, now, ref e, 1 + payload.Length / 6 / SettingsPerCharge)) return;
        _peerSettingsSeen = true;
        for (int at = 0; at < payload.Length; at += 6)
        {
            var id = (SettingId)BinaryPrimitives.ReadUInt16BigEndian(payload[at..]);
            Http2Reason reason = Apply(id, BinaryPrimitives.ReadUInt32BigEndian(payload[(at + 2)..]));
            if (reason == Http2Reason.None) continue;
            Fail(reason, ref output, ref e);
            return;
        }

        output.TryWriteFrame(FrameType.Settings, FrameFlags.Ack, 0, default);
        e.Kind = Http2EventKind.PeerSettings;
    }

    private void OnSettingsAcknowledged(int length, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (length > 0) Fail(Http2Reason.SettingsAckNotEmpty, ref output, ref e);
        else if (_settingsAcknowledged) Charge(Flood.Settings, ref output, now, ref e);
        else e.Kind = Http2EventKind.SettingsAcknowledged;
        _settingsAcknowledged = true;
    }

    /// <summary>Section 6.5.2. What is unknown is ignored; a limit on the heads that we send is advice only.</summary>
    private Http2Reason Apply(SettingId id, uint value)
    {
        switch (id)
        {
            case SettingId.HeaderTableSize: _encoder.OnPeerLimit(value); break;
            case SettingId.EnablePush:
                // Servers may say 0 only.
                if (value > (_isServer ? 1u : 0)) return Http2Reason.InvalidEnablePush;
                break;
            case SettingId.MaxConcurrentStreams: _peerMaxStreams = value; break;
            case SettingId.InitialWindowSize: return value > int.MaxValue ? Http2Reason.InvalidInitialWindow : MoveWindows((int)value);
            case SettingId.MaxFrameSize:
                if (value is < Http2Settings.MaxFrameSize or > 0xFF_FFFF) return Http2Reason.InvalidMaxFrameSize;
                _peerMaxFrameSize = (int)Math.Min(value, LargestFrameSent);
                break;
            case SettingId.EnableConnectProtocol:
                // RFC 8441 section 3: 0 or 1, and never taken back.
                if (value > 1 || (value == 0 && _peerConnectProtocol)) return Http2Reason.InvalidConnectProtocol;
                _peerConnectProtocol = value == 1;
                break;
            case SettingId.NoRfc7540Priorities: return value > 1 ? Http2Reason.InvalidNoPriorities : Http2Reason.None;
            default: break;
        }

        return Http2Reason.None;
    }

    /// <summary>Section 6.9.2: the windows of all streams move with the initial one, below zero if need be.</summary>
    private Http2Reason MoveWindows(int initial)
    {
        long change = (long)initial - _peerInitialWindow;
        _peerInitialWindow = initial;
        for (int slot = 0; slot < _streams.Slots; slot++)
        {
            ref Http2Stream stream = ref _streams[slot];
            if (stream.Id == 0) continue;
            long window = stream.SendWindow + change;
            if (window > int.MaxValue) return Http2Reason.SettingsWindowOverflow;
            stream.SendWindow = (int)Math.Max(window, int.MinValue);
        }

        return Http2Reason.None;
    }

    /// <summary>Section 6.9.</summary>
    private void OnWindowUpdate(in FrameHeader header, ReadOnlySpan<byte> payload, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (!Charge(Flood.WindowUpdates, ref output, now, ref e)) return;
        int increment = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
        if (header.StreamId != 0)
        {
            OnStreamWindow(header.StreamId, increment, ref output, now, ref e);
            return;
        }

        if (increment == 0) Fail(Http2Reason.WindowIncrementZero, ref output, ref e);
        else if (_sendWindow > int.MaxValue - increment) Fail(Http2Reason.ConnectionWindowOverflow, ref output, ref e);
        else Widen(ref _sendWindow, increment, StreamRef.None, ref e);
    }

    private void OnStreamWindow(int id, int increment, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (IsIdle(id))
        {
            Fail(Http2Reason.StreamIdle, ref output, ref e);
            return;
        }

        // On a stream that is closed it may be late (section 5.1).
        int slot = _streams.Find(id);
        if (slot < 0) return;
        ref Http2Stream stream = ref _streams[slot];
        if (increment == 0) EndStream(id, Http2Reason.StreamIncrementZero, ref output, now, ref e);
        else if ((long)stream.SendWindow + increment > int.MaxValue) EndStream(id, Http2Reason.StreamWindowOverflow, ref output, now, ref e);
        else Widen(ref stream.SendWindow, increment, new StreamRef(slot, id), ref e);
    }

    /// <summary>Whoever waits has used up the window: only then is there something to tell.</summary>
    private static void Widen(ref int window, int increment, StreamRef stream, ref Http2Event e)
    {
        bool opens = window <= 0 && window + increment > 0;
        window += increment;
        if (opens) e = new Http2Event { Kind = Http2EventKind.Window, Stream = stream };
    }

    /// <summary>Section 6.4.</summary>
    private void OnReset(in FrameHeader header, ReadOnlySpan<byte> payload, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (IsIdle(header.StreamId))
        {
            Fail(Http2Reason.StreamIdle, ref output, ref e);
            return;
        }

        // CVE-2023-44487: opening a stream and taking it back costs a client nothing. A server can only take back what was asked of it.
        if (_isServer && !Charge(Flood.Resets, ref output, now, ref e)) return;
        int slot = _streams.Find(header.StreamId);
        if (slot < 0) return;
        e = new Http2Event
        {
            Kind = Http2EventKind.Reset,
            Stream = new StreamRef(slot, header.StreamId),
            Code = (ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload),
            ByPeer = true,
        };
        Move(slot, StreamInput.ReceiveReset);
    }

    /// <summary>Section 6.7.</summary>
    private void OnPing(in FrameHeader header, ReadOnlySpan<byte> payload, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        ulong opaque = BinaryPrimitives.ReadUInt64BigEndian(payload);
        if (!header.Has(FrameFlags.Ack))
        {
            if (Charge(Flood.Pings, ref output, now, ref e)) output.TryWritePing(opaque, ack: true);
            return;
        }

        if (_drainPingSent && opaque == DrainPing)
        {
            // All streams that the client had opened before it heard of the drain have come.
            _drainPingSent = false;
            if (FinishDrain(ref output)) e.Kind = Http2EventKind.Drained;
        }
        else if (_pingsSent > 0)
        {
            _pingsSent--;
            e = new Http2Event { Kind = Http2EventKind.Pong, Opaque = opaque };
        }
        else
        {
            Charge(Flood.Pings, ref output, now, ref e);
        }
    }

    /// <summary>Section 6.8. The last stream may come down in a later frame, and never goes up.</summary>
    private void OnGoAway(ReadOnlySpan<byte> payload, ref Http2Event e)
    {
        int last = BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue;
        PeerIsDraining = true;
        e = new Http2Event
        {
            Kind = Http2EventKind.GoAway,
            LastStreamId = last,
            Code = (ErrorCode)BinaryPrimitives.ReadUInt32BigEndian(payload[4..]),
            ByPeer = true,
        };
        if (_isServer) return;
        for (int slot = 0; slot < _streams.Slots; slot++)
            if (_streams[slot].Id > last) Close(slot, ClosedBy.PeerReset);
    }

    /// <summary>
    /// Section 5.3: parsed and ignored. That a stream depends on itself was an error before RFC 9113 did away with dependencies; no sound
    /// peer does it.
    /// </summary>
    private void OnPriority(in FrameHeader header, ReadOnlySpan<byte> payload, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        if (!Charge(Flood.Priorities, ref output, now, ref e)) return;
        if (DependsOnItself(header.StreamId, payload)) EndStream(header.StreamId, Http2Reason.SelfDependency, ref output, now, ref e);
    }

    /// <summary>RFC 9218 section 7.1: from clients only, for a stream, and ignored.</summary>
    private void OnPriorityUpdate(ReadOnlySpan<byte> payload, ref FrameBuffer output, Instant now, ref Http2Event e)
    {
        bool ofStream = (BinaryPrimitives.ReadInt32BigEndian(payload) & int.MaxValue) != 0;
        if (_isServer && ofStream) Charge(Flood.Priorities, ref output, now, ref e);
        else Fail(Http2Reason.PriorityUpdateInvalid, ref output, ref e);
    }
}

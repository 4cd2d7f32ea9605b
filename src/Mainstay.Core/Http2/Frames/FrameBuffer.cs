using System.Buffers.Binary;

namespace Mainstay.Core.Http2;

/// <summary>
/// Frames on their way out: fills the caller's span front to back. A frame that does not fit is not begun: every method says false
/// then and has written nothing.
/// </summary>
public ref struct FrameBuffer(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;

    /// <summary>Bytes written so far.</summary>
    public int Length { get; private set; }

    public readonly int Room => _destination.Length - Length;

    public readonly ReadOnlySpan<byte> Written => _destination[..Length];

    /// <summary>What is still free: fill it from the front and <see cref="Advance"/>.</summary>
    public readonly Span<byte> Free => _destination[Length..];

    public void Advance(int count) => Length += count;

    public bool TryWrite(scoped ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > Room) return false;
        bytes.CopyTo(Free);
        Length += bytes.Length;
        return true;
    }

    /// <summary>A whole frame.</summary>
    public bool TryWriteFrame(FrameType type, FrameFlags flags, int streamId, scoped ReadOnlySpan<byte> payload)
    {
        if (FrameHeader.Size + payload.Length > Room) return false;
        new FrameHeader(payload.Length, type, flags, streamId).Write(Free);
        Length += FrameHeader.Size;
        return TryWrite(payload);
    }

    public bool TryWriteReset(int streamId, ErrorCode code) => TryWriteNumber(FrameType.RstStream, streamId, (uint)code);

    public bool TryWriteWindowUpdate(int streamId, int increment) => TryWriteNumber(FrameType.WindowUpdate, streamId, (uint)increment);

    public bool TryWritePing(ulong opaque, bool ack)
    {
        Span<byte> payload = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(payload, opaque);
        return TryWriteFrame(FrameType.Ping, ack ? FrameFlags.Ack : FrameFlags.None, 0, payload);
    }

    /// <param name="debug">Text for whoever reads a capture on the other side (RFC 9113 section 6.8).</param>
    public bool TryWriteGoAway(int lastStreamId, ErrorCode code, scoped ReadOnlySpan<byte> debug)
    {
        if (FrameHeader.Size + 8 + debug.Length > Room) return false;
        new FrameHeader(8 + debug.Length, FrameType.GoAway, FrameFlags.None, 0).Write(Free);
        Length += FrameHeader.Size;
        BinaryPrimitives.WriteInt32BigEndian(Free, lastStreamId);
        BinaryPrimitives.WriteUInt32BigEndian(Free[4..], (uint)code);
        Length += 8;
        return TryWrite(debug);
    }

    private bool TryWriteNumber(FrameType type, int streamId, uint number)
    {
        Span<byte> payload = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(payload, number);
        return TryWriteFrame(type, FrameFlags.None, streamId, payload);
    }
}

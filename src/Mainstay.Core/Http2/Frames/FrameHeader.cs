using System.Buffers.Binary;

namespace Mainstay.Core.Http2;

/// <summary>Frame types that this implementation knows; others are passed over (RFC 9113 section 5.5).</summary>
public enum FrameType : byte
{
    Data = 0x0,
    Headers = 0x1,
    Priority = 0x2,
    RstStream = 0x3,
    Settings = 0x4,
    PushPromise = 0x5,
    Ping = 0x6,
    GoAway = 0x7,
    WindowUpdate = 0x8,
    Continuation = 0x9,

    /// <summary>RFC 9218 section 7.1.</summary>
    PriorityUpdate = 0x10,
}

/// <summary>What a bit means depends on the frame's type; <see cref="FrameRules"/> says which ones a type has.</summary>
[Flags]
public enum FrameFlags : byte
{
    None = 0,

    /// <summary>DATA and HEADERS: the last frame of this side of the stream.</summary>
    EndStream = 0x1,

    /// <summary>SETTINGS and PING.</summary>
    Ack = 0x1,
    EndHeaders = 0x4,
    Padded = 0x8,
    Priority = 0x20,
}

/// <summary>
/// The nine bytes in front of every frame (RFC 9113 section 4.1): length 24 bits, type 8, flags 8, one reserved bit that is ignored,
/// stream identifier 31.
/// </summary>
public readonly record struct FrameHeader(int Length, FrameType Type, FrameFlags Flags, int StreamId)
{
    /// <summary>In bytes.</summary>
    public const int Size = 9;

    public bool Has(FrameFlags flag) => (Flags & flag) != 0;

    /// <summary>Reads the header at the start of <paramref name="bytes"/>; false when fewer than nine are there.</summary>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out FrameHeader header)
    {
        if (bytes.Length < Size)
        {
            header = default;
            return false;
        }

        uint lengthAndType = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        int streamId = BinaryPrimitives.ReadInt32BigEndian(bytes[5..]) & int.MaxValue;
        header = new FrameHeader((int)(lengthAndType >> 8), (FrameType)(byte)lengthAndType, (FrameFlags)bytes[4], streamId);
        return true;
    }

    /// <summary>Writes the header to the first nine bytes of <paramref name="destination"/>.</summary>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteInt32BigEndian(destination[5..], StreamId);
        destination[4] = (byte)Flags;
        BinaryPrimitives.WriteUInt32BigEndian(destination, ((uint)Length << 8) | (byte)Type);
    }
}

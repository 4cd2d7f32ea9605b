using Mainstay.Core.Config;
using Mainstay.Core.Http;

namespace Mainstay.Engine.Http;

/// <summary>How far one body has come: counts a length down or follows the chunks. <c>default</c> is "no body".</summary>
internal struct BodyProgress
{
    private readonly BodyKind _kind;
    private long _remaining;
    private ChunkedReader _chunks;

    public BodyProgress(BodyFraming framing) => (_kind, _remaining) = (framing.Kind, framing.Length);

    public readonly BodyKind Kind => _kind;

    /// <summary>The whole body has been seen. Never true for a body that ends with its connection.</summary>
    public readonly bool IsEnd => _kind switch
    {
        BodyKind.None => true,
        BodyKind.Length => _remaining == 0,
        BodyKind.Chunked => _chunks.IsEnd,
        _ => false,
    };

    /// <summary>
    /// Takes bytes that go on as they are; <paramref name="length"/> of them belong to the body. False: refused, none may go on.
    /// </summary>
    public bool TryPass(ReadOnlySpan<byte> bytes, in HttpLimits limits, out int length, out RejectReason reason)
    {
        reason = RejectReason.None;
        length = bytes.Length;
        switch (_kind)
        {
            case BodyKind.None:
                length = 0;
                return true;
            case BodyKind.Length:
                length = (int)Math.Min(length, _remaining);
                _remaining -= length;
                return true;
            case BodyKind.Chunked:
                if (!_chunks.TryPass(bytes, limits, out length, out reason)) return false;
                if (limits.Body > 0 && _chunks.ContentLength > limits.Body) reason = RejectReason.BodyTooLarge;
                return reason == RejectReason.None;
            default:
                return true;
        }
    }

    /// <summary>
    /// Takes the chunk framing away in place: the content moves to the front of <paramref name="bytes"/>, <paramref name="length"/> bytes
    /// of it; <paramref name="used"/> of the bytes belonged to the body.
    /// </summary>
    public bool TryDecode(Span<byte> bytes, in HttpLimits limits, out int length, out int used, out RejectReason reason)
    {
        length = used = 0;
        while (_chunks.TryRead(bytes, limits, ref used, out ByteRange content, out reason))
        {
            content.Of(bytes).CopyTo(bytes[length..]);
            length += content.Length;
        }

        return reason == RejectReason.None;
    }
}

using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>
/// Follows a chunked body (RFC 9112 section 7.1) as it streams by, from any cut to any cut, and refuses what receivers could read
/// differently. Two uses: <see cref="TryPass"/> for a body that goes on as it came, <see cref="TryRead"/> for its decoded
/// content. One for each body; <c>default</c> is the start.
/// </summary>
/// <remarks>
/// chunk = size [";" extension] CRLF, size bytes, CRLF; at the end size 0, trailer fields and an empty line. Every line has to
/// end with CRLF exactly. Extensions of one body, and its trailer, may take <see cref="HttpLimits.Head"/> bytes each.
/// </remarks>
public struct ChunkedReader
{
    /// <summary>Hexadecimal digits, leading zeros included: what 64 bits need.</summary>
    private const int MaxSizeDigits = 16;

    private State _state;
    private byte _digits;
    private int _extensionBytes;
    private long _remaining;
    private TrailerReader _trailer;

    private enum State : byte
    {
        SizeStart,
        Size,
        SizeBlank,
        Extension,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        Trailer,
        End,
    }

    /// <summary>The whole body, with its trailer and its last CRLF, has been seen.</summary>
    public readonly bool IsEnd => _state == State.End;

    /// <summary>Bytes of the trailer seen so far; at the end of the body with the empty line, so that 2 is no trailer.</summary>
    public readonly int TrailerLength => _trailer.Length;

    /// <summary>Content bytes seen so far, without chunk lines and trailer: what a limit on the body compares.</summary>
    public long ContentLength { get; private set; }

    /// <summary>
    /// Validates bytes that go on as they are. <paramref name="length"/> of them belong to the body; fewer than all only once
    /// <see cref="IsEnd"/> is true (the rest belongs to the next message).
    /// </summary>
    /// <returns>False: refused for <paramref name="reason"/>; nothing of these bytes may go on.</returns>
    public bool TryPass(ReadOnlySpan<byte> bytes, in HttpLimits limits, out int length, out RejectReason reason)
    {
        length = 0;
        while (TryRead(bytes, limits, ref length, out _, out reason))
        {
        }

        return reason == RejectReason.None;
    }

    /// <summary>
    /// Takes the next run of content out of <paramref name="bytes"/>, from <paramref name="at"/> on, and moves it on.
    /// </summary>
    /// <returns>
    /// True: <paramref name="data"/> is content; ask again. False: the bytes are used up or the body has ended (see
    /// <see cref="IsEnd"/>; <paramref name="at"/> is then behind it), unless refused for <paramref name="reason"/>.
    /// </returns>
    public bool TryRead(ReadOnlySpan<byte> bytes, in HttpLimits limits, ref int at, out ByteRange data, out RejectReason reason)
    {
        data = default;
        reason = RejectReason.None;
        while (at < bytes.Length && _state != State.End)
        {
            if (_state == State.Data)
            {
                int take = (int)Math.Min(_remaining, bytes.Length - at);
                data = new ByteRange(at, take);
                at += take;
                _remaining -= take;
                ContentLength += take;
                if (_remaining == 0) _state = State.DataCr;
                return true;
            }

            reason = OnByte(bytes[at], limits);
            if (reason != RejectReason.None) return false;
            at++;
        }

        return false;
    }

    private RejectReason OnByte(byte value, in HttpLimits limits)
    {
        switch (_state)
        {
            case State.SizeStart or State.Size: return OnSize(value);
            case State.SizeBlank: return OnSizeBlank(value, limits.Head);
            case State.Extension: return OnExtension(value, limits.Head);
            case State.SizeLf: return OnSizeEnd(value);
            case State.DataCr:
                _state = State.DataLf;
                return value == '\r' ? RejectReason.None : RejectReason.InvalidChunkEnd;
            case State.DataLf:
                _state = State.SizeStart;
                _digits = 0;
                return value == '\n' ? RejectReason.None : RejectReason.InvalidChunkEnd;
            default: return OnTrailer(value, limits);
        }
    }

    private RejectReason OnSize(byte value)
    {
        int digit = HttpBytes.HexValue(value);
        if (digit >= 0)
        {
            if (_digits == MaxSizeDigits || _remaining > long.MaxValue >> 4) return RejectReason.ChunkSizeOverflow;
            _digits++;
            _remaining = (_remaining << 4) | (uint)digit;
            _state = State.Size;
            return RejectReason.None;
        }

        if (_state == State.SizeStart) return RejectReason.InvalidChunkSize;
        _state = value switch
        {
            (byte)'\r' => State.SizeLf,
            (byte)';' => State.Extension,
            (byte)' ' or (byte)'\t' => State.SizeBlank,
            _ => _state,
        };
        return _state == State.Size ? RejectReason.InvalidChunkSize : RejectReason.None;
    }

    /// <summary>RFC 9112 section 7.1.1: whitespace is to be tolerated in front of an extension, and nowhere else.</summary>
    private RejectReason OnSizeBlank(byte value, int limit)
    {
        if (value == ';') _state = State.Extension;
        else if (!HttpBytes.IsBlank(value)) return RejectReason.InvalidChunkSize;
        return ++_extensionBytes > limit ? RejectReason.ChunkExtensionTooLarge : RejectReason.None;
    }

    /// <summary>
    /// Extensions mean nothing here. That they hold no CR and no LF, in quotes neither, is what makes every receiver find the
    /// same end.
    /// </summary>
    private RejectReason OnExtension(byte value, int limit)
    {
        if (value == '\r')
        {
            _state = State.SizeLf;
            return RejectReason.None;
        }

        if (HttpBytes.IsForbiddenControl(value)) return RejectReason.InvalidChunkExtension;
        return ++_extensionBytes > limit ? RejectReason.ChunkExtensionTooLarge : RejectReason.None;
    }

    private RejectReason OnSizeEnd(byte value)
    {
        if (value != '\n') return RejectReason.InvalidChunkExtension;
        _state = _remaining == 0 ? State.Trailer : State.Data;
        return RejectReason.None;
    }

    private RejectReason OnTrailer(byte value, in HttpLimits limits)
    {
        RejectReason reason = _trailer.OnByte(value, limits);
        if (_trailer.IsEnd) _state = State.End;
        return reason;
    }
}

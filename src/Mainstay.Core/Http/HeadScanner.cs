using System.Numerics;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>
/// Finds the end of a message's head in a growing buffer and refuses what cannot become one as early as it shows: bare CR or LF,
/// controls, lines and heads over the limit. Every byte is looked at once, however many reads the head comes in. One for each
/// connection; <see cref="Reset"/> before the next message.
/// </summary>
/// <remarks>The result depends on the bytes only, not on how they were cut into reads: the first violation in byte order
/// wins.</remarks>
public struct HeadScanner
{
    private int _start;
    private int _position;
    private bool _started;
    private bool _firstLineEnded;

    /// <summary>
    /// Looks for the end of a request's head. <paramref name="buffer"/> starts with the message each time and only grows between
    /// calls. One empty line before the request line is passed over (RFC 9112 section 2.2).
    /// </summary>
    /// <param name="headLength">From the start of the buffer up to and including the empty line, when found.</param>
    /// <param name="reason">None: the head is complete (true) or more bytes are needed (false). Else the message is
    /// refused.</param>
    public bool TryFindEnd(ReadOnlySpan<byte> buffer, in HttpLimits limits, out int headLength, out RejectReason reason)
    {
        headLength = 0;
        if (!_started && !TryStart(buffer, out reason)) return false;
        return TryFindEnd(buffer, limits.RequestLine, RejectReason.RequestLineTooLong, limits.Head, out headLength, out reason);
    }

    /// <summary>
    /// The same for a response: its first line is bounded by the head's limit only, and no empty line may precede it.
    /// </summary>
    public bool TryFindResponseEnd(ReadOnlySpan<byte> buffer, in HttpLimits limits, out int headLength, out RejectReason reason)
    {
        headLength = 0;
        reason = RejectReason.None;
        if (buffer.IsEmpty) return false;
        if (buffer[0] != 'H')
        {
            reason = RejectReason.InvalidStatusLine;
            return false;
        }

        return TryFindEnd(buffer, limits.Head, RejectReason.HeadTooLarge, limits.Head, out headLength, out reason);
    }

    /// <summary>Forgets the message; the next call starts at the start of its buffer.</summary>
    public void Reset() => this = default;

    /// <summary>Settles where the request line starts and refuses at its first byte what is no HTTP at all.</summary>
    private bool TryStart(ReadOnlySpan<byte> buffer, out RejectReason reason)
    {
        reason = RejectReason.None;
        if (buffer.IsEmpty) return false;
        int start = 0;
        if (buffer[0] == '\r')
        {
            if (buffer.Length < 2) return false;
            if (buffer[1] != '\n') reason = RejectReason.BareCr;
            if (buffer[1] != '\n' || buffer.Length < 3) return false;
            start = 2;
        }

        if (!HttpBytes.IsToken(buffer[start]))
        {
            reason = NotAMethod(buffer[start]);
            return false;
        }

        _start = _position = start;
        _started = true;
        return true;
    }

    private static RejectReason NotAMethod(byte first) => first switch
    {
        0x16 => RejectReason.TlsOnPlainPort, // a TLS record of type handshake: a ClientHello
        (byte)'\n' => RejectReason.BareLf,
        _ => RejectReason.InvalidMethod,
    };

    private bool TryFindEnd(
        ReadOnlySpan<byte> buffer, int lineLimit, RejectReason lineReason, int headLimit, out int headLength, out RejectReason reason)
    {
        // The first line without its CRLF may be as long as its limit; until that many bytes are there, it cannot be too long.
        int window = (int)Math.Min((long)_start + lineLimit + 2, headLimit);
        if (!_firstLineEnded && buffer.Length >= window)
        {
            if (Scan(buffer, window, out headLength, out reason)) return true;
            if (reason != RejectReason.None) return false;
            _firstLineEnded = buffer[_start..window].IndexOf((byte)'\n') >= 0;
            if (!_firstLineEnded)
            {
                reason = window == headLimit ? RejectReason.HeadTooLarge : lineReason;
                return false;
            }
        }

        int end = Math.Min(buffer.Length, headLimit);
        if (Scan(buffer, end, out headLength, out reason)) return true;
        if (reason == RejectReason.None && end == headLimit) reason = RejectReason.HeadTooLarge;
        return false;
    }

    /// <summary>Looks at the bytes from the position to <paramref name="end"/>; true when the empty line is among them.</summary>
    private bool Scan(ReadOnlySpan<byte> buffer, int end, out int headLength, out RejectReason reason)
    {
        headLength = 0;
        reason = RejectReason.None;
        int at = _position;
        uint crBefore = at > 0 && buffer[at - 1] == '\r' ? 1u : 0;

        // With sound line structure, an LF two bytes after an LF is the end of an empty line. Bits 0 and 1: the bytes at -2 and
        // -1.
        uint lfBefore = (at > 1 && buffer[at - 2] == '\n' ? 1u : 0) | (at > 0 && buffer[at - 1] == '\n' ? 2u : 0);
        for (; at < end; at += HeadBlock.Size)
        {
            HeadBlock block = HeadBlock.Load(buffer, at, end);
            uint found = block.Lf & ((block.Lf << 2) | lfBefore);
            uint broken = block.Broken(crBefore);
            if (end - at < HeadBlock.Size) broken &= (1u << (end - at)) - 1;
            if (found != 0) broken &= found ^ (found - 1);
            if (broken != 0)
            {
                reason = HeadBlock.Explain(buffer, at + BitOperations.TrailingZeroCount(broken));
                return false;
            }

            if (found != 0)
            {
                headLength = at + BitOperations.TrailingZeroCount(found) + 1;
                return true;
            }

            crBefore = block.CrCarry;
            lfBefore = block.Lf >> (HeadBlock.Size - 2);
        }

        _position = Math.Max(_position, end);
        return false;
    }
}

using System.Runtime.CompilerServices;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>
/// Follows the trailer of a chunked body byte by byte: the same rules as for header fields, and none of the fields that a trailer
/// must not carry. Trailers are rare and short, so that this needs no speed.
/// </summary>
internal struct TrailerReader
{
    private State _state;
    private int _bytes;
    private int _fields;
    private int _nameLength;
    private NameStart _name;

    private enum State : byte
    {
        LineStart,
        Name,
        Value,
        ValueLf,
        LastLf,
        End,
    }

    /// <summary>The empty line that ends trailer and body has been seen.</summary>
    public readonly bool IsEnd => _state == State.End;

    /// <summary>Bytes seen so far; at the end with the empty line.</summary>
    public readonly int Length => _bytes;

    public RejectReason OnByte(byte value, in HttpLimits limits)
    {
        if (++_bytes > limits.Head) return RejectReason.TrailerTooLarge;
        switch (_state)
        {
            case State.LineStart: return OnLineStart(value, limits.Fields);
            case State.Name: return OnName(value);
            case State.Value:
                if (value == '\r') _state = State.ValueLf;
                else if (HttpBytes.IsForbiddenControl(value)) return RejectReason.InvalidTrailer;
                return RejectReason.None;
            case State.ValueLf:
                _state = State.LineStart;
                return value == '\n' ? RejectReason.None : RejectReason.InvalidTrailer;
            default:
                _state = State.End;
                return value == '\n' ? RejectReason.None : RejectReason.InvalidTrailer;
        }
    }

    private RejectReason OnLineStart(byte value, int maxFields)
    {
        if (value == '\r')
        {
            _state = State.LastLf;
            return RejectReason.None;
        }

        if (++_fields > maxFields) return RejectReason.TrailerTooLarge;
        _state = State.Name;
        _nameLength = 0;
        return OnName(value);
    }

    private RejectReason OnName(byte value)
    {
        if (value == ':')
        {
            _state = State.Value;
            if (_nameLength == 0) return RejectReason.InvalidTrailer;
            int kept = Math.Min(_nameLength, NameStart.Capacity);
            return TrailerRules.IsForbidden(((Span<byte>)_name)[..kept]) ? RejectReason.ForbiddenTrailer : RejectReason.None;
        }

        if (!HttpBytes.IsToken(value)) return RejectReason.InvalidTrailer;
        if (_nameLength < NameStart.Capacity) _name[_nameLength] = value;
        _nameLength++;
        return RejectReason.None;
    }

    /// <summary>As much of a name as tells every forbidden one apart; the bytes may come one read at a time.</summary>
    [InlineArray(Capacity)]
    private struct NameStart
    {
        public const int Capacity = 32;
        private byte _first;
    }
}

namespace Mainstay.Core.Http;

/// <summary>Fills a span front to back; what does not fit is not written, and the result is then -1.</summary>
internal ref struct HeadBuffer(Span<byte> destination)
{
    private readonly Span<byte> _destination = destination;
    private int _length;

    /// <summary>Bytes written, or -1 when something did not fit.</summary>
    public readonly int Result => _length;

    public void Write(scoped ReadOnlySpan<byte> bytes)
    {
        if (_length < 0 || bytes.Length > _destination.Length - _length)
        {
            _length = -1;
            return;
        }

        bytes.CopyTo(_destination[_length..]);
        _length += bytes.Length;
    }

    /// <summary>The next bytes for the caller to fill; empty when they do not fit.</summary>
    public Span<byte> Reserve(int length)
    {
        if (_length < 0 || length > _destination.Length - _length)
        {
            _length = -1;
            return default;
        }

        Span<byte> room = _destination.Slice(_length, length);
        _length += length;
        return room;
    }

    /// <summary>What was written so far; empty when something did not fit.</summary>
    public readonly Span<byte> Written => _length < 0 ? default : _destination[.._length];

    /// <summary>What is written is not what was meant: the result is that it did not fit.</summary>
    public void Fail() => _length = -1;

    /// <summary>Takes back what was written behind a place.</summary>
    public void Truncate(int length)
    {
        if (_length > length) _length = length;
    }

    /// <summary>Takes bytes out of what was written.</summary>
    public void Remove(int start, int count)
    {
        if (_length < 0 || count == 0) return;
        _destination[(start + count).._length].CopyTo(_destination[start..]);
        _length -= count;
    }

    public void Write(long number)
    {
        if (_length >= 0) _length = number.TryFormat(_destination[_length..], out int digits) ? _length + digits : -1;
    }
}

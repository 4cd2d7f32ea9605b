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

    public void Write(long number)
    {
        if (_length >= 0) _length = number.TryFormat(_destination[_length..], out int digits) ? _length + digits : -1;
    }
}

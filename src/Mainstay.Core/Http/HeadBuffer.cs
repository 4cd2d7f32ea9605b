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

    public void Write(byte value) => Write([value]);

    public void Write(long number)
    {
        Span<byte> digits = stackalloc byte[20];
        number.TryFormat(digits, out int length);
        Write(digits[..length]);
    }
}

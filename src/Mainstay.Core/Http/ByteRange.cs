namespace Mainstay.Core.Http;

/// <summary>A piece of the caller's buffer, in bytes. <c>default</c> is "not there".</summary>
public readonly record struct ByteRange(int Start, int Length)
{
    public int End => Start + Length;
    public bool IsEmpty => Length == 0;

    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> buffer) => buffer.Slice(Start, Length);

    public static ByteRange Between(int start, int end) => new(start, end - start);
}

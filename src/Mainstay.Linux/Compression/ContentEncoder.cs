namespace Mainstay.Linux.Compression;

public enum EncodeStep
{
    /// <summary>More will follow; the encoder may keep what it got.</summary>
    Process,

    /// <summary>Everything so far comes out, so that the receiver can decode it now.</summary>
    Flush,

    /// <summary>That was all.</summary>
    Finish,
}

/// <summary>A compressor with its native state; used again for stream after stream, by one thread.</summary>
public abstract class ContentEncoder : IDisposable
{
    /// <summary>
    /// Takes input and gives output, as far as the output has room. True: the step is done; false: call again with what is left of the
    /// input and new room.
    /// </summary>
    public abstract bool Encode(ReadOnlySpan<byte> input, Span<byte> output, EncodeStep step, out int consumed, out int written);

    /// <summary>Forgets the stream: the next begins.</summary>
    public abstract void Reset();

    public abstract void Dispose();
}

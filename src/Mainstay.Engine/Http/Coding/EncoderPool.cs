using Mainstay.Core.Http.Coding;
using Mainstay.Linux.Compression;

namespace Mainstay.Engine.Http.Coding;

/// <summary>
/// The compressors of one shard. Their states are large, so that their memory is bounded: who gets none sends its response as it is.
/// </summary>
internal sealed class EncoderPool
{
    /// <summary>Of all states in use, as far as one can say: zlib's is 268 KB, brotli's with its window of 256 KiB about 1.5 MB.</summary>
    private const int MaxBytes = 64 * 1024 * 1024;

    private const int GzipBytes = 268 * 1024, BrotliBytes = 1536 * 1024;

    /// <summary>States of a kind kept for the next responses.</summary>
    private const int MaxFree = 8;

    /// <summary>By coding and level.</summary>
    private readonly Stack<ContentEncoder>[] _free = [.. Enumerable.Range(0, ContentCodings.Count * 10).Select(_ => new Stack<ContentEncoder>())];

    private int _bytes;
    private long _refused;

    /// <summary>Responses that went out as they were because too many others were being compressed; any thread.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>Compressors in use.</summary>
    public int InUse { get; private set; }

    public ContentEncoder? TryRent(ContentCoding coding, int level)
    {
        int bytes = BytesOf(coding);
        if (_bytes + bytes > MaxBytes)
        {
            Volatile.Write(ref _refused, _refused + 1);
            return null;
        }

        _bytes += bytes;
        InUse++;
        if (_free[Place(coding, level)].TryPop(out ContentEncoder? encoder)) return encoder;
        return coding == ContentCoding.Brotli ? new BrotliStreamEncoder(level) : new GzipEncoder(level);
    }

    public void Return(ContentCoding coding, int level, ContentEncoder encoder)
    {
        _bytes -= BytesOf(coding);
        InUse--;
        Stack<ContentEncoder> free = _free[Place(coding, level)];
        if (free.Count >= MaxFree)
        {
            encoder.Dispose();
            return;
        }

        encoder.Reset();
        free.Push(encoder);
    }

    /// <summary>The shard ends.</summary>
    public void Clear()
    {
        foreach (Stack<ContentEncoder> free in _free)
            while (free.TryPop(out ContentEncoder? encoder)) encoder.Dispose();
    }

    private static int Place(ContentCoding coding, int level) => (int)coding * 10 + level;

    private static int BytesOf(ContentCoding coding) => coding == ContentCoding.Brotli ? BrotliBytes : GzipBytes;
}

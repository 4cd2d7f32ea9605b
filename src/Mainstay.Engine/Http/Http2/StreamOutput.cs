using Mainstay.Core.Http;
using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http;

/// <summary>
/// The body that is to be sent on one stream, given as HTTP/1.1 frames it: takes chunk framing away, keeps what the windows do not let
/// through, and the trailer. Holds blocks only while something waits.
/// </summary>
internal struct StreamOutput(BlockPool blocks)
{
    private Block? _content;
    private Block? _trailer;
    private ChunkedReader _chunks;
    private bool _isChunked;

    /// <summary>Content that waits.</summary>
    public readonly ReadOnlySpan<byte> Waiting => _content is null ? default : _content.Filled;

    public readonly bool HasWaiting => _content is not null;

    public readonly int HeldBytes => (_content?.Capacity ?? 0) + (_trailer?.Capacity ?? 0);

    /// <summary>All of the message has been given; it ends when nothing waits any more.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Lines of the trailer, without the empty line behind them; whole once the body is complete.</summary>
    public readonly ReadOnlySpan<byte> Trailer => _trailer is null ? default : _trailer.Filled[..^2];

    /// <param name="isChunked">The head that was sent said so.</param>
    public void Begin(bool isChunked)
    {
        _isChunked = isChunked;
        _chunks = default;
        IsComplete = false;
    }

    /// <summary>
    /// Takes the next run of content out of the body's bytes. False: they are used up; <see cref="IsComplete"/> says whether that was all.
    /// </summary>
    public bool TryNext(ReadOnlySpan<byte> bytes, ref int at, bool isEnd, out ByteRange content)
    {
        content = default;
        if (!_isChunked)
        {
            content = ByteRange.Between(at, bytes.Length);
            at = bytes.Length;
            IsComplete |= isEnd;
            return content.Length > 0;
        }

        int trailerBefore = _chunks.TrailerLength;
        // What comes here has passed a reader as strict as this one.
        if (_chunks.TryRead(bytes, HttpShard.ResponseLimits, ref at, out content, out _)) return true;
        int trailer = _chunks.TrailerLength - trailerBefore;
        IsComplete = _chunks.IsEnd;
        bool isNone = IsComplete && _chunks.TrailerLength == 2;
        if (trailer > 0 && !isNone) blocks.Append(ref _trailer, bytes[(at - trailer)..at]);
        return false;
    }

    public void Complete() => IsComplete = true;

    public void Keep(ReadOnlySpan<byte> content) => blocks.Append(ref _content, content);

    /// <summary>So much of what waited is on its way.</summary>
    public void OnSent(int count)
    {
        _content!.Start += count;
        if (_content.Count == 0) blocks.Drop(ref _content);
    }

    public void Clear()
    {
        blocks.Drop(ref _content);
        blocks.Drop(ref _trailer);
        _isChunked = IsComplete = false;
    }
}

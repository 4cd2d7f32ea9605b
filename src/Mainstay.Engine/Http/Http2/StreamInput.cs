using Mainstay.Engine.Shards;

namespace Mainstay.Engine.Http;

/// <summary>
/// What has come on one stream of an HTTP/2 connection and nobody has taken yet, given on as the bytes of an HTTP/1.1 message: heads as text,
/// content with chunk framing where the head announces it, the end with the trailer. Holds blocks only while something waits.
/// </summary>
internal struct StreamInput(BlockPool blocks)
{
    /// <summary>Five hexadecimal digits and two CRLF: a chunk is at most what is received at once.</summary>
    private const int ChunkOverhead = 5 + 2 + 2;

    private Block? _text;
    private Block? _content;
    private Block? _trailer;
    private bool _isChunked;
    private bool _hasEnded;
    private bool _endIsGiven;

    /// <summary>Content bytes that wait here.</summary>
    public readonly int Waiting => _content?.Count ?? 0;

    public readonly int HeldBytes => (_text?.Capacity ?? 0) + (_content?.Capacity ?? 0) + (_trailer?.Capacity ?? 0);

    /// <summary>All of the message has come.</summary>
    public readonly bool HasEnded => _hasEnded;

    public readonly bool IsReadable => _text is not null || _content is not null || (_hasEnded && !_endIsGiven);

    /// <param name="isChunked">The head says so: content is given in chunks. Else it is given as it is.</param>
    public void Begin(bool isChunked)
    {
        _isChunked = isChunked;
        _hasEnded = _endIsGiven = false;
    }

    /// <summary>A head that is read from here, in front of its content.</summary>
    public void AddHead(ReadOnlySpan<byte> text) => blocks.Append(ref _text, text);

    public void AddContent(ReadOnlySpan<byte> content)
    {
        if (!content.IsEmpty) blocks.Append(ref _content, content);
    }

    /// <param name="trailer">Lines with their CRLF; empty when there is none.</param>
    public void End(ReadOnlySpan<byte> trailer)
    {
        _hasEnded = true;
        if (!trailer.IsEmpty && _isChunked) blocks.Append(ref _trailer, trailer);
    }

    /// <summary>
    /// Gives what waits and then what is just arriving. 0 when there is nothing (or, with <see cref="HasEnded"/>, nothing any more).
    /// </summary>
    /// <param name="arriving">Content that is not here yet; what is taken of it is cut off.</param>
    /// <param name="content">Content bytes given, framing not counted: so much the sender may send again.</param>
    public int Read(Span<byte> buffer, ref ReadOnlySpan<byte> arriving, out int content)
    {
        int length = TakePlain(ref _text, buffer);
        content = 0;
        if (_text is not null) return length;
        if (_content is { } waiting)
        {
            int taken = Frame(waiting.Filled, buffer, ref length);
            waiting.Start += taken;
            content += taken;
            if (waiting.Count > 0) return length;
            blocks.Drop(ref _content);
        }

        int more = Frame(arriving, buffer, ref length);
        arriving = arriving[more..];
        content += more;
        if (_hasEnded && !_endIsGiven && arriving.IsEmpty) GiveEnd(buffer, ref length);
        return length;
    }

    public void Clear()
    {
        blocks.Drop(ref _text);
        blocks.Drop(ref _content);
        blocks.Drop(ref _trailer);
        _isChunked = _hasEnded = _endIsGiven = false;
    }

    private readonly int Frame(ReadOnlySpan<byte> content, Span<byte> buffer, ref int length)
    {
        int room = buffer.Length - length - (_isChunked ? ChunkOverhead : 0);
        int count = Math.Min(content.Length, room);
        if (count <= 0) return 0;
        Span<byte> destination = buffer[length..];
        if (_isChunked)
        {
            const string digits = "0123456789ABCDEF";
            for (int i = 0; i < 5; i++) destination[i] = (byte)digits[(count >> (4 * (4 - i))) & 15];
            "\r\n"u8.CopyTo(destination[5..]);
            content[..count].CopyTo(destination[7..]);
            "\r\n"u8.CopyTo(destination[(7 + count)..]);
            length += count + ChunkOverhead;
        }
        else
        {
            content[..count].CopyTo(destination);
            length += count;
        }

        return count;
    }

    /// <summary>The last chunk and the trailer, as soon as they fit whole.</summary>
    private void GiveEnd(Span<byte> buffer, ref int length)
    {
        if (_isChunked)
        {
            int needed = 5 + (_trailer?.Count ?? 0);
            if (buffer.Length - length < needed) return;
            "0\r\n"u8.CopyTo(buffer[length..]);
            length += 3;
            length += TakePlain(ref _trailer, buffer[length..]);
            "\r\n"u8.CopyTo(buffer[length..]);
            length += 2;
        }

        _endIsGiven = true;
    }

    private readonly int TakePlain(ref Block? block, Span<byte> buffer)
    {
        if (block is null) return 0;
        int count = Math.Min(block.Count, buffer.Length);
        block.Filled[..count].CopyTo(buffer);
        block.Start += count;
        if (block.Count == 0) blocks.Drop(ref block);
        return count;
    }
}

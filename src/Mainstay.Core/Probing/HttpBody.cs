using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Mainstay.Core.Health;

namespace Mainstay.Core.Probing;

/// <summary>Collects a response's body up to its limit (RFC 9112 section 6 and 7.1) and looks for what it has to say.</summary>
internal sealed class HttpBody(HttpExpectation expectation)
{
    private const int MaxChunkLine = 4096;

    private byte[] _content = [];
    private int _length, _searched, _lineLength, _status;
    private long _left;
    private Framing _framing;
    private ChunkPart _chunkPart;
    private bool _sizeHasDigit, _sizeEnded;

    private enum Framing
    {
        Length,
        Chunked,
        UntilClose,
    }

    private enum ChunkPart
    {
        Size,
        Content,
        ContentEnd,
        Trailer,
    }

    /// <param name="contentLength">-1 = not given: the end of the stream ends the body.</param>
    public CheckOutcome? Begin(int status, bool isChunked, long contentLength)
    {
        _status = status;
        _length = _searched = 0;
        _framing = isChunked ? Framing.Chunked : contentLength >= 0 ? Framing.Length : Framing.UntilClose;
        _left = isChunked ? 0 : contentLength;
        BeginChunkLine(ChunkPart.Size);
        return _framing == Framing.Length && _left == 0 ? Verdict("") : null;
    }

    public CheckOutcome? OnBytes(ReadOnlySpan<byte> bytes) => _framing switch
    {
        Framing.Length => OnLength(bytes),
        Framing.UntilClose => Take(bytes),
        _ => OnChunked(bytes),
    };

    public CheckOutcome OnEnd(int status)
    {
        if (_framing == Framing.UntilClose) return Verdict("");
        string missing = _framing == Framing.Length ? $"{_left} bytes before its end" : "before its last chunk";
        return new(CheckLayer.Application, CheckCause.Closed, $"HTTP {status}, body closed {missing}");
    }

    private CheckOutcome? OnLength(ReadOnlySpan<byte> bytes)
    {
        ReadOnlySpan<byte> own = bytes[..(int)Math.Min(bytes.Length, _left)];
        _left -= own.Length;
        return Take(own) ?? (_left == 0 ? Verdict("") : null);
    }

    private CheckOutcome? OnChunked(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_chunkPart == ChunkPart.Content)
            {
                ReadOnlySpan<byte> own = bytes[..(int)Math.Min(bytes.Length, _left)];
                bytes = bytes[own.Length..];
                _left -= own.Length;
                if (_left == 0) BeginChunkLine(ChunkPart.ContentEnd);
                if (Take(own) is { } outcome) return outcome;
                continue;
            }

            byte next = bytes[0];
            bytes = bytes[1..];
            if (OnChunkLineByte(next) is { } end) return end;
        }

        return null;
    }

    private CheckOutcome? OnChunkLineByte(byte next)
    {
        if (++_lineLength > MaxChunkLine) return Malformed($"a chunk line of more than {MaxChunkLine} bytes");
        if (next == '\n') return OnChunkLine();
        if (next == '\r') return null;
        switch (_chunkPart)
        {
            case ChunkPart.ContentEnd: return Malformed("bytes between a chunk and its line end");
            case ChunkPart.Trailer: _sizeHasDigit = true; return null;
            default: return OnSizeByte(next);
        }
    }

    private CheckOutcome? OnSizeByte(byte next)
    {
        if (_sizeEnded) return null;
        if (next is (byte)';' or (byte)' ' or (byte)'\t')
        {
            _sizeEnded = true;
            return null;
        }

        if (!char.IsAsciiHexDigit((char)next) || _left > long.MaxValue >> 8) return Malformed("not a chunk size");
        _sizeHasDigit = true;
        _left = _left * 16 + HexValue(next);
        return null;
    }

    private static int HexValue(byte digit) => digit <= '9' ? digit - '0' : (digit | 0x20) - 'a' + 10;

    private CheckOutcome? OnChunkLine()
    {
        switch (_chunkPart)
        {
            case ChunkPart.Size when !_sizeHasDigit: return Malformed("not a chunk size");
            case ChunkPart.Size when _left > 0: _chunkPart = ChunkPart.Content; return null;
            case ChunkPart.Size: BeginChunkLine(ChunkPart.Trailer); return null;
            case ChunkPart.Trailer when !_sizeHasDigit: return Verdict("");
            case ChunkPart.Trailer: BeginChunkLine(ChunkPart.Trailer); return null;
            default: BeginChunkLine(ChunkPart.Size); return null;
        }
    }

    private void BeginChunkLine(ChunkPart part)
    {
        _chunkPart = part;
        _lineLength = 0;
        _sizeHasDigit = _sizeEnded = false;
    }

    private CheckOutcome? Take(ReadOnlySpan<byte> bytes)
    {
        int taken = Math.Min(bytes.Length, expectation.BodyLimit - _length);
        if (!expectation.LooksAtBody)
        {
            _length += taken;
            return _length >= expectation.BodyLimit ? Verdict("") : null;
        }

        if (_length + taken > _content.Length)
            Array.Resize(ref _content, Math.Min(expectation.BodyLimit, Math.Max(1024, 2 * (_length + taken))));
        bytes[..taken].CopyTo(_content.AsSpan(_length));
        _length += taken;
        if (expectation.Matches is null && Contains()) return Verdict("");
        return _length >= expectation.BodyLimit ? Verdict($" in its first {expectation.BodyLimit} bytes") : null;
    }

    /// <summary>Looks at what is new and at the seam to what was there.</summary>
    private bool Contains()
    {
        if (expectation.Contains is not { } wanted) return true;
        int from = Math.Max(0, _searched - wanted.Length + 1);
        _searched = _length;
        return _content.AsSpan(from, _length - from).IndexOf(wanted) >= 0;
    }

    private CheckOutcome Verdict(string where)
    {
        ReadOnlySpan<byte> content = expectation.LooksAtBody ? _content.AsSpan(0, _length) : [];
        if (expectation.Contains is { } wanted && content.IndexOf(wanted) < 0)
            return Unexpected($"HTTP {_status}, the body has no {WireText.Quote(wanted)}{where}");
        if (expectation.Matches is { } regex && !Matches(regex, content))
            return Unexpected($"HTTP {_status}, the body does not match {WireText.Quote(Encoding.UTF8.GetBytes(regex.ToString()))}{where}");
        return CheckOutcome.Pass(CheckLayer.Application, HttpConversation.PassedText(_status));
    }

    private static bool Matches(Regex regex, ReadOnlySpan<byte> content)
    {
        char[] characters = ArrayPool<char>.Shared.Rent(Encoding.UTF8.GetMaxCharCount(content.Length));
        try
        {
            int length = Encoding.UTF8.GetChars(content, characters);
            return regex.IsMatch(characters.AsSpan(0, length));
        }
        finally
        {
            ArrayPool<char>.Shared.Return(characters);
        }
    }

    private CheckOutcome Malformed(string text) => new(CheckLayer.Application, CheckCause.Malformed, $"HTTP {_status}, {text}");

    private static CheckOutcome Unexpected(string text) => new(CheckLayer.Application, CheckCause.Unexpected, text);
}

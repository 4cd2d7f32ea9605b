using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Mainstay.Core.Config;
using Mainstay.Core.Health;

namespace Mainstay.Core.Probing;

/// <summary>What a response has to be; shared by all servers of a pool.</summary>
public sealed class HttpExpectation
{
    private readonly bool[] _accepted = new bool[1000];

    public HttpExpectation(CheckSnapshot check)
    {
        foreach ((int from, int to) in check.Status)
            for (int status = Math.Max(from, 0); status <= Math.Min(to, 999); status++)
                _accepted[status] = true;
        Contains = check.BodyContains is { } text ? Encoding.UTF8.GetBytes(text) : null;
        ContainsText = check.BodyContains ?? "";
        Matches = check.BodyMatches is { } pattern
            ? new Regex(pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant)
            : null;
        BodyLimit = check.BodyLimit;
        IsHead = check.Method == "HEAD";
    }

    public byte[]? Contains { get; }
    public string ContainsText { get; }
    public Regex? Matches { get; }
    public int BodyLimit { get; }
    public bool IsHead { get; }
    public bool LooksAtBody => Contains is not null || Matches is not null;

    public bool Accepts(int status) => _accepted[status];
}

/// <summary>
/// One HTTP/1.1 request and its response (RFC 9112). Decides as early as it can: at the status line when the status is wrong, at the end
/// of the head when the body does not matter; a short one is then read and forgotten. Interim responses are skipped, redirects are responses like others.
/// </summary>
public sealed class HttpConversation(ReadOnlyMemory<byte> request, HttpExpectation expectation) : Conversation
{
    /// <summary>All header lines of one response together.</summary>
    public const int MaxHead = 64 * 1024;

    private const int MaxLine = 16 * 1024;
    private const int MaxInterim = 16;
    private static readonly string?[] PassedTexts = new string?[1000];

    private readonly HttpBody _body = new(expectation);
    private byte[] _partial = [];
    private int _partialLength;
    private Part _part;
    private int _status, _headLength, _interim;
    private bool _isChunked;
    private long _contentLength;

    private enum Part
    {
        StatusLine,
        Headers,
        Body,
    }

    public override ReadOnlyMemory<byte> Request => request;

    protected override string Awaited => _part switch
    {
        Part.StatusLine => "the status line",
        Part.Headers => "the headers",
        _ => "the body",
    };

    public override void Begin()
    {
        _interim = 0;
        BeginResponse();
    }

    public override CheckOutcome? OnSent() => null;

    public override CheckOutcome? OnBytes(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            if (_part == Part.Body) return OnBody(bytes);
            if (!TryTakeLine(ref bytes, out ReadOnlySpan<byte> line, out string? tooLong))
                return tooLong is null ? null : Malformed(tooLong);
            CheckOutcome? outcome = _part == Part.StatusLine ? OnStatusLine(line) : OnHeaderLine(line);
            _partialLength = 0;
            if (outcome is not null) return outcome;
        }

        return null;
    }

    public override CheckOutcome OnEnd()
    {
        if (_part != Part.Body) return base.OnEnd();
        return Settled ?? _body.OnEnd(_status);
    }

    public override CheckOutcome? Settled => _part == Part.Body && !expectation.LooksAtBody ? Passed(PassedText(_status)) : null;

    private void BeginResponse()
    {
        _part = Part.StatusLine;
        _partialLength = _headLength = 0;
        _isChunked = false;
        _contentLength = -1;
    }

    /// <summary>The line without its end, in the caller's bytes or in ours when it came in pieces; then valid until the next call.</summary>
    private bool TryTakeLine(ref ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> line, out string? tooLong)
    {
        int end = bytes.IndexOf((byte)'\n');
        int taken = end < 0 ? bytes.Length : end + 1;
        line = end < 0 ? bytes : bytes[..end];
        _headLength += taken;
        bytes = bytes[taken..];
        tooLong = _headLength > MaxHead ? $"a head of more than {MaxHead} bytes"
            : _partialLength + line.Length > MaxLine ? $"a line of more than {MaxLine} bytes"
            : null;
        if (tooLong is not null) return false;
        if (end < 0 || _partialLength > 0)
        {
            Keep(line);
            line = _partial.AsSpan(0, _partialLength);
        }

        if (end < 0) return false;
        if (line is [.., (byte)'\r']) line = line[..^1];
        return true;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_partialLength + bytes.Length > _partial.Length)
            Array.Resize(ref _partial, Math.Max(256, 2 * (_partialLength + bytes.Length)));
        bytes.CopyTo(_partial.AsSpan(_partialLength));
        _partialLength += bytes.Length;
    }

    /// <summary>RFC 9112 section 4: HTTP-version SP status-code SP [ reason-phrase ].</summary>
    private CheckOutcome? OnStatusLine(ReadOnlySpan<byte> line)
    {
        bool isWellFormed = line.Length >= 12 && line.StartsWith("HTTP/1."u8) && line[7] is >= (byte)'0' and <= (byte)'9'
            && line[8] == ' ' && !line[9..12].ContainsAnyExceptInRange((byte)'0', (byte)'9') && line[9] != '0'
            && (line.Length == 12 || line[12] == ' ');
        if (!isWellFormed) return Malformed($"not an HTTP/1 status line: {WireText.Quote(line)}");
        _status = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
        _part = Part.Headers;

        // 101 is final (RFC 9110 section 15.2.2); no other interim response decides anything.
        if (_status is >= 100 and < 200 and not 101) return null;
        return expectation.Accepts(_status) ? null : Unexpected($"HTTP {_status}");
    }

    private CheckOutcome? OnHeaderLine(ReadOnlySpan<byte> line)
    {
        if (line.IsEmpty) return OnHeadComplete();
        int colon = line.IndexOf((byte)':');
        if (colon <= 0) return Malformed($"not a header line: {WireText.Quote(line)}");
        ReadOnlySpan<byte> name = line[..colon];
        ReadOnlySpan<byte> value = line[(colon + 1)..].Trim(" \t"u8);
        if (Ascii.EqualsIgnoreCase(name, "content-length"u8))
        {
            if (value.Length is 0 or > 18 || value.ContainsAnyExceptInRange((byte)'0', (byte)'9'))
                return Malformed($"Content-Length {WireText.Quote(value)} is not a number");
            long length = long.Parse(value, NumberStyles.None, CultureInfo.InvariantCulture);
            if (_contentLength >= 0 && _contentLength != length) return Malformed($"Content-Length is both {_contentLength} and {length}");
            _contentLength = length;
        }
        else if (Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8))
        {
            if (_isChunked || !Ascii.EqualsIgnoreCase(value, "chunked"u8))
                return Malformed($"transfer coding {WireText.Quote(value)} is not understood");
            _isChunked = true;
        }

        return null;
    }

    private CheckOutcome? OnHeadComplete()
    {
        if (_status is >= 100 and < 200 and not 101)
        {
            if (++_interim > MaxInterim) return Malformed($"more than {MaxInterim} interim responses");
            BeginResponse();
            return null;
        }

        if (_isChunked && _contentLength >= 0) return Malformed("both Content-Length and Transfer-Encoding");
        // RFC 9112 section 6.3.
        bool hasNone = expectation.IsHead || _status is 101 or 204 or 304;
        bool isShort = _isChunked || (_contentLength >= 0 && _contentLength <= expectation.BodyLimit);
        if (!expectation.LooksAtBody && (hasNone || !isShort)) return Passed(PassedText(_status));
        _part = Part.Body;
        return _body.Begin(_status, _isChunked, hasNone ? 0 : _contentLength);
    }

    private CheckOutcome? OnBody(ReadOnlySpan<byte> bytes) => _body.OnBytes(bytes) is { } outcome ? Settled ?? outcome : null;

    /// <summary>One string a status for all checks: thousands a second must not become garbage.</summary>
    internal static string PassedText(int status) => PassedTexts[status] ??= $"HTTP {status}";
}

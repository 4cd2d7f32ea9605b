using System.Text;
using Mainstay.Core.Http.Coding;

namespace Mainstay.Core.Http.Files;

/// <summary>What is answered about a representation, but its bytes.</summary>
public readonly ref struct FileAnswer
{
    /// <summary>200, 206, 304, 404 with a page, 412, 416.</summary>
    public required int Status { get; init; }

    /// <summary>Of the body that a GET gets.</summary>
    public required long ContentLength { get; init; }

    /// <summary>The one part of a 206; null for several, and for every other status.</summary>
    public ContentRange? Range { get; init; }

    /// <summary>Between the parts of a 206 that has several.</summary>
    public ReadOnlySpan<byte> Boundary { get; init; }

    /// <summary>The validators hold for a while already.</summary>
    public required bool IsSettled { get; init; }
}

/// <summary>The head of every response about one representation of a file, with everything made ready that does not change.</summary>
public sealed class FileHead
{
    /// <summary>Digits of a boundary (RFC 2046 section 5.1.1 allows 70).</summary>
    public const int BoundaryLength = RequestId.Length;

    /// <summary>A "first-last/size" with 19 digits each.</summary>
    private const int LongestRange = 3 * 19 + 2;

    private static ReadOnlySpan<byte> PartStart => "\r\n--"u8;
    private static ReadOnlySpan<byte> PartRange => "\r\nContent-Range: bytes "u8;

    private readonly long _size;
    private readonly byte[] _entityTag;
    private readonly byte[] _mediaType;

    /// <summary>Of responses with a body: type and coding.</summary>
    private readonly byte[] _content;

    /// <summary>Of all: Last-Modified, Cache-Control, Vary.</summary>
    private readonly byte[] _always;

    /// <param name="varies">There are other codings of the same file.</param>
    /// <param name="cacheControl">Empty: none is sent.</param>
    public FileHead(FileVersion version, string mediaType, ContentCoding coding, bool varies, string cacheControl)
    {
        _size = version.Size;
        ModifiedSeconds = version.ModifiedSeconds;
        Coding = coding;
        _entityTag = version.EntityTag(coding == ContentCoding.Identity ? "" : Encoding.ASCII.GetString(coding.Name()));
        _mediaType = Encoding.ASCII.GetBytes(mediaType);
        var content = new StringBuilder($"Content-Type: {mediaType}\r\n");
        if (coding != ContentCoding.Identity) content.Append($"Content-Encoding: {Encoding.ASCII.GetString(coding.Name())}\r\n");
        _content = Encoding.ASCII.GetBytes(content.ToString());
        Span<byte> date = stackalloc byte[HttpDate.Length];
        HttpDate.Format(Math.Clamp(ModifiedSeconds, 0, DateTimeOffset.MaxValue.ToUnixTimeSeconds()), date);
        var always = new StringBuilder($"Last-Modified: {Encoding.ASCII.GetString(date)}\r\n");
        if (cacheControl.Length > 0) always.Append($"Cache-Control: {cacheControl}\r\n");
        if (varies) always.Append("Vary: Accept-Encoding\r\n");
        _always = Encoding.ASCII.GetBytes(always.ToString());
    }

    public ContentCoding Coding { get; }
    public ReadOnlySpan<byte> MediaTypeText => _mediaType;
    public long ModifiedSeconds { get; }

    public Validators Validators(bool areStrong) =>
        new() { EntityTag = _entityTag, AreStrong = areStrong, ModifiedSeconds = ModifiedSeconds };

    /// <returns>Length of the head, or -1 when it does not fit.</returns>
    public int Write(Span<byte> destination, in FileAnswer answer, ReadOnlySpan<byte> date, OwnResponse how, ReadOnlySpan<byte> fields = default)
    {
        var buffer = new HeadBuffer(destination);
        buffer.Write(StatusLine(answer.Status));
        switch (answer.Status)
        {
            case 416:
                buffer.Write("Content-Range: bytes */"u8);
                buffer.Write(_size);
                buffer.Write("\r\n"u8);
                break;
            case 206 when answer.Range is null:
                buffer.Write("Content-Type: multipart/byteranges; boundary="u8);
                buffer.Write(answer.Boundary);
                buffer.Write("\r\n"u8);
                break;
            case 200 or 206 or 404:
                buffer.Write(_content);
                break;
        }

        if (answer.Range is { } range) WriteRange(ref buffer, range);
        if (answer.Status is 200 or 206 or 304) WriteValidators(ref buffer, answer.IsSettled);
        if (answer.Status == 200) buffer.Write("Accept-Ranges: bytes\r\n"u8);
        if (answer.Status != 304)
        {
            buffer.Write("Content-Length: "u8);
            buffer.Write(answer.ContentLength);
            buffer.Write("\r\n"u8);
        }

        buffer.Write(fields);
        OwnFields.Write(ref buffer, date, how);
        return buffer.Result;
    }

    /// <summary>The head of a part of a multipart body (RFC 9110 section 14.6), with the boundary in front of it.</summary>
    /// <returns>Its length, or -1 when it does not fit.</returns>
    public int WritePart(Span<byte> destination, ContentRange range, ReadOnlySpan<byte> boundary)
    {
        var buffer = new HeadBuffer(destination);
        buffer.Write(PartStart);
        buffer.Write(boundary);
        buffer.Write("\r\nContent-Type: "u8);
        buffer.Write(_mediaType);
        buffer.Write(PartRange);
        WriteBounds(ref buffer, range);
        buffer.Write("\r\n\r\n"u8);
        return buffer.Result;
    }

    /// <summary>The end of a multipart body.</summary>
    public static int WriteEnd(Span<byte> destination, ReadOnlySpan<byte> boundary)
    {
        var buffer = new HeadBuffer(destination);
        buffer.Write(PartStart);
        buffer.Write(boundary);
        buffer.Write("--\r\n"u8);
        return buffer.Result;
    }

    /// <summary>Length of a multipart body: the parts, their heads and the end.</summary>
    public long MultipartLength(in RangeSet ranges)
    {
        Span<byte> head = stackalloc byte[PartStart.Length + BoundaryLength + LongestRange + 64];
        ReadOnlySpan<byte> none = stackalloc byte[BoundaryLength];
        long length = ranges.TotalLength + WriteEnd(head, none);
        for (int i = 0; i < ranges.Count; i++)
        {
            var bounds = new HeadBuffer(head);
            WriteBounds(ref bounds, ranges[i]);
            length += PartStart.Length + BoundaryLength + "\r\nContent-Type: "u8.Length + _mediaType.Length + PartRange.Length + bounds.Result + 4;
        }

        return length;
    }

    private static ReadOnlySpan<byte> StatusLine(int status) => status switch
    {
        200 => "HTTP/1.1 200 OK\r\n"u8,
        206 => "HTTP/1.1 206 Partial Content\r\n"u8,
        304 => "HTTP/1.1 304 Not Modified\r\n"u8,
        404 => "HTTP/1.1 404 Not Found\r\n"u8,
        412 => "HTTP/1.1 412 Precondition Failed\r\n"u8,
        _ => "HTTP/1.1 416 Range Not Satisfiable\r\n"u8,
    };

    private void WriteValidators(ref HeadBuffer buffer, bool isSettled)
    {
        buffer.Write(isSettled ? "ETag: "u8 : "ETag: W/"u8);
        buffer.Write(_entityTag);
        buffer.Write("\r\n"u8);
        buffer.Write(_always);
    }

    private void WriteRange(ref HeadBuffer buffer, ContentRange range)
    {
        buffer.Write("Content-Range: bytes "u8);
        WriteBounds(ref buffer, range);
        buffer.Write("\r\n"u8);
    }

    private void WriteBounds(ref HeadBuffer buffer, ContentRange range)
    {
        buffer.Write(range.First);
        buffer.Write("-"u8);
        buffer.Write(range.Last);
        buffer.Write("/"u8);
        buffer.Write(_size);
    }
}

namespace Mainstay.Core.Http.Files;

/// <summary>Where a path names a directory without its final slash: the same with it, so that relative references of its page lead into it.</summary>
public static class DirectoryRedirect
{
    public const int Status = 301;

    /// <returns>Length of the response, which has no body, or -1 when it does not fit.</returns>
    public static int Write(Span<byte> destination, RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> date, OwnResponse how)
    {
        // A Location that begins with "//" leads to another host: at the start the path keeps one slash only.
        ReadOnlySpan<byte> path = request.Path.Of(head);
        while (path.Length > 1 && path[1] == '/') path = path[1..];
        var buffer = new HeadBuffer(destination);
        buffer.Write("HTTP/1.1 301 Moved Permanently\r\nContent-Length: 0\r\nLocation: "u8);
        buffer.Write(path);
        buffer.Write("/"u8);
        if (!request.Query.IsEmpty) buffer.Write("?"u8);
        buffer.Write(request.Query.Of(head));
        buffer.Write("\r\n"u8);
        OwnFields.Write(ref buffer, date, how);
        return buffer.Result;
    }
}

using System.Text;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>
/// A redirect whose Location is a template with {host}, {path}, {query} and {uri}. What is put in comes from a parsed request,
/// which holds no controls, no spaces and no quotes there, so that it cannot end the line.
/// </summary>
public sealed class RedirectResponse
{
    private readonly byte[] _start;
    private readonly (Part Part, byte[] Text)[] _location;

    public RedirectResponse(RouteAction.Redirect action)
    {
        Status = action.Status;
        _start = Encoding.ASCII.GetBytes($"HTTP/1.1 {Status} {StatusText.Of(Status)}\r\nContent-Length: 0\r\nLocation: ");
        _location = WithoutLeadingSlash([.. Compile(action.Location)]);
        NeedsHost = _location.Any(piece => piece.Part == Part.Host);
    }

    private enum Part : byte
    {
        Literal,
        Host,
        Path,
        Query,
        Uri,
    }

    public int Status { get; }

    /// <summary>The template has {host}: a request without one (HTTP/1.0) is to be answered 400 instead.</summary>
    public bool NeedsHost { get; }

    /// <returns>Length of the response, which has no body, or -1 when it does not fit.</returns>
    public int Write(Span<byte> destination, RequestHead request, ReadOnlySpan<byte> head, ReadOnlySpan<byte> date, OwnResponse how)
    {
        var buffer = new HeadBuffer(destination);
        buffer.Write(_start);
        for (int i = 0; i < _location.Length; i++)
        {
            (Part part, byte[] text) = _location[i];
            switch (part)
            {
                case Part.Host: buffer.Write(request.Host.Of(head)); break;
                case Part.Query: buffer.Write(request.Query.Of(head)); break;
                case Part.Path: WritePath(ref buffer, request.Path.Of(head), atStart: i == 0); break;
                case Part.Uri:
                    WritePath(ref buffer, request.Path.Of(head), atStart: i == 0);
                    if (!request.Query.IsEmpty) buffer.Write("?"u8);
                    buffer.Write(request.Query.Of(head));
                    break;
                default: buffer.Write(text); break;
            }
        }

        buffer.Write("\r\n"u8);
        OwnFields.Write(ref buffer, date, how);
        return buffer.Result;
    }

    /// <summary>A Location that starts with "//" leads to another host: at the start the path keeps one slash only.</summary>
    private static void WritePath(ref HeadBuffer buffer, ReadOnlySpan<byte> path, bool atStart)
    {
        if (path.IsEmpty || path[0] != '/') buffer.Write("/"u8);
        if (path.IsEmpty || path[0] == '*') return;
        if (atStart)
            while (path.Length > 1 && path[1] == '/') path = path[1..];
        buffer.Write(path);
    }

    /// <summary>"/{path}" would make "//evil.example" of "/evil.example": the path brings its own slash.</summary>
    private static (Part Part, byte[] Text)[] WithoutLeadingSlash((Part Part, byte[] Text)[] pieces)
    {
        bool doubled = pieces.Length > 1 && pieces[0].Part == Part.Literal && pieces[0].Text.AsSpan().IndexOfAnyExcept((byte)'/') < 0
            && pieces[1].Part is Part.Path or Part.Uri;
        return doubled ? pieces[1..] : pieces;
    }

    private static IEnumerable<(Part Part, byte[] Text)> Compile(string template)
    {
        if (template.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0) throw new ArgumentException("a location is one line", nameof(template));
        int at = 0;
        while (at < template.Length)
        {
            int open = template.IndexOf('{', at);
            int close = open < 0 ? -1 : template.IndexOf('}', open);
            Part part = close < 0 ? Part.Literal : Placeholder(template[(open + 1)..close]);
            int literalEnd = part != Part.Literal ? open : close < 0 ? template.Length : close + 1;
            if (literalEnd > at) yield return (Part.Literal, Encoding.UTF8.GetBytes(template[at..literalEnd]));
            if (part != Part.Literal) yield return (part, []);
            at = close < 0 ? template.Length : close + 1;
        }
    }

    /// <summary>Unknown names are refused by the configuration; here they stay as they are.</summary>
    private static Part Placeholder(string name) => name switch
    {
        "host" => Part.Host,
        "path" => Part.Path,
        "query" => Part.Query,
        "uri" => Part.Uri,
        _ => Part.Literal,
    };
}

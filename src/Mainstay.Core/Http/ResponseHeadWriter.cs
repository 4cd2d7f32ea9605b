namespace Mainstay.Core.Http;

/// <summary>What the writer has to know besides the response.</summary>
public readonly ref struct ResponseContext
{
    /// <summary>The client speaks HTTP/1.0: a chunked body is decoded for it and ends with the connection.</summary>
    public required bool ClientIsHttp10 { get; init; }

    /// <summary>
    /// The client's connection stays; never set where <see cref="ResponseHeadWriter.AllowsKeepAlive"/> says no.
    /// </summary>
    public required bool KeepAlive { get; init; }

    /// <summary>Add Via.</summary>
    public required bool Via { get; init; }

    /// <summary>The response came by HTTP/2, which Via tells.</summary>
    public bool Http2 { get; init; }

    /// <summary>Strict-Transport-Security as a whole line, in place of the server's own; empty = none is added.</summary>
    public ReadOnlySpan<byte> TransportSecurity { get; init; }

    /// <summary>Whole lines to add, and one received line that they replace; empty: none.</summary>
    public ReadOnlySpan<byte> Added { get; init; }
    public ByteRange Replaced { get; init; }

    /// <summary>The current time as an HTTP date, for servers that sent none (RFC 9110 section 6.6.1).</summary>
    public required ReadOnlySpan<byte> Date { get; init; }
}

/// <summary>Writes a response's head as the client gets it: HTTP/1.1, without what was meant for us.</summary>
public static class ResponseHeadWriter
{
    /// <summary>Bytes that are added at most: a size for the destination.</summary>
    public const int Overhead = 256;

    /// <summary>Whether the client can tell the end of this response without its connection being closed.</summary>
    public static bool AllowsKeepAlive(ResponseHead response, bool clientIsHttp10) => response.Body.Kind switch
    {
        BodyKind.UntilClose => false,
        BodyKind.Chunked => !clientIsHttp10,
        _ => !response.IsUpgrade,
    };

    /// <summary>An HTTP/1.0 client cannot read chunks: it gets their content (<see cref="ChunkedReader.TryRead"/>).</summary>
    public static bool MustDecode(ResponseHead response, bool clientIsHttp10) =>
        clientIsHttp10 && response.Body.Kind == BodyKind.Chunked;

    /// <returns>Length of the head, or -1 when it does not fit.</returns>
    public static int Write(Span<byte> destination, ResponseHead response, ReadOnlySpan<byte> head, in ResponseContext context)
    {
        var buffer = new HeadBuffer(destination);
        int start = WriteLine(ref buffer, response, head);
        CopyFields(ref buffer, response, head, context, start);
        if (response.IsUpgrade)
        {
            RequestHeadWriter.WriteUpgrade(ref buffer, response.Fields, head);
            buffer.Write("Connection: upgrade\r\n"u8);
        }
        else if (!response.IsInterim)
        {
            if (!context.KeepAlive) buffer.Write("Connection: close\r\n"u8);
            else if (context.ClientIsHttp10) buffer.Write("Connection: keep-alive\r\n"u8);
            if (!response.TryGet(FieldName.Date, out _)) WriteDate(ref buffer, context.Date);
            buffer.Write(context.TransportSecurity);
        }

        buffer.Write(context.Added);
        if (context.Via) buffer.Write(RequestHeadWriter.Via(response.MinorVersion, context.Http2));
        buffer.Write("\r\n"u8);
        return buffer.Result;
    }

    /// <summary>Writes what of the status line is not as received; returns where copying starts.</summary>
    private static int WriteLine(ref HeadBuffer buffer, ResponseHead response, ReadOnlySpan<byte> head)
    {
        // HTTP/1.x SP 3DIGIT SP reason: version and status are 12 bytes.
        const int statusStart = 8, statusEnd = 12;
        bool complete = response.FieldsStart > statusEnd + 2;
        if (complete && response.MinorVersion == 1) return 0;

        // The version is ours (RFC 9110 section 2.5), and the space before the reason has to be there (RFC 9112 section 4).
        buffer.Write("HTTP/1.1"u8);
        buffer.Write(head[statusStart..statusEnd]);
        if (complete) return statusEnd;
        buffer.Write(" \r\n"u8);
        return response.FieldsStart;
    }

    private static void CopyFields(ref HeadBuffer buffer, ResponseHead response, ReadOnlySpan<byte> head, in ResponseContext context, int start)
    {
        int end = response.FieldsStart;
        foreach (ref readonly HeaderField field in response.Fields)
        {
            if (IsDropped(field, response, context) || (!context.TransportSecurity.IsEmpty && TransportSecurityField.Is(field, head)))
            {
                buffer.Write(head[start..end]);
                start = field.End;
            }

            end = field.End;
        }

        if (start < end) buffer.Write(head[start..end]);
    }

    private static bool IsDropped(in HeaderField field, ResponseHead response, in ResponseContext context)
    {
        if (field.IsHopByHop || (context.Replaced.Length > 0 && field.Start == context.Replaced.Start)) return true;
        return field.Name switch
        {
            FieldName.ContentLength => response.StatusForbidsFraming,
            FieldName.TransferEncoding or FieldName.Trailer => context.ClientIsHttp10 || response.StatusForbidsFraming,
            _ => false,
        };
    }

    private static void WriteDate(ref HeadBuffer buffer, ReadOnlySpan<byte> date)
    {
        buffer.Write("Date: "u8);
        buffer.Write(date);
        buffer.Write("\r\n"u8);
    }
}

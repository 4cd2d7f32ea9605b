using System.Text;

namespace Mainstay.Core.Http.Coding;

/// <summary>
/// A response's head as a server would have sent it that codes by itself: for what is compressed on the way, and for what would be, for another
/// client.
/// </summary>
public static class CodedHead
{
    /// <summary>Bytes that are added at most.</summary>
    public const int Overhead = 128;

    /// <param name="coding">Identity: the response stays as it is, but caches learn that it depends on Accept-Encoding.</param>
    /// <returns>Length of the new head, or -1 when it does not fit.</returns>
    public static int Write(Span<byte> destination, ResponseHead response, ReadOnlySpan<byte> head, ContentCoding coding)
    {
        var buffer = new HeadBuffer(destination);
        bool isCoded = coding != ContentCoding.Identity;
        bool varies = false;

        // Chunks are HTTP/1.1, whatever the server speaks.
        buffer.Write(isCoded ? "HTTP/1.1"u8 : head[..8]);
        buffer.Write(head[8..response.FieldsStart]);
        foreach (ref readonly HeaderField field in response.Fields)
        {
            ReadOnlySpan<byte> name = field.NameRange.Of(head);
            varies |= name.Length == 4 && Ascii.EqualsIgnoreCase(name, "vary"u8) && ListsAcceptEncoding(field.ValueRange.Of(head));
            if (isCoded && IsOfTheContent(name)) continue;
            if (isCoded && IsStrongTag(name, field.ValueRange.Of(head)))
            {
                // The same content in another coding is not the same bytes (RFC 9110 section 8.8.1).
                buffer.Write("ETag: W/"u8);
                buffer.Write(field.ValueRange.Of(head));
                buffer.Write("\r\n"u8);
                continue;
            }

            buffer.Write(head[field.Start..field.End]);
        }

        if (!varies) buffer.Write("Vary: Accept-Encoding\r\n"u8);
        if (isCoded)
        {
            buffer.Write("Content-Encoding: "u8);
            buffer.Write(coding.Name());
            buffer.Write("\r\nTransfer-Encoding: chunked\r\n"u8);
        }

        buffer.Write("\r\n"u8);
        return buffer.Result;
    }

    /// <summary>Fields that are about the bytes as the server sent them.</summary>
    private static bool IsOfTheContent(ReadOnlySpan<byte> name) => name.Length switch
    {
        6 => Ascii.EqualsIgnoreCase(name, "digest"u8),
        11 => Ascii.EqualsIgnoreCase(name, "content-md5"u8) || Ascii.EqualsIgnoreCase(name, "repr-digest"u8),
        13 => Ascii.EqualsIgnoreCase(name, "accept-ranges"u8),
        14 => Ascii.EqualsIgnoreCase(name, "content-length"u8) || Ascii.EqualsIgnoreCase(name, "content-digest"u8),
        16 => Ascii.EqualsIgnoreCase(name, "content-encoding"u8),
        17 => Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8),
        _ => false,
    };

    private static bool IsStrongTag(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value) =>
        name.Length == 4 && Ascii.EqualsIgnoreCase(name, "etag"u8) && value.StartsWith("\""u8);

    private static bool ListsAcceptEncoding(ReadOnlySpan<byte> vary)
    {
        while (HttpBytes.TryNextMember(ref vary, out ReadOnlySpan<byte> name))
            if (name is [(byte)'*'] || Ascii.EqualsIgnoreCase(name, "accept-encoding"u8)) return true;
        return false;
    }
}

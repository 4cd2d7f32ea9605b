using System.Text;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>How a response that the proxy makes itself ends, and whether its body is left out.</summary>
/// <param name="KeepAlive">The client's connection stays.</param>
/// <param name="ClientIsHttp10">Then keeping it has to be said.</param>
/// <param name="IsHead">The request was HEAD: no body, the same fields (RFC 9110 section 9.3.2).</param>
/// <param name="TransportSecurity">As with <see cref="ResponseContext.TransportSecurity"/>; null = none.</param>
public readonly record struct OwnResponse(bool KeepAlive, bool ClientIsHttp10, bool IsHead, byte[]? TransportSecurity = null);

/// <summary>A complete response, built once; only date, connection and body differ from one answer to the next.</summary>
public sealed class FixedResponse
{
    private readonly byte[] _head;
    private readonly byte[] _body;

    /// <param name="contentType">Empty: none is sent.</param>
    /// <param name="fields">Further header fields, each with its CRLF.</param>
    public FixedResponse(int status, string body, string contentType, string fields = "")
    {
        if (contentType.AsSpan().IndexOfAny('\r', '\n', '\0') >= 0) throw new ArgumentException("a content type is one line", nameof(contentType));
        Status = status;
        bool bodyless = status is < 200 or 204 or 304;
        _body = bodyless ? [] : Encoding.UTF8.GetBytes(body);
        var head = new StringBuilder($"HTTP/1.1 {status} {StatusText.Of(status)}\r\n{fields}");
        if (_body.Length > 0 && contentType.Length > 0) head.Append($"Content-Type: {contentType}\r\n");
        if (!bodyless) head.Append($"Content-Length: {_body.Length}\r\n");
        _head = Encoding.UTF8.GetBytes(head.ToString());
    }

    public FixedResponse(RouteAction.Respond action)
        : this(action.Status, action.Body, action.ContentType)
    {
    }

    public int Status { get; }

    /// <summary>What a destination has to hold at most.</summary>
    public int MaxLength => _head.Length + _body.Length + OwnFields.MaxLength;

    /// <param name="fields">Further header fields, each with its line end.</param>
    /// <returns>Length of the whole response, or -1 when it does not fit.</returns>
    public int Write(Span<byte> destination, ReadOnlySpan<byte> date, OwnResponse how, scoped ReadOnlySpan<byte> fields = default)
    {
        var buffer = new HeadBuffer(destination);
        buffer.Write(_head);
        buffer.Write(fields);
        OwnFields.Write(ref buffer, date, how);
        if (!how.IsHead) buffer.Write(_body);
        return buffer.Result;
    }
}

/// <summary>The end of the head of every response that the proxy makes itself.</summary>
internal static class OwnFields
{
    /// <summary>Date, Strict-Transport-Security, Connection: keep-alive and the empty line.</summary>
    public const int MaxLength = 6 + HttpDate.Length + 2 + 24 + 2 + TransportSecurityField.MaxLength;

    public static void Write(ref HeadBuffer buffer, ReadOnlySpan<byte> date, OwnResponse how)
    {
        buffer.Write("Date: "u8);
        buffer.Write(date);
        if (how.TransportSecurity is { } line)
        {
            buffer.Write("\r\n"u8);
            buffer.Write(line.AsSpan(0, line.Length - 2));
        }

        if (!how.KeepAlive) buffer.Write("\r\nConnection: close\r\n\r\n"u8);
        else buffer.Write(how.ClientIsHttp10 ? "\r\nConnection: keep-alive\r\n\r\n"u8 : "\r\n\r\n"u8);
    }
}

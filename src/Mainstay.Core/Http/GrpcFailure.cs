using System.Text;

namespace Mainstay.Core.Http;

/// <summary>
/// What a gRPC client is told when the proxy refuses or fails a call: "Trailers-Only", a head with 200 that is the response's end too and
/// carries grpc-status (gRPC over HTTP/2, section Responses). The status follows from that of HTTP as gRPC's own mapping has it.
/// </summary>
public static class GrpcFailure
{
    /// <summary>Whether the request is a call of gRPC.</summary>
    /// <param name="head">As it was made of an HTTP/2 request: names in lower case.</param>
    public static bool IsAsked(ReadOnlySpan<byte> head) => head.IndexOf("\r\ncontent-type: application/grpc"u8) >= 0;

    /// <returns>Length of the head, or -1 when it does not fit.</returns>
    public static int Write(Span<byte> destination, Outcome outcome, ReadOnlySpan<byte> date)
    {
        var buffer = new HeadBuffer(destination);
        buffer.Write("HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: "u8);
        buffer.Write(StatusOf(outcome.Status));
        buffer.Write("\r\ngrpc-message: "u8);

        // Labels are letters and hyphens, which need no percent-encoding.
        string label = outcome.CauseLabel;
        Encoding.ASCII.GetBytes(label, buffer.Reserve(label.Length));
        buffer.Write("\r\ndate: "u8);
        buffer.Write(date);
        buffer.Write("\r\n\r\n"u8);
        return buffer.Result;
    }

    /// <summary>INTERNAL 13, UNAUTHENTICATED 16, PERMISSION_DENIED 7, UNIMPLEMENTED 12, UNAVAILABLE 14, UNKNOWN 2.</summary>
    private static int StatusOf(int status) => status switch
    {
        400 => 13,
        401 => 16,
        403 => 7,
        404 => 12,
        429 or 502 or 503 or 504 => 14,
        _ => 2,
    };
}

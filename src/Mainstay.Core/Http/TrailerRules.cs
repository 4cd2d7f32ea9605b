using System.Text;

namespace Mainstay.Core.Http;

/// <summary>
/// Fields that must not come in a trailer (RFC 9110 section 6.5.1): a receiver that merges the trailer into the head would let
/// them change framing, routing, authentication or how the content is read, after the decision was made.
/// </summary>
internal static class TrailerRules
{
    private static readonly byte[][] s_forbidden =
    [
        // framing and connection
        .. Names("content-length", "transfer-encoding", "trailer", "connection", "keep-alive", "upgrade", "te", "http2-settings"),

        // routing and who the client is
        .. Names("host", "forwarded", "via", "max-forwards"),

        // request modifiers and conditions
        .. Names("expect", "range", "cache-control", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"),

        // authentication
        .. Names("authorization", "cookie", "set-cookie", "www-authenticate", "authentication-info"),

        // response control
        .. Names("age", "date", "expires", "location", "retry-after", "vary", "warning"),

        // how the content is read
        .. Names("content-type", "content-encoding", "content-range"),
    ];

    public static bool IsForbidden(ReadOnlySpan<byte> name)
    {
        FieldName known = FieldNames.Parse(name);
        if (known is FieldName.Proxy or FieldName.XForwardedFor or FieldName.XForwardedHost or FieldName.XForwardedProto
            or FieldName.ForwardedVariant) return true;
        foreach (byte[] forbidden in s_forbidden)
            if (Ascii.EqualsIgnoreCase(name, forbidden)) return true;
        return false;
    }

    private static IEnumerable<byte[]> Names(params string[] names) => names.Select(Encoding.ASCII.GetBytes);
}

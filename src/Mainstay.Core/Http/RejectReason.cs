namespace Mainstay.Core.Http;

/// <summary>
/// Why a message was refused: one member for each cause. Status and metrics label are in <see cref="RejectReasons"/>.
/// </summary>
public enum RejectReason : byte
{
    None,

    // request line
    TlsOnPlainPort,
    PlainOnTlsPort,
    InvalidMethod,
    MethodTooLong,
    InvalidRequestLine,
    RequestLineTooLong,
    InvalidTarget,
    InvalidPathEncoding,
    AmbiguousPath,
    InvalidVersion,
    UnsupportedVersion,
    ConnectNotSupported,

    // head
    BareLf,
    BareCr,
    ControlByte,
    HeadTooLarge,
    TooManyFields,
    FoldedLine,
    MissingColon,
    EmptyFieldName,
    SpaceBeforeColon,
    InvalidFieldName,
    MissingHost,
    DuplicateHost,
    InvalidHost,
    InvalidConnection,
    UnknownExpectation,

    // body framing
    LengthAndChunked,
    DuplicateLength,
    InvalidLength,
    BodyTooLarge,
    InvalidTransferEncoding,
    UnsupportedTransferCoding,
    TransferEncodingInHttp10,

    // chunked body
    InvalidChunkSize,
    ChunkSizeOverflow,
    InvalidChunkExtension,
    ChunkExtensionTooLarge,
    InvalidChunkEnd,
    InvalidTrailer,
    ForbiddenTrailer,
    TrailerTooLarge,

    // responses
    InvalidStatusLine,
    UnexpectedUpgrade,
    ForbiddenFraming,

    // paths of files
    HiddenFile,
    SeparatorInName,
    ControlInName,
    NameNotUtf8,
    FilePathTooLong,
}

/// <summary>The table behind <see cref="RejectReason"/>.</summary>
public static class RejectReasons
{
    /// <summary>
    /// Status for the client when its request is refused, and the label of the counter. A response refused for the same
    /// reason is answered 502 whatever is written here.
    /// </summary>
    private static readonly (RejectReason Reason, int Status, string Label)[] s_table =
    [
        (RejectReason.None, 0, "none"),
        (RejectReason.TlsOnPlainPort, 400, "tls-on-plain-port"),
        (RejectReason.PlainOnTlsPort, 400, "plain-on-tls-port"),
        (RejectReason.InvalidMethod, 400, "invalid-method"),                          // RFC 9110 9.1: a token
        (RejectReason.MethodTooLong, 501, "method-too-long"),                         // RFC 9112 3.1
        (RejectReason.InvalidRequestLine, 400, "invalid-request-line"),               // RFC 9112 3
        (RejectReason.RequestLineTooLong, 414, "request-line-too-long"),              // RFC 9112 3
        (RejectReason.InvalidTarget, 400, "invalid-target"),                          // RFC 9112 3.2
        (RejectReason.InvalidPathEncoding, 400, "invalid-path-encoding"),             // RFC 3986 2.1
        (RejectReason.AmbiguousPath, 400, "ambiguous-path"),                          // docs/http.md, paths
        (RejectReason.InvalidVersion, 400, "invalid-version"),                        // RFC 9112 2.3
        (RejectReason.UnsupportedVersion, 505, "unsupported-version"),                // RFC 9110 15.6.6
        (RejectReason.ConnectNotSupported, 501, "connect-not-supported"),             // RFC 9110 9.3.6
        (RejectReason.BareLf, 400, "bare-lf"),                                        // RFC 9112 2.2
        (RejectReason.BareCr, 400, "bare-cr"),                                        // RFC 9112 2.2
        (RejectReason.ControlByte, 400, "control-byte"),                              // RFC 9110 5.5
        (RejectReason.HeadTooLarge, 431, "head-too-large"),                           // RFC 6585 5
        (RejectReason.TooManyFields, 431, "too-many-fields"),                         // RFC 6585 5
        (RejectReason.FoldedLine, 400, "folded-line"),                                // RFC 9112 5.2
        (RejectReason.MissingColon, 400, "missing-colon"),                            // RFC 9112 5
        (RejectReason.EmptyFieldName, 400, "empty-field-name"),                       // RFC 9110 5.1
        (RejectReason.SpaceBeforeColon, 400, "space-before-colon"),                   // RFC 9112 5.1
        (RejectReason.InvalidFieldName, 400, "invalid-field-name"),                   // RFC 9110 5.1
        (RejectReason.MissingHost, 400, "missing-host"),                              // RFC 9112 3.2
        (RejectReason.DuplicateHost, 400, "duplicate-host"),                          // RFC 9112 3.2
        (RejectReason.InvalidHost, 400, "invalid-host"),                              // RFC 9112 3.2
        (RejectReason.InvalidConnection, 400, "invalid-connection"),                  // RFC 9110 7.6.1
        (RejectReason.UnknownExpectation, 417, "unknown-expectation"),                // RFC 9110 10.1.1
        (RejectReason.LengthAndChunked, 400, "length-and-chunked"),                   // RFC 9112 6.1
        (RejectReason.DuplicateLength, 400, "duplicate-length"),                      // RFC 9110 8.6
        (RejectReason.InvalidLength, 400, "invalid-length"),                          // RFC 9112 6.3
        (RejectReason.BodyTooLarge, 413, "body-too-large"),                           // RFC 9110 15.5.14
        (RejectReason.InvalidTransferEncoding, 400, "invalid-transfer-encoding"),     // RFC 9112 6.3
        (RejectReason.UnsupportedTransferCoding, 501, "unsupported-transfer-coding"), // RFC 9112 6.1
        (RejectReason.TransferEncodingInHttp10, 400, "transfer-encoding-in-http10"),  // RFC 9112 6.1
        (RejectReason.InvalidChunkSize, 400, "invalid-chunk-size"),                   // RFC 9112 7.1
        (RejectReason.ChunkSizeOverflow, 400, "chunk-size-overflow"),                 // RFC 9112 7.1
        (RejectReason.InvalidChunkExtension, 400, "invalid-chunk-extension"),         // RFC 9112 7.1.1
        (RejectReason.ChunkExtensionTooLarge, 400, "chunk-extension-too-large"),      // RFC 9112 7.1.1
        (RejectReason.InvalidChunkEnd, 400, "invalid-chunk-end"),                     // RFC 9112 7.1
        (RejectReason.InvalidTrailer, 400, "invalid-trailer"),                        // RFC 9112 7.1.2
        (RejectReason.ForbiddenTrailer, 400, "forbidden-trailer"),                    // RFC 9110 6.5.1
        (RejectReason.TrailerTooLarge, 431, "trailer-too-large"),                     // RFC 6585 5
        (RejectReason.InvalidStatusLine, 502, "invalid-status-line"),                 // RFC 9112 4
        (RejectReason.UnexpectedUpgrade, 502, "unexpected-upgrade"),                  // RFC 9110 15.2.2
        (RejectReason.ForbiddenFraming, 502, "forbidden-framing"),                    // RFC 9112 6.1: body framing in 1xx, 204
        (RejectReason.HiddenFile, 404, "hidden-file"),                                // docs/files.md, what is never served
        (RejectReason.SeparatorInName, 404, "separator-in-name"),                     // an encoded '/' or '\\'
        (RejectReason.ControlInName, 404, "control-in-name"),
        (RejectReason.NameNotUtf8, 404, "name-not-utf8"),                             // RFC 3629 3: overlong forms too
        (RejectReason.FilePathTooLong, 404, "file-path-too-long"),                    // NAME_MAX, PATH_MAX
    ];

    public static int Count => s_table.Length;

    /// <summary>Status to answer a refused request with; 0 for <see cref="RejectReason.None"/>.</summary>
    public static int Status(this RejectReason reason) => s_table[(int)reason].Status;

    /// <summary>Stable name for metrics and logs.</summary>
    public static string Label(this RejectReason reason) => s_table[(int)reason].Label;
}

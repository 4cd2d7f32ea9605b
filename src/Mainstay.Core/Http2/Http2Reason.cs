namespace Mainstay.Core.Http2;

/// <summary>What an error ends.</summary>
public enum ErrorScope : byte
{
    None,

    /// <summary>RST_STREAM; the connection goes on (RFC 9113 section 5.4.2).</summary>
    Stream,

    /// <summary>GOAWAY, then the connection is closed (RFC 9113 section 5.4.1).</summary>
    Connection,

    /// <summary>A request is answered with a status, a response taken for a failure of its server; nothing is broken.</summary>
    Message,
}

/// <summary>
/// Why a stream or a connection was ended, one member for each cause. Error code, section and label are in
/// <see cref="Http2Reasons"/>; <see cref="Http2Workspace.Counters"/> counts them.
/// </summary>
public enum Http2Reason : byte
{
    None,

    // frames
    InvalidPreface,
    SettingsExpected,
    FrameTooLarge,
    FrameSizeWrong,
    PrioritySizeWrong,
    StreamZero,
    StreamNotZero,
    PaddingTooLong,
    ContinuationExpected,
    ContinuationUnexpected,
    PushRefused,
    PriorityUpdateInvalid,
    SelfDependency,

    // streams
    StreamIdOfOtherSide,
    StreamIdNotIncreasing,
    StreamIdle,
    StreamEnded,
    StreamHalfClosed,
    StreamReset,
    TooManyStreams,
    Draining,

    // settings and windows
    SettingsAckNotEmpty,
    InvalidEnablePush,
    InvalidInitialWindow,
    InvalidMaxFrameSize,
    InvalidConnectProtocol,
    InvalidNoPriorities,
    SettingsWindowOverflow,
    WindowIncrementZero,
    StreamIncrementZero,
    ConnectionWindowOverflow,
    StreamWindowOverflow,
    ConnectionWindowExceeded,
    StreamWindowExceeded,

    // field compression
    HpackTruncated,
    HpackIntegerTooLarge,
    HpackIndexZero,
    HpackIndexTooLarge,
    HuffmanInvalid,
    HuffmanPadding,
    TableSizeTooLarge,
    TableSizeUpdateLate,
    TableSizeUpdatesTooMany,
    FieldBlockTooLarge,
    TooManyContinuations,

    // fields
    EmptyFieldName,
    UpperCaseFieldName,
    InvalidFieldName,
    InvalidFieldValue,
    FieldValueWhitespace,
    ConnectionSpecificField,
    InvalidTe,
    UnknownPseudoField,
    MisplacedPseudoField,
    DuplicatePseudoField,
    PseudoFieldAfterField,
    PseudoFieldInTrailer,

    // messages
    MissingMethod,
    MissingScheme,
    MissingPath,
    MissingStatus,
    MissingAuthority,
    InvalidMethod,
    InvalidScheme,
    InvalidPath,
    InvalidAuthority,
    HostMismatch,
    DuplicateHost,
    InvalidStatus,
    SwitchingProtocols,
    InvalidConnect,
    ProtocolNotConnect,
    ProtocolUnknown,
    InvalidContentLength,
    DuplicateContentLength,
    ContentLengthMismatch,
    TrailerNotLast,
    InterimIsLast,
    ContentBeforeHead,
    ForbiddenContent,
    HeadTooLarge,
    TooManyFields,

    // floods
    ResetFlood,
    ProvokedResetFlood,
    SettingsFlood,
    PingFlood,
    EmptyFrameFlood,
    PriorityFlood,
    WindowUpdateFlood,
    UselessFrameFlood,
    OversizedHeadFlood,

    // by our own side
    SettingsTimeout,
    Cancelled,
}

/// <summary>The table behind <see cref="Http2Reason"/>.</summary>
public static class Http2Reasons
{
    private const ErrorScope OfConnection = ErrorScope.Connection, OfStream = ErrorScope.Stream, OfMessage = ErrorScope.Message;

    private static readonly (Http2Reason Reason, ErrorScope Scope, ErrorCode Code, string Section, string Label)[] s_table =
    [
        (Http2Reason.None, ErrorScope.None, ErrorCode.NoError, "", "none"),

        (Http2Reason.InvalidPreface, OfConnection, ErrorCode.ProtocolError, "3.4", "invalid-preface"),
        (Http2Reason.SettingsExpected, OfConnection, ErrorCode.ProtocolError, "3.4", "settings-expected"),
        (Http2Reason.FrameTooLarge, OfConnection, ErrorCode.FrameSizeError, "4.2", "frame-too-large"),
        (Http2Reason.FrameSizeWrong, OfConnection, ErrorCode.FrameSizeError, "4.2", "frame-size-wrong"),
        (Http2Reason.PrioritySizeWrong, OfStream, ErrorCode.FrameSizeError, "6.3", "priority-size-wrong"),
        (Http2Reason.StreamZero, OfConnection, ErrorCode.ProtocolError, "5.1.1", "stream-zero"),
        (Http2Reason.StreamNotZero, OfConnection, ErrorCode.ProtocolError, "5.1.1", "stream-not-zero"),
        (Http2Reason.PaddingTooLong, OfConnection, ErrorCode.ProtocolError, "6.1", "padding-too-long"),
        (Http2Reason.ContinuationExpected, OfConnection, ErrorCode.ProtocolError, "6.2", "continuation-expected"),
        (Http2Reason.ContinuationUnexpected, OfConnection, ErrorCode.ProtocolError, "6.10", "continuation-unexpected"),
        (Http2Reason.PushRefused, OfConnection, ErrorCode.ProtocolError, "8.4", "push-refused"),
        (Http2Reason.PriorityUpdateInvalid, OfConnection, ErrorCode.ProtocolError, "RFC 9218 7.1", "priority-update-invalid"),
        (Http2Reason.SelfDependency, OfStream, ErrorCode.ProtocolError, "RFC 7540 5.3.1", "self-dependency"),

        (Http2Reason.StreamIdOfOtherSide, OfConnection, ErrorCode.ProtocolError, "5.1.1", "stream-id-of-other-side"),
        (Http2Reason.StreamIdNotIncreasing, OfConnection, ErrorCode.ProtocolError, "5.1.1", "stream-id-not-increasing"),
        (Http2Reason.StreamIdle, OfConnection, ErrorCode.ProtocolError, "5.1", "stream-idle"),
        (Http2Reason.StreamEnded, OfConnection, ErrorCode.StreamClosed, "5.1", "stream-ended"),
        (Http2Reason.StreamHalfClosed, OfStream, ErrorCode.StreamClosed, "5.1", "stream-half-closed"),
        (Http2Reason.StreamReset, OfStream, ErrorCode.StreamClosed, "5.1", "stream-reset"),
        (Http2Reason.TooManyStreams, OfStream, ErrorCode.RefusedStream, "5.1.2", "too-many-streams"),
        (Http2Reason.Draining, OfStream, ErrorCode.RefusedStream, "6.8", "draining"),

        (Http2Reason.SettingsAckNotEmpty, OfConnection, ErrorCode.FrameSizeError, "6.5", "settings-ack-not-empty"),
        (Http2Reason.InvalidEnablePush, OfConnection, ErrorCode.ProtocolError, "6.5.2", "invalid-enable-push"),
        (Http2Reason.InvalidInitialWindow, OfConnection, ErrorCode.FlowControlError, "6.5.2", "invalid-initial-window"),
        (Http2Reason.InvalidMaxFrameSize, OfConnection, ErrorCode.ProtocolError, "6.5.2", "invalid-max-frame-size"),
        (Http2Reason.InvalidConnectProtocol, OfConnection, ErrorCode.ProtocolError, "RFC 8441 3", "invalid-connect-protocol"),
        (Http2Reason.InvalidNoPriorities, OfConnection, ErrorCode.ProtocolError, "RFC 9218 2.1", "invalid-no-priorities"),
        (Http2Reason.SettingsWindowOverflow, OfConnection, ErrorCode.FlowControlError, "6.9.2", "settings-window-overflow"),
        (Http2Reason.WindowIncrementZero, OfConnection, ErrorCode.ProtocolError, "6.9", "window-increment-zero"),
        (Http2Reason.StreamIncrementZero, OfStream, ErrorCode.ProtocolError, "6.9", "stream-increment-zero"),
        (Http2Reason.ConnectionWindowOverflow, OfConnection, ErrorCode.FlowControlError, "6.9.1", "connection-window-overflow"),
        (Http2Reason.StreamWindowOverflow, OfStream, ErrorCode.FlowControlError, "6.9.1", "stream-window-overflow"),
        (Http2Reason.ConnectionWindowExceeded, OfConnection, ErrorCode.FlowControlError, "6.9.1", "connection-window-exceeded"),
        (Http2Reason.StreamWindowExceeded, OfStream, ErrorCode.FlowControlError, "6.9.1", "stream-window-exceeded"),

        (Http2Reason.HpackTruncated, OfConnection, ErrorCode.CompressionError, "RFC 7541 2.2", "hpack-truncated"),
        (Http2Reason.HpackIntegerTooLarge, OfConnection, ErrorCode.CompressionError, "RFC 7541 5.1", "hpack-integer-too-large"),
        (Http2Reason.HpackIndexZero, OfConnection, ErrorCode.CompressionError, "RFC 7541 6.1", "hpack-index-zero"),
        (Http2Reason.HpackIndexTooLarge, OfConnection, ErrorCode.CompressionError, "RFC 7541 2.3.3", "hpack-index-too-large"),
        (Http2Reason.HuffmanInvalid, OfConnection, ErrorCode.CompressionError, "RFC 7541 5.2", "huffman-invalid"),
        (Http2Reason.HuffmanPadding, OfConnection, ErrorCode.CompressionError, "RFC 7541 5.2", "huffman-padding"),
        (Http2Reason.TableSizeTooLarge, OfConnection, ErrorCode.CompressionError, "RFC 7541 6.3", "table-size-too-large"),
        (Http2Reason.TableSizeUpdateLate, OfConnection, ErrorCode.CompressionError, "RFC 7541 4.2", "table-size-update-late"),
        (Http2Reason.TableSizeUpdatesTooMany, OfConnection, ErrorCode.CompressionError, "RFC 7541 4.2", "table-size-updates-too-many"),
        (Http2Reason.FieldBlockTooLarge, OfConnection, ErrorCode.EnhanceYourCalm, "10.5.1", "field-block-too-large"),
        (Http2Reason.TooManyContinuations, OfConnection, ErrorCode.EnhanceYourCalm, "10.5", "too-many-continuations"),

        (Http2Reason.EmptyFieldName, OfStream, ErrorCode.ProtocolError, "8.2.1", "empty-field-name"),
        (Http2Reason.UpperCaseFieldName, OfStream, ErrorCode.ProtocolError, "8.2.1", "upper-case-field-name"),
        (Http2Reason.InvalidFieldName, OfStream, ErrorCode.ProtocolError, "8.2.1", "invalid-field-name"),
        (Http2Reason.InvalidFieldValue, OfStream, ErrorCode.ProtocolError, "8.2.1", "invalid-field-value"),
        (Http2Reason.FieldValueWhitespace, OfStream, ErrorCode.ProtocolError, "8.2.1", "field-value-whitespace"),
        (Http2Reason.ConnectionSpecificField, OfStream, ErrorCode.ProtocolError, "8.2.2", "connection-specific-field"),
        (Http2Reason.InvalidTe, OfStream, ErrorCode.ProtocolError, "8.2.2", "invalid-te"),
        (Http2Reason.UnknownPseudoField, OfStream, ErrorCode.ProtocolError, "8.3", "unknown-pseudo-field"),
        (Http2Reason.MisplacedPseudoField, OfStream, ErrorCode.ProtocolError, "8.3", "misplaced-pseudo-field"),
        (Http2Reason.DuplicatePseudoField, OfStream, ErrorCode.ProtocolError, "8.3", "duplicate-pseudo-field"),
        (Http2Reason.PseudoFieldAfterField, OfStream, ErrorCode.ProtocolError, "8.3", "pseudo-field-after-field"),
        (Http2Reason.PseudoFieldInTrailer, OfStream, ErrorCode.ProtocolError, "8.1", "pseudo-field-in-trailer"),

        (Http2Reason.MissingMethod, OfStream, ErrorCode.ProtocolError, "8.3.1", "missing-method"),
        (Http2Reason.MissingScheme, OfStream, ErrorCode.ProtocolError, "8.3.1", "missing-scheme"),
        (Http2Reason.MissingPath, OfStream, ErrorCode.ProtocolError, "8.3.1", "missing-path"),
        (Http2Reason.MissingStatus, OfStream, ErrorCode.ProtocolError, "8.3.2", "missing-status"),
        (Http2Reason.MissingAuthority, OfStream, ErrorCode.ProtocolError, "8.3.1", "missing-authority"),
        (Http2Reason.InvalidMethod, OfStream, ErrorCode.ProtocolError, "8.3.1", "invalid-method"),
        (Http2Reason.InvalidScheme, OfStream, ErrorCode.ProtocolError, "8.3.1", "invalid-scheme"),
        (Http2Reason.InvalidPath, OfStream, ErrorCode.ProtocolError, "8.3.1", "invalid-path"),
        (Http2Reason.InvalidAuthority, OfStream, ErrorCode.ProtocolError, "8.3.1", "invalid-authority"),
        (Http2Reason.HostMismatch, OfStream, ErrorCode.ProtocolError, "8.3.1", "host-mismatch"),
        (Http2Reason.DuplicateHost, OfStream, ErrorCode.ProtocolError, "RFC 9110 7.2", "duplicate-host"),
        (Http2Reason.InvalidStatus, OfStream, ErrorCode.ProtocolError, "8.3.2", "invalid-status"),
        (Http2Reason.SwitchingProtocols, OfStream, ErrorCode.ProtocolError, "8.6", "switching-protocols"),
        (Http2Reason.InvalidConnect, OfStream, ErrorCode.ProtocolError, "8.5", "invalid-connect"),
        (Http2Reason.ProtocolNotConnect, OfStream, ErrorCode.ProtocolError, "RFC 8441 4", "protocol-not-connect"),
        (Http2Reason.ProtocolUnknown, OfMessage, ErrorCode.NoError, "RFC 8441 4", "protocol-unknown"),
        (Http2Reason.InvalidContentLength, OfStream, ErrorCode.ProtocolError, "8.1.1", "invalid-content-length"),
        (Http2Reason.DuplicateContentLength, OfStream, ErrorCode.ProtocolError, "8.1.1", "duplicate-content-length"),
        (Http2Reason.ContentLengthMismatch, OfStream, ErrorCode.ProtocolError, "8.1.1", "content-length-mismatch"),
        (Http2Reason.TrailerNotLast, OfStream, ErrorCode.ProtocolError, "8.1", "trailer-not-last"),
        (Http2Reason.InterimIsLast, OfStream, ErrorCode.ProtocolError, "8.1", "interim-is-last"),
        (Http2Reason.ContentBeforeHead, OfStream, ErrorCode.ProtocolError, "8.1", "content-before-head"),
        (Http2Reason.ForbiddenContent, OfStream, ErrorCode.ProtocolError, "8.1.1", "forbidden-content"),
        (Http2Reason.HeadTooLarge, OfMessage, ErrorCode.EnhanceYourCalm, "10.5.1", "head-too-large"),
        (Http2Reason.TooManyFields, OfMessage, ErrorCode.EnhanceYourCalm, "10.5.1", "too-many-fields"),

        (Http2Reason.ResetFlood, OfConnection, ErrorCode.EnhanceYourCalm, "10.5", "reset-flood"),
        (Http2Reason.ProvokedResetFlood, OfConnection, ErrorCode.EnhanceYourCalm, "10.5", "provoked-reset-flood"),
        (Http2Reason.SettingsFlood, OfConnection, ErrorCode.EnhanceYourCalm, "10.5", "settings-flood"),
        (Http2Reason.PingFlood, OfConnection, ErrorCode.EnhanceYourCalm, "10.5", "ping-flood"),
        (Http2Reason.EmptyFrameFlood, OfConnection, ErrorCode.EnhanceYourCalm, "10.5", "empty-frame-flood"),
        (Http2Reason.PriorityFlood, OfConnection, ErrorCode.EnhanceYourCalm, "10.5", "priority-flood"),
        (Http2Reason.WindowUpdateFlood, OfConnection, ErrorCode.EnhanceYourCalm, "10.5", "window-update-flood"),
        (Http2Reason.UselessFrameFlood, OfConnection, ErrorCode.EnhanceYourCalm, "10.5", "useless-frame-flood"),
        (Http2Reason.OversizedHeadFlood, OfConnection, ErrorCode.EnhanceYourCalm, "10.5.1", "oversized-head-flood"),

        (Http2Reason.SettingsTimeout, OfConnection, ErrorCode.SettingsTimeout, "6.5.3", "settings-timeout"),
        (Http2Reason.Cancelled, OfStream, ErrorCode.Cancel, "5.4.2", "cancelled"),
    ];

    public static int Count => s_table.Length;

    public static ErrorScope Scope(this Http2Reason reason) => s_table[(int)reason].Scope;

    /// <summary>What the peer is told.</summary>
    public static ErrorCode Code(this Http2Reason reason) => s_table[(int)reason].Code;

    /// <summary>Of RFC 9113, unless another is named.</summary>
    public static string Section(this Http2Reason reason) => s_table[(int)reason].Section;

    /// <summary>Stable name for metrics and logs.</summary>
    public static string Label(this Http2Reason reason) => s_table[(int)reason].Label;
}

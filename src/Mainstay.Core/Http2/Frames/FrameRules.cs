namespace Mainstay.Core.Http2;

/// <summary>Which streams a type of frame may come on.</summary>
internal enum StreamRule : byte
{
    OnStream,
    OnConnection,
    Either,
}

/// <summary>What RFC 9113 section 6 (and RFC 9218) says of one type of frame.</summary>
/// <param name="Flags">Those that mean something; others are ignored (section 4.1).</param>
/// <param name="MinLength">Of the payload, in bytes.</param>
/// <param name="MaxLength">Of the payload; -1 when only SETTINGS_MAX_FRAME_SIZE bounds it.</param>
/// <param name="Multiple">The payload is a multiple of so many bytes.</param>
internal readonly record struct FrameRule(
    FrameType Type, FrameFlags Flags, StreamRule Stream, int MinLength, int MaxLength, int Multiple, Http2Reason WrongSize);

/// <summary>The legality of frames as a table.</summary>
internal static class FrameRules
{
    private const FrameFlags Body = FrameFlags.EndStream | FrameFlags.Padded;
    private const FrameFlags Head = Body | FrameFlags.EndHeaders | FrameFlags.Priority;

    /// <summary>In the order of their types; PRIORITY_UPDATE is the last.</summary>
    private static readonly FrameRule[] s_rules =
    [
        new(FrameType.Data, Body, StreamRule.OnStream, 0, -1, 1, Http2Reason.FrameSizeWrong),                        // 6.1
        new(FrameType.Headers, Head, StreamRule.OnStream, 0, -1, 1, Http2Reason.FrameSizeWrong),                     // 6.2
        new(FrameType.Priority, 0, StreamRule.OnStream, 5, 5, 1, Http2Reason.PrioritySizeWrong),                     // 6.3: a stream error
        new(FrameType.RstStream, 0, StreamRule.OnStream, 4, 4, 1, Http2Reason.FrameSizeWrong),                       // 6.4
        new(FrameType.Settings, FrameFlags.Ack, StreamRule.OnConnection, 0, -1, 6, Http2Reason.FrameSizeWrong),      // 6.5
        new(FrameType.PushPromise, FrameFlags.EndHeaders | FrameFlags.Padded, StreamRule.OnStream, 4, -1, 1, Http2Reason.FrameSizeWrong), // 6.6
        new(FrameType.Ping, FrameFlags.Ack, StreamRule.OnConnection, 8, 8, 1, Http2Reason.FrameSizeWrong),           // 6.7
        new(FrameType.GoAway, 0, StreamRule.OnConnection, 8, -1, 1, Http2Reason.FrameSizeWrong),                     // 6.8
        new(FrameType.WindowUpdate, 0, StreamRule.Either, 4, 4, 1, Http2Reason.FrameSizeWrong),                      // 6.9
        new(FrameType.Continuation, FrameFlags.EndHeaders, StreamRule.OnStream, 0, -1, 1, Http2Reason.FrameSizeWrong), // 6.10
        new(FrameType.PriorityUpdate, 0, StreamRule.OnConnection, 4, -1, 1, Http2Reason.FrameSizeWrong),             // RFC 9218 7.1
    ];

    public static ReadOnlySpan<FrameRule> All => s_rules;

    /// <summary>False for a type that is not known: to be ignored, whatever its stream and length.</summary>
    public static bool TryFind(FrameType type, out FrameRule rule)
    {
        int index = type == FrameType.PriorityUpdate ? s_rules.Length - 1 : (int)type;
        bool known = type is <= FrameType.Continuation or FrameType.PriorityUpdate;
        rule = known ? s_rules[index] : default;
        return known;
    }

    /// <summary>Checks a header against the table and SETTINGS_MAX_FRAME_SIZE (section 4.2); nothing of the payload is needed.</summary>
    public static Http2Reason Check(in FrameHeader header, int maxFrameSize)
    {
        if (header.Length > maxFrameSize) return Http2Reason.FrameTooLarge;
        if (!TryFind(header.Type, out FrameRule rule)) return Http2Reason.None;
        if (rule.Stream == StreamRule.OnStream && header.StreamId == 0) return Http2Reason.StreamZero;
        if (rule.Stream == StreamRule.OnConnection && header.StreamId != 0) return Http2Reason.StreamNotZero;
        bool fits = header.Length >= rule.MinLength && (rule.MaxLength < 0 || header.Length <= rule.MaxLength)
            && (rule.Multiple == 1 || header.Length % rule.Multiple == 0);
        return fits ? Http2Reason.None : rule.WrongSize;
    }
}

using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Logging;

namespace Mainstay.Core.Http;

/// <summary>
/// Formats access records, one line each, as JSON or in the combined format of Apache and nginx. Long texts are cut off, so that
/// a line always fits into <see cref="MaxLength"/> bytes.
/// </summary>
public static class AccessLogWriter
{
    /// <summary>
    /// What a destination has to hold: all texts at their limits with every byte escaped, and the names around them.
    /// </summary>
    public const int MaxLength = 32 * 1024;

    // Bytes of a text before escaping, which makes six of one at most: 6 * (2048 + 2 * 512 + 256 + 6 * 128) < 32 KiB - 1 KiB.
    internal const int TargetLimit = 2048;
    internal const int AgentLimit = 512;
    internal const int HostLimit = 256;
    internal const int NameLimit = 128;

    // As bytes, so that writing a label converts nothing.
    private static readonly byte[][] s_rejects =
        [.. Enumerable.Range(0, RejectReasons.Count).Select(i => Encoding.ASCII.GetBytes(((RejectReason)i).Label()))];

    private static readonly byte[][] s_causes =
        [.. Enumerable.Range(0, Outcome.CauseCount).Select(i => Encoding.ASCII.GetBytes(new Outcome(default, (OutcomeCause)i).CauseLabel))];

    private static readonly byte[][] s_parties =
        [.. Enumerable.Range(0, Outcome.CauseCount).Select(i => Encoding.ASCII.GetBytes(new Outcome(default, (OutcomeCause)i).PartyLabel))];

    private static readonly byte[][] s_phases =
        [.. Enum.GetValues<OutcomePhase>().Select(phase => Encoding.ASCII.GetBytes(new Outcome(phase, default).PhaseLabel))];

    /// <summary>Writes one line with its line end.</summary>
    /// <returns>Its length; 0 for <see cref="AccessLogFormat.None"/>; -1 when the destination is too small.</returns>
    public static int Write(Span<byte> destination, AccessLogFormat format, in AccessRecord record)
    {
        var buffer = new HeadBuffer(destination);
        if (format == AccessLogFormat.Json) WriteJson(ref buffer, record);
        else if (format == AccessLogFormat.Combined) WriteCombined(ref buffer, record);
        return buffer.Result;
    }

    private static void WriteJson(ref HeadBuffer buffer, in AccessRecord record)
    {
        buffer.Write("{\"time\":\""u8);
        LogTime.WriteIso(ref buffer, record.UnixMicroseconds);
        buffer.Write("\""u8);
        WriteText(ref buffer, ",\"client\":\""u8, record.Client, NameLimit);
        WriteText(ref buffer, ",\"method\":\""u8, record.Method, NameLimit);
        WriteText(ref buffer, ",\"host\":\""u8, record.Host, HostLimit);
        WriteText(ref buffer, ",\"target\":\""u8, record.Target, TargetLimit);
        if (record.Target.IsEmpty) WriteText(ref buffer, ",\"line\":\""u8, record.RequestLine, TargetLimit);
        WriteNumber(ref buffer, ",\"status\":"u8, record.Status);
        WriteNumber(ref buffer, ",\"bytes_in\":"u8, record.BytesIn);
        WriteNumber(ref buffer, ",\"bytes_out\":"u8, record.BytesOut);
        WriteDuration(ref buffer, ",\"head_us\":"u8, record.Timings.Head);
        WriteDuration(ref buffer, ",\"connect_us\":"u8, record.Timings.Connect);
        WriteDuration(ref buffer, ",\"first_byte_us\":"u8, record.Timings.FirstByte);
        WriteDuration(ref buffer, ",\"total_us\":"u8, record.Timings.Total);
        WriteText(ref buffer, ",\"route\":\""u8, record.Route, NameLimit);
        WriteText(ref buffer, ",\"pool\":\""u8, record.Pool, NameLimit);
        WriteText(ref buffer, ",\"server\":\""u8, record.Server, NameLimit);
        WriteNumber(ref buffer, ",\"attempts\":"u8, record.Attempts);
        WriteOutcome(ref buffer, record.Outcome);
        WriteText(ref buffer, ",\"error\":\""u8, record.Error, NameLimit);
        WriteDuration(ref buffer, ",\"connection_age_us\":"u8, record.ConnectionAge);
        WriteText(ref buffer, ",\"request_id\":\""u8, record.RequestId, NameLimit);
        WriteText(ref buffer, ",\"user_agent\":\""u8, record.UserAgent, AgentLimit);
        WriteText(ref buffer, ",\"referer\":\""u8, record.Referer, AgentLimit);
        buffer.Write("}\n"u8);
    }

    internal static ReadOnlySpan<byte> PartyOf(scoped in Outcome outcome) => s_parties[(int)outcome.Cause];

    internal static ReadOnlySpan<byte> PhaseOf(scoped in Outcome outcome) => s_phases[(int)outcome.Phase];

    internal static ReadOnlySpan<byte> CauseOf(scoped in Outcome outcome) => s_causes[(int)outcome.Cause];

    internal static ReadOnlySpan<byte> RejectOf(scoped in Outcome outcome) => outcome.Reject == RejectReason.None ? default : s_rejects[(int)outcome.Reject];

    private static void WriteOutcome(ref HeadBuffer buffer, in Outcome outcome)
    {
        buffer.Write(",\"ended_by\":\""u8);
        buffer.Write(s_parties[(int)outcome.Cause]);
        buffer.Write("\",\"phase\":\""u8);
        buffer.Write(s_phases[(int)outcome.Phase]);
        buffer.Write("\",\"cause\":\""u8);
        buffer.Write(s_causes[(int)outcome.Cause]);
        if (outcome.Reject != RejectReason.None)
        {
            buffer.Write("\",\"reject\":\""u8);
            buffer.Write(s_rejects[(int)outcome.Reject]);
        }

        buffer.Write("\""u8);
    }

    /// <summary>client - - [time] "request line" status bytes "referer" "user agent"</summary>
    private static void WriteCombined(ref HeadBuffer buffer, in AccessRecord record)
    {
        if (record.Client.IsEmpty) buffer.Write("-"u8);
        else LogText.WriteQuoted(ref buffer, Cut(record.Client, NameLimit));
        buffer.Write(" - - ["u8);
        LogTime.WriteClf(ref buffer, record.UnixMicroseconds);
        buffer.Write("] \""u8);
        if (record.Method.IsEmpty)
        {
            if (record.RequestLine.IsEmpty) buffer.Write("-"u8);
            else LogText.WriteQuoted(ref buffer, Cut(record.RequestLine, TargetLimit));
        }
        else
        {
            LogText.WriteQuoted(ref buffer, Cut(record.Method, NameLimit));
            buffer.Write(" "u8);
            LogText.WriteQuoted(ref buffer, Cut(record.Target, TargetLimit));
            buffer.Write(" "u8);
            buffer.Write(record.VersionText);
        }

        buffer.Write("\" "u8);
        if (record.Status == 0) buffer.Write("-"u8);
        else buffer.Write(record.Status);
        buffer.Write(" "u8);
        buffer.Write(record.BytesOut);
        WriteQuotedOrDash(ref buffer, record.Referer);
        WriteQuotedOrDash(ref buffer, record.UserAgent);
        buffer.Write("\n"u8);
    }

    private static void WriteQuotedOrDash(ref HeadBuffer buffer, ReadOnlySpan<byte> text)
    {
        buffer.Write(" \""u8);
        if (text.IsEmpty) buffer.Write("-"u8);
        else LogText.WriteQuoted(ref buffer, Cut(text, AgentLimit));
        buffer.Write("\""u8);
    }

    private static void WriteText(ref HeadBuffer buffer, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, int limit)
    {
        if (!value.IsEmpty) LogText.WriteMember(ref buffer, name, Cut(value, limit));
    }

    private static void WriteNumber(ref HeadBuffer buffer, ReadOnlySpan<byte> name, long value)
    {
        buffer.Write(name);
        buffer.Write(value);
    }

    private static void WriteDuration(ref HeadBuffer buffer, ReadOnlySpan<byte> name, long nanoseconds)
    {
        if (nanoseconds >= 0) WriteNumber(ref buffer, name, nanoseconds / 1000);
    }

    internal static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> text, int limit) => text.Length > limit ? text[..limit] : text;
}

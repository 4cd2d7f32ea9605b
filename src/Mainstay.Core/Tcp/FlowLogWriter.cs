using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http;
using Mainstay.Core.Logging;

namespace Mainstay.Core.Tcp;

/// <summary>One ended TCP connection or UDP session as the access log tells it. Empty texts are not known.</summary>
public readonly ref struct FlowRecord
{
    /// <summary>Wall clock at the end, in microseconds since 1970 UTC.</summary>
    public required long UnixMicroseconds { get; init; }

    public required ReadOnlySpan<byte> Client { get; init; }
    public int ClientPort { get; init; }
    public required TransportProtocol Protocol { get; init; }
    public ReadOnlySpan<byte> Service { get; init; }
    public ReadOnlySpan<byte> Route { get; init; }
    public ReadOnlySpan<byte> Pool { get; init; }
    public ReadOnlySpan<byte> Server { get; init; }

    /// <summary>The name that the ClientHello asked for, when it was looked at.</summary>
    public ReadOnlySpan<byte> Sni { get; init; }

    /// <summary>From the client to the server and back; without PROXY headers.</summary>
    public long BytesIn { get; init; }
    public long BytesOut { get; init; }

    /// <summary>Nanoseconds from the accept until the server's connection stood; -1 when it never did.</summary>
    public long Connect { get; init; }

    /// <summary>Nanoseconds from the accept to the end.</summary>
    public long Total { get; init; }

    /// <summary>Servers that were tried.</summary>
    public int Attempts { get; init; }
    public FlowPhase Phase { get; init; }
    public FlowCause Cause { get; init; }

    /// <summary>What was wrong with the first bytes, for causes that say that something was.</summary>
    public ReadOnlySpan<byte> Detail { get; init; }
}

/// <summary>Formats flow records, one line each, for the same log as requests.</summary>
public static class FlowLogWriter
{
    /// <summary>What a destination has to hold.</summary>
    public const int MaxLength = 8 * 1024;

    // Six bytes of one byte at most: 6 * (6 * 128 + 256) < 8 KiB - 1 KiB.
    private const int NameLimit = 128;
    private const int SniLimit = 256;

    private static readonly byte[][] s_causes = [.. Causes().Select(cause => Encoding.ASCII.GetBytes(cause.Label()))];
    private static readonly byte[][] s_parties = [.. Causes().Select(cause => Encoding.ASCII.GetBytes(cause.PartyLabel()))];
    private static readonly byte[][] s_phases = [.. Enum.GetValues<FlowPhase>().Select(phase => Encoding.ASCII.GetBytes(phase.Label()))];

    /// <summary>Writes one line with its line end; a template, which is made for requests, stands back for the combined format.</summary>
    /// <returns>Its length; 0 for <see cref="AccessLogFormat.None"/>; -1 when the destination is too small.</returns>
    public static int Write(Span<byte> destination, AccessLogFormat format, in FlowRecord record)
    {
        var buffer = new HeadBuffer(destination);
        if (format == AccessLogFormat.Json) WriteJson(ref buffer, record);
        else if (format != AccessLogFormat.None) WriteCombined(ref buffer, record);
        return buffer.Result;
    }

    private static IEnumerable<FlowCause> Causes() => Enum.GetValues<FlowCause>();

    private static void WriteJson(ref HeadBuffer buffer, in FlowRecord record)
    {
        buffer.Write("{\"time\":\""u8);
        LogTime.WriteIso(ref buffer, record.UnixMicroseconds);
        buffer.Write("\",\"protocol\":\""u8);
        buffer.Write(record.Protocol == TransportProtocol.Tcp ? "tcp\""u8 : "udp\""u8);
        WriteText(ref buffer, ",\"client\":\""u8, record.Client, NameLimit);
        if (record.ClientPort > 0) WriteNumber(ref buffer, ",\"client_port\":"u8, record.ClientPort);
        WriteText(ref buffer, ",\"service\":\""u8, record.Service, NameLimit);
        WriteText(ref buffer, ",\"sni\":\""u8, record.Sni, SniLimit);
        WriteNumber(ref buffer, ",\"bytes_in\":"u8, record.BytesIn);
        WriteNumber(ref buffer, ",\"bytes_out\":"u8, record.BytesOut);
        if (record.Connect >= 0) WriteNumber(ref buffer, ",\"connect_us\":"u8, record.Connect / 1000);
        WriteNumber(ref buffer, ",\"total_us\":"u8, record.Total / 1000);
        WriteText(ref buffer, ",\"route\":\""u8, record.Route, NameLimit);
        WriteText(ref buffer, ",\"pool\":\""u8, record.Pool, NameLimit);
        WriteText(ref buffer, ",\"server\":\""u8, record.Server, NameLimit);
        WriteNumber(ref buffer, ",\"attempts\":"u8, record.Attempts);
        buffer.Write(",\"ended_by\":\""u8);
        buffer.Write(s_parties[(int)record.Cause]);
        buffer.Write("\",\"phase\":\""u8);
        buffer.Write(s_phases[(int)record.Phase]);
        buffer.Write("\",\"cause\":\""u8);
        buffer.Write(s_causes[(int)record.Cause]);
        buffer.Write("\""u8);
        WriteText(ref buffer, ",\"reject\":\""u8, record.Detail, NameLimit);
        buffer.Write("}\n"u8);
    }

    /// <summary>client - - [time] "TCP service" - bytes "-" "cause": what reads Apache's combined format reads this too.</summary>
    private static void WriteCombined(ref HeadBuffer buffer, in FlowRecord record)
    {
        if (record.Client.IsEmpty) buffer.Write("-"u8);
        else LogText.WriteQuoted(ref buffer, Cut(record.Client, NameLimit));
        buffer.Write(" - - ["u8);
        LogTime.WriteClf(ref buffer, record.UnixMicroseconds);
        buffer.Write(record.Protocol == TransportProtocol.Tcp ? "] \"TCP "u8 : "] \"UDP "u8);
        LogText.WriteQuoted(ref buffer, Cut(record.Service, NameLimit));
        buffer.Write("\" - "u8);
        buffer.Write(record.BytesOut);
        buffer.Write(" \"-\" \""u8);
        buffer.Write(s_parties[(int)record.Cause]);
        buffer.Write("/"u8);
        buffer.Write(s_causes[(int)record.Cause]);
        buffer.Write("\"\n"u8);
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

    private static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> text, int limit) => text.Length > limit ? text[..limit] : text;
}

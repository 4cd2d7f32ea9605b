using System.Text;
using Mainstay.Core.Http;
using Mainstay.Core.Rules;

namespace Mainstay.Core.Logging;

/// <summary>
/// A log line of the user's own form, made ready. What comes from outside is escaped as in the combined format; what is not known is a
/// dash. Immutable; writing allocates nothing.
/// </summary>
public sealed class LogTemplate
{
    private readonly (LogVariableKind Kind, byte[] Text)[] _pieces;

    /// <param name="template">One that <see cref="Check"/> accepts.</param>
    public LogTemplate(string template)
    {
        _pieces = [.. TemplateText.Split(template).Select(Piece)];
    }

    /// <summary>Null, or the first variable that is not known.</summary>
    internal static string? Check(string template, out string[] known)
    {
        known = [.. LogVariables.All.Select(variable => variable.Name)];
        return TemplateText.Split(template).FirstOrDefault(part => part.IsVariable && LogVariables.Find(part.Text, out _) is null).Text;
    }

    /// <summary>Writes one line with its line end.</summary>
    /// <returns>Its length, or -1 when the destination is too small.</returns>
    public int Write(Span<byte> destination, in AccessRecord record)
    {
        var buffer = new HeadBuffer(destination);
        foreach ((LogVariableKind kind, byte[] text) in _pieces)
        {
            if (kind == LogVariableKind.Literal) buffer.Write(text);
            else WriteValue(ref buffer, kind, text, record);
        }

        buffer.Write("\n"u8);
        return buffer.Result;
    }

    private static (LogVariableKind Kind, byte[] Text) Piece(TemplatePart part)
    {
        if (!part.IsVariable) return (LogVariableKind.Literal, Encoding.UTF8.GetBytes(part.Text));
        LogVariableKind kind = LogVariables.Find(part.Text, out string header) ?? throw new ArgumentException($"{{{part.Text}}} is not known");
        return (kind, Encoding.ASCII.GetBytes(header));
    }

    private static void WriteValue(ref HeadBuffer buffer, LogVariableKind kind, ReadOnlySpan<byte> header, in AccessRecord record)
    {
        switch (kind)
        {
            case LogVariableKind.TimeIso: LogTime.WriteIso(ref buffer, record.UnixMicroseconds); break;
            case LogVariableKind.TimeClf: LogTime.WriteClf(ref buffer, record.UnixMicroseconds); break;
            case LogVariableKind.TimeUnix: buffer.Write(record.UnixMicroseconds / 1_000_000); break;
            case LogVariableKind.ClientPort: WriteKnown(ref buffer, record.ClientPort, record.ClientPort > 0); break;
            case LogVariableKind.Status: WriteKnown(ref buffer, record.Status, record.Status > 0); break;
            case LogVariableKind.BytesIn: buffer.Write(record.BytesIn); break;
            case LogVariableKind.BytesOut: buffer.Write(record.BytesOut); break;
            case LogVariableKind.HeadTime: WriteDuration(ref buffer, record.Timings.Head); break;
            case LogVariableKind.ConnectTime: WriteDuration(ref buffer, record.Timings.Connect); break;
            case LogVariableKind.FirstByteTime: WriteDuration(ref buffer, record.Timings.FirstByte); break;
            case LogVariableKind.TotalTime: WriteDuration(ref buffer, record.Timings.Total); break;
            case LogVariableKind.ConnectionAge: WriteDuration(ref buffer, record.ConnectionAge); break;
            case LogVariableKind.Attempts: buffer.Write(record.Attempts); break;
            case LogVariableKind.Protocol when !record.Method.IsEmpty: buffer.Write(record.VersionText); break;
            case LogVariableKind.Header: WriteText(ref buffer, FieldOf(record.Head, header), AccessLogWriter.AgentLimit); break;
            default: WriteText(ref buffer, TextOf(kind, record), LimitOf(kind)); break;
        }
    }

    private static ReadOnlySpan<byte> TextOf(LogVariableKind kind, scoped in AccessRecord record) => kind switch
    {
        LogVariableKind.ClientAddress => record.Client,
        LogVariableKind.Method => record.Method,
        LogVariableKind.Host => record.Host,
        LogVariableKind.Uri => record.Target,
        LogVariableKind.Path => PathOf(record.Target),
        LogVariableKind.Query => QueryOf(record.Target),
        LogVariableKind.Service => record.Service,
        LogVariableKind.Route => record.Route,
        LogVariableKind.Pool => record.Pool,
        LogVariableKind.Server => record.Server,
        LogVariableKind.EndedBy => AccessLogWriter.PartyOf(record.Outcome),
        LogVariableKind.Phase => AccessLogWriter.PhaseOf(record.Outcome),
        LogVariableKind.Cause => AccessLogWriter.CauseOf(record.Outcome),
        LogVariableKind.Reject => AccessLogWriter.RejectOf(record.Outcome),
        LogVariableKind.Error => record.Error,
        LogVariableKind.RequestId => record.RequestId,
        _ => default,
    };

    private static int LimitOf(LogVariableKind kind) => kind switch
    {
        LogVariableKind.Uri or LogVariableKind.Path or LogVariableKind.Query => AccessLogWriter.TargetLimit,
        LogVariableKind.Host => AccessLogWriter.HostLimit,
        _ => AccessLogWriter.NameLimit,
    };

    private static ReadOnlySpan<byte> PathOf(ReadOnlySpan<byte> target) => target.IndexOf((byte)'?') is >= 0 and int mark ? target[..mark] : target;

    private static ReadOnlySpan<byte> QueryOf(ReadOnlySpan<byte> target) => target.IndexOf((byte)'?') is >= 0 and int mark ? target[(mark + 1)..] : default;

    /// <summary>The value of the first field of that name in a head that was parsed before: its lines are sound.</summary>
    private static ReadOnlySpan<byte> FieldOf(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        while (head.IndexOf((byte)'\n') is >= 0 and int end)
        {
            head = head[(end + 1)..];
            if (head.Length <= name.Length || head[name.Length] != ':' || !Ascii.EqualsIgnoreCase(head[..name.Length], name)) continue;
            ReadOnlySpan<byte> value = head[(name.Length + 1)..];
            int length = value.IndexOfAny((byte)'\r', (byte)'\n');
            return value[..(length < 0 ? value.Length : length)].Trim(" \t"u8);
        }

        return default;
    }

    private static void WriteText(ref HeadBuffer buffer, scoped ReadOnlySpan<byte> text, int limit)
    {
        if (text.IsEmpty) buffer.Write("-"u8);
        else LogText.WriteQuoted(ref buffer, AccessLogWriter.Cut(text, limit));
    }

    private static void WriteKnown(ref HeadBuffer buffer, long number, bool isKnown)
    {
        if (isKnown) buffer.Write(number);
        else buffer.Write("-"u8);
    }

    private static void WriteDuration(ref HeadBuffer buffer, long nanoseconds) => WriteKnown(ref buffer, nanoseconds / 1000, nanoseconds >= 0);
}

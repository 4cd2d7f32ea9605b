using System.Text.Json.Nodes;
using Mainstay.Core.Logging;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config.Vocabulary;

internal static class AccessLogSection
{
    private const string Expected = "an absolute path, stdout or stderr";

    private static readonly Key<AccessLogSnapshot, string> File = new("file", new TextType("path, stdout or stderr", Expected, Rule), a => a.Target)
    {
        Doc = "Where the log goes: an absolute path, stdout or stderr. A file that was moved away is noticed and opened anew.",
        Default = Key.Plain("stdout"),
    };

    private static readonly Key<AccessLogSnapshot, LogLayout> Format = new(
        "format", LogLayoutType.Instance, a => new LogLayout(a.Format, a.Template))
    {
        Doc = "json: one object a line, with the time of every phase. combined: as Apache and nginx write it. none: no log. "
            + "Any text with variables in braces is a format of your own: docs/logging.md lists them.",
        Default = Key.Plain("json"),
    };

    private static readonly Key<AccessLogSnapshot, LogRotation?> Rotate = new(
        "rotate", new OptionalValueType<LogRotation>(LogRotationSection.Section), a => a.Rotate)
    {
        Doc = "When the file is set aside as FILE.1, FILE.1 as FILE.2 and so on. The worker's user has to be allowed to write in the directory.",
        Otherwise = "never",
    };

    private static readonly Key<AccessLogSnapshot, SyslogSnapshot?> Syslog = new(
        "syslog", new OptionalType<SyslogSnapshot>(SyslogSection.Section), a => a.Syslog)
    {
        Doc = "A collector that takes the lines by syslog (RFC 5424) in place of a file.",
        Otherwise = "none",
    };

    /// <summary>Without the key nothing is logged.</summary>
    public static readonly ConfigNode Off = new MappingNode([new MappingEntry(new ScalarNode("format"), new ScalarNode("none"))]);

    public static readonly Section<AccessLogSnapshot> Section = new(
        "access-log", [Format, File, Rotate, Syslog], v => new AccessLogSnapshot(v.Get(Format).Format, v.Get(File))
        {
            Template = v.Get(Format).Template,
            Rotate = v.Get(Rotate),
            Syslog = v.Get(Syslog),
        })
    {
        Doc = "One line for every request.",
        Shorthand = File,
        Verify = Verify,
    };

    private static void Verify(Values values)
    {
        if (values.IsWritten(Syslog) && values.IsWritten(File)) values.Error(Syslog, "stands beside file (one of the two)");
        if (!values.IsWritten(Rotate) || !values.TryGet(File, out string file) || file.StartsWith('/')) return;
        values.Error(Rotate, "needs a file: an absolute path");
    }

    private static string? Rule(string text) =>
        text is "stdout" or "stderr" || (text.StartsWith('/') && !text.EndsWith('/') && !text.Any(char.IsControl)) ? null : "is not a log file";
}

/// <summary>What a line looks like: one of the known forms, or a template.</summary>
internal readonly record struct LogLayout(AccessLogFormat Format, string Template);

internal sealed class LogLayoutType : ScalarType<LogLayout>
{
    public static readonly LogLayoutType Instance = new();

    private static readonly (string Word, AccessLogFormat Format)[] Words =
        [("json", AccessLogFormat.Json), ("combined", AccessLogFormat.Combined), ("none", AccessLogFormat.None)];

    public override string Label => "json | combined | none, or template";
    public override string Expected => "json, combined, none, or text with variables such as \"{client.address} {method} {uri} {status}\"";

    public override ConfigNode Write(LogLayout value, WriteOptions options) => value.Format == AccessLogFormat.Custom
        ? new ScalarNode(value.Template, quoted: true)
        : new ScalarNode(Words.First(known => known.Format == value.Format).Word);

    public override JsonObject Schema() => new() { ["type"] = "string", ["pattern"] = "^(json|combined|none|.*[{].+[}].*)$" };

    protected override string? Parse(ScalarNode scalar, Compilation compilation, out LogLayout value)
    {
        foreach ((string word, AccessLogFormat format) in Words)
        {
            value = new LogLayout(format, "");
            if (word == scalar.Text) return null;
        }

        value = new LogLayout(AccessLogFormat.Custom, scalar.Text);
        if (!scalar.Text.Contains('{')) return $"{Compilation.Show(scalar.Text)} is not known here ({Suggestion.Hint(scalar.Text, [.. Words.Select(w => w.Word)])})";
        return LogTemplate.Check(scalar.Text, out string[] known) is not { } unknown
            ? null
            : $"{Compilation.Show(scalar.Text)} contains {Compilation.Show($"{{{unknown}}}")}, which a log line does not know ({Suggestion.Hint(unknown, known)})";
    }
}

internal static class LogRotationSection
{
    private const long LeastSize = 64 * 1024, MostSize = 1L << 40;

    private static readonly Key<LogRotation, long> Size = new("size", new SizeType(LeastSize, MostSize), r => r.Size == 0 ? MostSize : r.Size)
    {
        Doc = "A file that has become so large.",
        Default = Key.Plain("1TiB"),
        Otherwise = "size does not matter",
    };

    private static readonly Key<LogRotation, TimeSpan> Every = new("every", DurationType.OrZero, r => r.Every)
    {
        Doc = "When such a time has begun anew; a day begins at midnight UTC.",
        Default = Key.Plain("0"),
        Otherwise = "time does not matter",
    };

    private static readonly Key<LogRotation, int> Keep = new("keep", new IntegerType(1, 1000), r => r.Keep)
    {
        Doc = "Files set aside that are kept; the oldest beyond goes.",
        Default = Key.Plain("7"),
    };

    public static readonly Section<LogRotation> Section = new(
        "access-log.rotate", [Size, Every, Keep], v => new LogRotation(v.Get(Size) == MostSize ? 0 : v.Get(Size), v.Get(Every), v.Get(Keep)))
    {
        Doc = "When a log file is set aside. Either of size and every, or both.",
        Verify = v =>
        {
            if (!v.IsWritten(Size) && !v.IsWritten(Every)) v.Compilation.Error(v.Mapping, "says not when (size: 100MiB, every: 1d, or both)");
            if (v.TryGet(Every, out TimeSpan every) && every > TimeSpan.Zero && every < TimeSpan.FromMinutes(1))
                v.Error(Every, "is less than a minute");
        },
    };
}

internal static class SyslogSection
{
    private static readonly ChoiceType<SyslogTransport> Transports = new(("udp", SyslogTransport.Udp), ("tcp", SyslogTransport.Tcp));

    private static readonly ChoiceType<SyslogFacility> Facilities = new(
        [("user", SyslogFacility.User), ("daemon", SyslogFacility.Daemon),
         .. Enumerable.Range(0, 8).Select(number => ($"local{number}", SyslogFacility.Local0 + number))]);

    private static readonly ChoiceType<SyslogSeverity> Severities = new(
        ("error", SyslogSeverity.Error), ("warning", SyslogSeverity.Warning), ("notice", SyslogSeverity.Notice), ("info", SyslogSeverity.Info),
        ("debug", SyslogSeverity.Debug));

    private static readonly Key<SyslogSnapshot, Endpoint> To = new("to", EndpointType.Server, s => s.To)
    {
        Doc = "The collector: address or name with port, usually 514; or unix:/dev/log.",
        Required = true,
    };

    private static readonly Key<SyslogSnapshot, SyslogTransport> Transport = new("protocol", Transports, s => s.Transport)
    {
        Doc = "udp: one datagram a line, lost without a trace where the network loses it. tcp: lines wait for a while when the collector is away.",
        Default = Key.Plain("udp"),
    };

    private static readonly Key<SyslogSnapshot, SyslogFacility> Facility = new("facility", Facilities, s => s.Facility)
    {
        Doc = "What the collector sorts by.",
        Default = Key.Plain("local0"),
    };

    private static readonly Key<SyslogSnapshot, SyslogSeverity> Severity = new("severity", Severities, s => s.Severity)
    {
        Doc = "Severity of every line.",
        Default = Key.Plain("info"),
    };

    private static readonly Key<SyslogSnapshot, string> Application = new("application", TextType.Name, s => s.Application)
    {
        Doc = "Name of the program in each message (APP-NAME).",
        Default = Key.Plain("mainstay"),
    };

    public static readonly Section<SyslogSnapshot> Section = new(
        "access-log.syslog",
        [To, Transport, Facility, Severity, Application],
        v => new SyslogSnapshot(v.Get(To), v.Get(Transport), v.Get(Facility), v.Get(Severity), v.Get(Application)))
    {
        Doc = "Lines by syslog (RFC 5424).",
        Shorthand = To,
        Verify = v =>
        {
            if (v.TryGet(To, out Endpoint to) && v.TryGet(Transport, out SyslogTransport transport) && to is { IsUnix: true } && transport == SyslogTransport.Tcp)
                v.Error(Transport, "is for an address with port; a unix socket takes datagrams");
        },
    };
}

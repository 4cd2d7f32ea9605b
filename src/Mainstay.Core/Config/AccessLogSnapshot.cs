using Mainstay.Core.Logging;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config;

public enum AccessLogFormat
{
    None,
    Json,
    Combined,

    /// <summary>As <see cref="AccessLogSnapshot.Template"/> says.</summary>
    Custom,
}

/// <param name="Target">A file's path, <c>stdout</c> or <c>stderr</c>; unused with <see cref="Syslog"/>.</param>
public sealed record AccessLogSnapshot(AccessLogFormat Format, string Target)
{
    /// <summary>Text with variables, for <see cref="AccessLogFormat.Custom"/>.</summary>
    public string Template { get; init; } = "";

    /// <summary>Null: the file is rotated by others, or not at all.</summary>
    public LogRotation? Rotate { get; init; }

    /// <summary>Lines go there instead of to a file.</summary>
    public SyslogSnapshot? Syslog { get; init; }

    /// <summary>The log goes to a file of its own.</summary>
    public bool IsFile => Format != AccessLogFormat.None && Syslog is null && Target.StartsWith('/');
}

/// <summary>When a log file is set aside, and how many such files are kept: <c>access.log.1</c> is the youngest.</summary>
/// <param name="Size">Bytes; 0: size does not matter.</param>
/// <param name="Every">Counted from 1970 UTC, so that a day begins at midnight UTC; zero: time does not matter.</param>
public readonly record struct LogRotation(long Size, TimeSpan Every, int Keep);

public enum SyslogTransport
{
    Udp,
    Tcp,
}

/// <param name="To">A collector's address; a unix socket is one of datagrams.</param>
/// <param name="Application">APP-NAME of each message.</param>
public sealed record SyslogSnapshot(Endpoint To, SyslogTransport Transport, SyslogFacility Facility, SyslogSeverity Severity, string Application);

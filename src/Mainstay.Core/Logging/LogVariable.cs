namespace Mainstay.Core.Logging;

internal enum LogVariableKind : byte
{
    /// <summary>Text of the template itself.</summary>
    Literal,
    TimeIso,
    TimeClf,
    TimeUnix,
    ClientAddress,
    ClientPort,
    Method,
    Host,
    Uri,
    Path,
    Query,
    Protocol,
    Header,
    Service,
    Route,
    Pool,
    Server,
    Status,
    BytesIn,
    BytesOut,
    HeadTime,
    ConnectTime,
    FirstByteTime,
    TotalTime,
    Attempts,
    EndedBy,
    Phase,
    Cause,
    Reject,
    Error,
    ConnectionAge,
    RequestId,
}

/// <summary>What a log line's template can say. Names of things that rules know too are those of docs/rules.md.</summary>
internal static class LogVariables
{
    public const string Header = "header.";

    public static readonly (string Name, LogVariableKind Kind, string Doc)[] All =
    [
        ("time.iso", LogVariableKind.TimeIso, "End of the request, 2026-01-31T12:34:56.123456Z."),
        ("time.clf", LogVariableKind.TimeClf, "The same as Apache writes it: 31/Jan/2026:12:34:56 +0000."),
        ("time", LogVariableKind.TimeUnix, "The same in seconds since 1970."),
        ("client.address", LogVariableKind.ClientAddress, "Address of the client."),
        ("client.port", LogVariableKind.ClientPort, "Port of the client."),
        ("method", LogVariableKind.Method, "Request method."),
        ("host", LogVariableKind.Host, "Host that the request is for."),
        ("uri", LogVariableKind.Uri, "Path and query as received."),
        ("path", LogVariableKind.Path, "Path as received."),
        ("query", LogVariableKind.Query, "Query as received, without ?."),
        ("protocol", LogVariableKind.Protocol, "HTTP/1.0 or HTTP/1.1."),
        (Header, LogVariableKind.Header, "The first request header of that name: {header.x-tenant}."),
        ("service", LogVariableKind.Service, "Name of the HTTP service."),
        ("route", LogVariableKind.Route, "Name of the route."),
        ("pool", LogVariableKind.Pool, "Name of the pool."),
        ("server", LogVariableKind.Server, "Name of the server."),
        ("status", LogVariableKind.Status, "Status of the response."),
        ("bytes_in", LogVariableKind.BytesIn, "Bytes of the request."),
        ("bytes_out", LogVariableKind.BytesOut, "Bytes of the response."),
        ("head_us", LogVariableKind.HeadTime, "Microseconds until the head was whole."),
        ("connect_us", LogVariableKind.ConnectTime, "Microseconds until a server's connection stood."),
        ("first_byte_us", LogVariableKind.FirstByteTime, "Microseconds from the request sent to the first byte of the response."),
        ("total_us", LogVariableKind.TotalTime, "Microseconds of the whole request."),
        ("attempts", LogVariableKind.Attempts, "Servers that were tried."),
        ("ended_by", LogVariableKind.EndedBy, "Who ended the request: none, client, proxy, server."),
        ("phase", LogVariableKind.Phase, "How far it had come."),
        ("cause", LogVariableKind.Cause, "Why it ended."),
        ("reject", LogVariableKind.Reject, "What was wrong with a refused message."),
        ("error", LogVariableKind.Error, "The system's error, such as ECONNREFUSED."),
        ("connection_age_us", LogVariableKind.ConnectionAge, "Age of the pooled server connection that was used, in microseconds."),
        ("request.id", LogVariableKind.RequestId, "The request's id."),
    ];

    /// <summary>The variable of that name, and the header's name for <c>header.NAME</c>; null when there is none.</summary>
    public static LogVariableKind? Find(string name, out string header)
    {
        header = "";
        if (name.StartsWith(Header, StringComparison.Ordinal) && name.Length > Header.Length)
        {
            header = name[Header.Length..];
            return LogVariableKind.Header;
        }

        foreach ((string known, LogVariableKind kind, _) in All)
            if (known == name && kind != LogVariableKind.Header) return kind;
        return null;
    }
}

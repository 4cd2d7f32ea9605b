namespace Mainstay.Core.Rules;

internal enum VariableKind : byte
{
    /// <summary>Text of the template itself.</summary>
    Literal,
    Method,
    Scheme,
    Host,
    Port,
    Path,
    Query,
    Uri,
    Parameter,
    Header,
    Cookie,
    ClientAddress,
    ClientPort,
    Tls,
    RequestId,
    Route,
    Service,
    Pool,
    Node,
    Time,
    TimeIso,
    TimeHttp,
    Capture,
    Map,
    Server,
    Status,
    ResponseHeader,
}

/// <summary>How a value stands where it comes from, which decides what has to be encoded where it goes.</summary>
internal enum ValueForm : byte
{
    /// <summary>Any bytes.</summary>
    Text,

    /// <summary>A part of a URL as received: encoded already.</summary>
    Url,

    /// <summary>A part of the path as rules see it: decoded, but for '/', '\' and '%'.</summary>
    Path,
}

/// <summary>When a value is known.</summary>
internal enum VariablePhase : byte
{
    Request,

    /// <summary>Not before the response is there.</summary>
    Response,

    /// <summary>Written into the template when the configuration is read.</summary>
    Start,
}

/// <param name="Name">As written; with a dot at its end it is followed by a name that the user chooses.</param>
internal sealed record VariableInfo(
    string Name, VariableKind Kind, string Doc, ValueForm Form = ValueForm.Text, VariablePhase Phase = VariablePhase.Request, TlsFact Tls = default);

/// <summary>All variables that templates know, captures aside.</summary>
internal static class Variables
{
    public const string Environment = "env.";
    public const string Map = "map.";

    public static readonly VariableInfo[] All =
    [
        new("method", VariableKind.Method, "Request method."),
        new("scheme", VariableKind.Scheme, "`http` or `https`."),
        new("host", VariableKind.Host, "Host that the request is for, as received, without port."),
        new("port", VariableKind.Port, "Port of the listener."),
        new("path", VariableKind.Path, "Path as received.", ValueForm.Url),
        new("query", VariableKind.Query, "Query as received, without `?`.", ValueForm.Url),
        new("uri", VariableKind.Uri, "Path and query as received.", ValueForm.Url),
        new("query.", VariableKind.Parameter, "The first query parameter of that name, decoded."),
        new("header.", VariableKind.Header, "The first header of that name."),
        new("cookie.", VariableKind.Cookie, "The first cookie of that name."),
        new("client.address", VariableKind.ClientAddress, "Address of the client; empty on a unix socket."),
        new("client.port", VariableKind.ClientPort, "Port of the client."),
        new("tls.version", VariableKind.Tls, "`TLSv1.2`, `TLSv1.3`; empty without TLS, as all of `tls`.", Tls: TlsFact.Version),
        new("tls.cipher", VariableKind.Tls, "Cipher suite.", Tls: TlsFact.Cipher),
        new("tls.sni", VariableKind.Tls, "Name that the client asked for (SNI).", Tls: TlsFact.Sni),
        new("tls.client.subject", VariableKind.Tls, "Subject of the client's certificate.", Tls: TlsFact.ClientSubject),
        new("tls.client.issuer", VariableKind.Tls, "Issuer of the client's certificate.", Tls: TlsFact.ClientIssuer),
        new("tls.client.serial", VariableKind.Tls, "Serial number of the client's certificate, hexadecimal.", Tls: TlsFact.ClientSerial),
        new("tls.client.fingerprint", VariableKind.Tls, "SHA-256 of the client's certificate, hexadecimal.", Tls: TlsFact.ClientFingerprint),
        new("request.id", VariableKind.RequestId, "The request's id, taken over or made."),
        new("route", VariableKind.Route, "Name of the route."),
        new("service", VariableKind.Service, "Name of the HTTP service."),
        new("pool", VariableKind.Pool, "Name of the pool that was chosen; empty where the route has none."),
        new("node", VariableKind.Node, "Name of this machine."),
        new("time", VariableKind.Time, "Seconds since 1970."),
        new("time.iso", VariableKind.TimeIso, "Date and time, `2026-01-31T12:00:00Z`."),
        new("time.http", VariableKind.TimeHttp, "Date and time as headers have it."),
        new(Map, VariableKind.Map, "What the map of that name gave; the route has to ask it in `match.map`.", ValueForm.Url),
        new(Environment, VariableKind.Literal, "Environment variable when the configuration was read.", Phase: VariablePhase.Start),
        new("server", VariableKind.Server, "Name of the server that answered.", Phase: VariablePhase.Response),
        new("status", VariableKind.Status, "Status of the response.", Phase: VariablePhase.Response),
        new("response.header.", VariableKind.ResponseHeader, "The first header of that name in the server's response.", Phase: VariablePhase.Response),
    ];

    /// <summary>The variable of that name, and what follows where it takes a name of the user's.</summary>
    public static VariableInfo? Find(string name, out string argument)
    {
        argument = "";
        foreach (VariableInfo known in All)
        {
            if (known.Name == name && !name.EndsWith('.')) return known;
            if (!known.Name.EndsWith('.') || name.Length == known.Name.Length || !name.StartsWith(known.Name, StringComparison.Ordinal)) continue;
            argument = name[known.Name.Length..];
            return known;
        }

        return null;
    }
}

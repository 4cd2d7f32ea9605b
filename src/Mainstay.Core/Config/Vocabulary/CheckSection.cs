using System.Collections.Immutable;
using System.Text;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>How a pool's servers are checked.</summary>
internal static class CheckSection
{
    private static readonly TimeSpan LongestDefaultTimeout = TimeSpan.FromSeconds(5);

    private static Key<CheckSnapshot, int?> OnPort(string name, CheckKind kind, string doc) =>
        new(name, new OptionalValueType<int>(CheckPortType.Instance), c => c.Kind == kind ? c.Port : null) { Doc = doc };

    private static Key<CheckSnapshot, string?> OnPath(string name, CheckKind kind, string doc) =>
        new(name, new OptionalType<string>(RequestPath), c => c.Kind == kind ? c.Path : null) { Doc = doc };

    private static readonly TextType RequestPath = new("path", "a path such as /healthz", PathRule) { Pattern = "^/" };
    private static readonly TextType HostName = new("host", "a host name, with a port if need be", HostRule) { Pattern = "^\\S+$" };
    private static readonly TextType DomainName = new("name", "a domain name such as www.example.com", DomainRule);
    private static readonly string[] RecordTypes = ["A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"];

    private static readonly TextType RecordType = new(
        string.Join(" | ", RecordTypes), $"one of {string.Join(", ", RecordTypes)}", t => RecordTypes.Contains(t) ? null : "is not a known record type")
    { Pattern = $"^({string.Join('|', RecordTypes)})$" };

    private static readonly Key<CheckSnapshot, bool?> Icmp = new(
        "icmp", new OptionalValueType<bool>(PresenceType.Instance), c => c.Kind == CheckKind.Icmp ? true : null)
    { Doc = "The host answers a ping. Says nothing about the service." };

    private static readonly Key<CheckSnapshot, int?> Tcp = OnPort(
        "tcp", CheckKind.Tcp, "A connection can be opened. A server that hangs still passes this.");

    private static readonly Key<CheckSnapshot, int?> Tls = OnPort("tls", CheckKind.Tls, "A TLS handshake succeeds.");

    private static readonly Key<CheckSnapshot, string?> Http = OnPath(
        "http", CheckKind.Http, "A request for this path is answered as expected; redirects are not followed.");

    private static readonly Key<CheckSnapshot, string?> Https = OnPath("https", CheckKind.Https, "The same over TLS.");

    private static readonly Key<CheckSnapshot, int?> Agent = new(
        "agent", new OptionalValueType<int>(IntegerType.Port), c => c.Kind == CheckKind.Agent ? c.Port : null)
    {
        Doc = "A program on the server says in one line, on this port, how the server is: up, down, drain, or 75% (of its weight).",
    };

    private static readonly Key<CheckSnapshot, int?> Udp = OnPort(
        "udp", CheckKind.Udp, "A datagram is answered as expected; without expect, it is not refused.");

    private static readonly Key<CheckSnapshot, string?> Dns = new(
        "dns", new OptionalType<string>(DomainName), c => c.Kind == CheckKind.Dns ? c.QueryName : null)
    { Doc = "A query for this name is answered." };

    private static readonly Key<CheckSnapshot, ImmutableArray<string>?> Exec = new(
        "exec",
        new OptionalValueType<ImmutableArray<string>>(new ListType<string>(TextType.Line) { Single = true, AtLeast = 1 }),
        c => c.Kind == CheckKind.Exec ? c.Command : null)
    {
        Doc = "This program, with its arguments as a list, exits with code 0. "
            + "MAINSTAY_ADDRESS, MAINSTAY_PORT, MAINSTAY_SERVER and MAINSTAY_POOL are in its environment.",
    };

    private static readonly Key<CheckSnapshot, TimeSpan> Interval = new(
        "interval", new DurationType(TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1)), c => c.Interval)
    { Doc = "Between two checks of a server.", Default = Key.Plain("1s") };

    private static readonly Key<CheckSnapshot, TimeSpan?> FastInterval = new(
        "fast-interval",
        new OptionalValueType<TimeSpan>(new DurationType(TimeSpan.FromMilliseconds(10), TimeSpan.FromDays(1))),
        c => c.FastInterval == DefaultFastInterval(c.Interval) ? null : c.FastInterval)
    {
        Doc = "Between two checks while results and state differ: shortens rise and fall.",
        Otherwise = "half the interval",
    };

    private static readonly Key<CheckSnapshot, TimeSpan?> Timeout = new(
        "timeout",
        new OptionalValueType<TimeSpan>(new DurationType(TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1))),
        c => c.Timeout == DefaultTimeout(c.Interval) ? null : c.Timeout)
    {
        Doc = "A check that takes longer has failed.",
        Otherwise = "half the interval, at most 5s",
    };

    private static readonly Key<CheckSnapshot, int> Rise = new("rise", new IntegerType(1, 100), c => c.Rise)
    { Doc = "Good results in a row that make a server up.", Default = Key.Plain("2") };

    private static readonly Key<CheckSnapshot, int> Fall = new("fall", new IntegerType(1, 100), c => c.Fall)
    { Doc = "Bad results in a row that make a server down.", Default = Key.Plain("3") };

    private static readonly Key<CheckSnapshot, int?> Port = new(
        "port", new OptionalValueType<int>(IntegerType.Port), c => UsesPortKey(c.Kind) && c.Port > 0 ? c.Port : null)
    {
        Doc = "Checked on this port instead of the server's.",
        Otherwise = "the server's",
        OnlyWith = ["http", "https", "dns"],
    };

    private static readonly Key<CheckSnapshot, Expectation?> Expect = new(
        "expect", new OptionalType<Expectation>(ExpectSection.Section), ExpectSection.Of)
    {
        Doc = "What the answer has to be.",
        OnlyWith = ["http", "https", "tcp", "udp", "dns"],
    };

    private static readonly Key<CheckSnapshot, ImmutableArray<byte>?> Send = new(
        "send", new OptionalValueType<ImmutableArray<byte>>(BytesType.Instance), c => c.Send.IsEmpty ? null : c.Send)
    { Doc = "Sent to the server first.", Otherwise = "nothing", OnlyWith = ["tcp", "udp", "agent"] };

    private static readonly Key<CheckSnapshot, string?> Method = new(
        "method", new OptionalType<string>(MethodType.Instance), c => c.Method == "GET" ? null : c.Method)
    { Doc = "Request method.", Otherwise = "GET", OnlyWith = ["http", "https"] };

    private static readonly Key<CheckSnapshot, string?> Host = new("host", new OptionalType<string>(HostName), c => c.Host)
    {
        Doc = "Host header; with tls and https also the name asked for and verified (SNI).",
        Otherwise = "the server's address",
        OnlyWith = ["http", "https", "tls"],
    };

    private static readonly Key<CheckSnapshot, ImmutableArray<KeyValuePair<string, string>>?> Headers = new(
        "headers",
        new OptionalValueType<ImmutableArray<KeyValuePair<string, string>>>(new MapType<KeyValuePair<string, string>, string>(
            HeaderName, new SourcedTextType(secret: true, HeaderValueRule), KeyValuePair.Create, p => (p.Key, p.Value))
        { IgnoreCase = true }),
        c => c.Headers.IsEmpty ? null : c.Headers)
    { Doc = "Further request headers.", OnlyWith = ["http", "https"] };

    private static readonly Key<CheckSnapshot, int?> BodyLimit = new(
        "body-limit", new OptionalValueType<int>(new SmallSizeType(1, 16 * 1024 * 1024)), c => c.BodyLimit == 64 * 1024 ? null : c.BodyLimit)
    { Doc = "So much of the body is looked at.", Otherwise = "64KiB", OnlyWith = ["http", "https"] };

    private static readonly Key<CheckSnapshot, bool?> VerifyCertificate = new(
        "verify", new OptionalValueType<bool>(BooleanType.Instance), c => c.Verify ? true : null)
    {
        Doc = "Fail when the certificate's chain or name is not valid.",
        Otherwise = "false",
        OnlyWith = ["tls", "https"],
    };

    private static readonly Key<CheckSnapshot, TimeSpan?> CertificateWarning = new(
        "certificate-warning",
        new OptionalValueType<TimeSpan>(DurationType.OrZero),
        c => c.CertificateWarning == TimeSpan.FromDays(14) ? null : c.CertificateWarning)
    { Doc = "Warn when the certificate ends sooner than this.", Otherwise = "14d", OnlyWith = ["tls", "https"] };

    private static readonly Key<CheckSnapshot, string?> QueryType = new(
        "query-type", new OptionalType<string>(RecordType), c => c.QueryType == "A" ? null : c.QueryType)
    { Doc = "Record type that is asked for.", Otherwise = "A", OnlyWith = ["dns"] };

    public static readonly Section<CheckSnapshot> Section = new(
        "pools.NAME.check",
        [
            Icmp, Tcp, Tls, Http, Https, Agent, Udp, Dns, Exec, Interval, FastInterval, Timeout, Rise, Fall, Port, Expect, Send, Method,
            Host, Headers, BodyLimit, VerifyCertificate, CertificateWarning, QueryType,
        ],
        Build)
    {
        Doc = "How servers are checked: `tcp`, `tls`, `udp` or `icmp` alone, or a mapping with exactly one kind of check and its settings. "
            + "What a check sees differs: icmp the host, tcp the listening socket, http the service itself.",
        OneOf = [Icmp, Tcp, Tls, Http, Https, Agent, Udp, Dns, Exec],
        ShorthandNames = [Icmp, Tcp, Tls, Udp],
        Verify = Verify,
    };

    private static TextType HeaderName => new("header", TextType.Token.Expected, HeaderNameRule) { Pattern = TextType.Token.Pattern };

    public static TimeSpan DefaultFastInterval(TimeSpan interval) => AtLeastTenMilliseconds(interval / 2);

    public static TimeSpan DefaultTimeout(TimeSpan interval) =>
        TimeSpan.FromTicks(Math.Min(AtLeastTenMilliseconds(interval / 2).Ticks, LongestDefaultTimeout.Ticks));

    private static TimeSpan AtLeastTenMilliseconds(TimeSpan time) =>
        TimeSpan.FromMilliseconds(Math.Max(10, time.Ticks / TimeSpan.TicksPerMillisecond));

    private static bool UsesPortKey(CheckKind kind) => kind is CheckKind.Http or CheckKind.Https or CheckKind.Dns;

    private static CheckSnapshot Build(Values v)
    {
        TimeSpan interval = v.Get(Interval);
        Expectation expected = v.Get(Expect) ?? new Expectation(null, null, null, null);
        CheckKind kind = KindOf(v);
        var check = new CheckSnapshot
        {
            Kind = kind,
            Interval = interval,
            FastInterval = v.Get(FastInterval) ?? DefaultFastInterval(interval),
            Timeout = v.Get(Timeout) ?? DefaultTimeout(interval),
            Rise = v.Get(Rise),
            Fall = v.Get(Fall),
            Port = v.Get(Tcp) ?? v.Get(Tls) ?? v.Get(Udp) ?? v.Get(Agent) ?? v.Get(Port) ?? 0,
            Send = v.Get(Send) ?? [],
            Host = v.Get(Host),
            Headers = v.Get(Headers) ?? [],
            Verify = v.Get(VerifyCertificate) ?? false,
            BodyContains = expected.Body,
            BodyMatches = expected.Matches,
            QueryName = v.Get(Dns) ?? "",
            Command = v.Get(Exec) ?? [],
        };
        ImmutableArray<byte> text = expected.Text ?? [];
        return check with
        {
            Method = v.Get(Method) ?? check.Method,
            Path = v.Get(Http) ?? v.Get(Https) ?? check.Path,
            Status = expected.Status ?? check.Status,
            BodyLimit = v.Get(BodyLimit) ?? check.BodyLimit,
            CertificateWarning = v.Get(CertificateWarning) ?? check.CertificateWarning,
            QueryType = v.Get(QueryType) ?? check.QueryType,
            Expect = kind == CheckKind.Dns ? [] : text,
            Answer = kind == CheckKind.Dns && !text.IsEmpty ? Encoding.UTF8.GetString(text.AsSpan()) : null,
        };
    }

    private static CheckKind KindOf(Values v)
    {
        ReadOnlySpan<Key> keys = [Icmp, Tcp, Tls, Http, Https, Agent, Udp, Dns, Exec];
        for (int kind = 0; kind < keys.Length; kind++)
        {
            if (v.IsWritten(keys[kind])) return (CheckKind)kind;
        }

        return CheckKind.Tcp;
    }

    private static void Verify(Values v)
    {
        VerifyTimes(v);
        VerifyExpectation(v);
        bool commandRead = v.TryGet(Exec, out ImmutableArray<string>? command);
        if (commandRead && command is { } words && !words[0].StartsWith('/'))
            v.Error(Exec, $"{Compilation.Show(words[0])} is not an absolute path (such as /usr/local/bin/check)");
    }

    private static void VerifyTimes(Values v)
    {
        bool times = v.TryGet(Interval, out TimeSpan interval);
        if (times && v.TryGet(FastInterval, out TimeSpan? fast) && fast > interval)
            v.Error(FastInterval, $"is longer than the interval (at most {DurationType.Text(interval)})");
        if (times && v.TryGet(Timeout, out TimeSpan? timeout) && timeout >= interval)
            v.Warn(Timeout, $"is not shorter than the interval of {DurationType.Text(interval)}: a hanging server is checked less often than that");
        if (v.IsWritten(Fall) && v.TryGet(Fall, out int fall) && fall == 1)
            v.Warn(Fall, "one lost packet takes a server out (2 or 3 rides it out)");
    }

    private static void VerifyExpectation(Values v)
    {
        if (!v.IsWritten(Expect) || !v.TryGet(Expect, out Expectation? expected) || expected is null) return;
        bool web = v.IsWritten(Http) || v.IsWritten(Https);
        if (web && expected.Text is not null)
            v.Error(Expect, "text is not what http and https expect (a mapping with status, body or matches)");
        else if (!web && (expected.Status ?? (object?)expected.Body ?? expected.Matches) is not null)
            v.Error(Expect, "status, body and matches are for http and https (the text alone)");
    }

    private static string? PathRule(string text) =>
        text.StartsWith('/') && text.Length <= 4096 && text.All(c => c is > ' ' and <= '~') && !text.Contains('#') ? null : "is not a path";

    private static string? HostRule(string text) =>
        text.Length is > 0 and <= 260 && text.All(c => char.IsAsciiLetterOrDigit(c) || "-._:[]".Contains(c)) ? null : "is not a host";

    private static string? DomainRule(string text) => text == "." || EndpointType.IsHostName(text.EndsWith('.') ? text[..^1] : text) ? null : "is not a domain name";

    private static string? HeaderNameRule(string text)
    {
        string[] ours = ["Host", "Content-Length", "Transfer-Encoding", "Connection"];
        if (ours.Contains(text, StringComparer.OrdinalIgnoreCase)) return "is set by the check itself; the key host sets Host";
        return TextType.TokenRule(text);
    }

    private static string? HeaderValueRule(string text) => text.Any(c => c < ' ' && c != '\t' || c > '~')
        ? "the header's value contains characters that are not printable ASCII"
        : null;
}

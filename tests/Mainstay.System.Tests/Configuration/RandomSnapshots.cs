using System.Collections.Immutable;
using Mainstay.Core.Authentication;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Core.Logging;
using Mainstay.Core.Net;
using Mainstay.Core.Proxy;
using Mainstay.Core.Protection;

namespace Mainstay.System.Tests.Configuration;

/// <summary>Valid snapshots of any shape; a seed makes the same one again.</summary>
internal sealed class RandomSnapshots(int seed)
{
    private const string Odd = "aZ09 ~^=*:#'\"\\{}[],&!|>%@`-?\t\n\r\u00e9\u2028\ufeff\u0085\U0001F600";
    private readonly Random _random = new(seed);
    private int _lastPort = 1000;

    public Snapshot Next()
    {
        ImmutableArray<PoolSnapshot> pools = [.. Names("p").Select(Pool)];
        string[] names = [.. pools.Select(p => p.Name)];
        ImmutableArray<TlsSnapshot> profiles = [.. Names("c").Select(Tls)];
        return new Snapshot
        {
            Node = Pick("lb1", "node.example", "007", "true"),
            Admin = new AdminSnapshot(Maybe() ? Listener(Address("127.0.0.1")) : null, Pick("/run/mainstay/admin.sock", "/tmp/a b/#x: y.sock")),
            Process = new ProcessSnapshot(_random.Next(4), Pick("nobody", "www-data"), Pick("/var/lib/mainstay", "/srv/state"), Time(), _random.Next(3)),
            AccessLog = AccessLog(),
            Pools = pools,
            Http = [.. Names("h").Select(name => Service(name, names, [.. profiles.Select(p => p.Name)]))],
            Tls = profiles,
            Tcp = names.Length == 0 || pools.Any(p => p.Tls is not null) ? [] : [.. Names("t").Select(name => Tcp(name, names))],
            Auth = [Auth("staff"), .. Names("a").Select(Auth)],
        };
    }

    private PersistenceSnapshot Persist()
    {
        bool own = Maybe();
        CookieMode mode = own ? CookieMode.Insert : Any<CookieMode>();
        CookieSnapshot? cookie = !Maybe() ? null : mode == CookieMode.Insert
            ? new CookieSnapshot(
                Pick("SRV", "a.b-c"), mode, Pick("/", "/app", ""), Pick("", "example.com"), true, Maybe(), Any<SameSite>(), Time(), Maybe())
            : new CookieSnapshot("JSESSIONID", mode, "/", "", false, true, SameSite.Lax, TimeSpan.Zero, true);
        bool remembers = cookie is null || cookie.Mode == CookieMode.Learn;
        bool header = cookie is null && Maybe();
        return new PersistenceSnapshot
        {
            Cookie = cookie,
            Header = header ? "X-Tenant" : "",
            Source = cookie is null && !header,
            Timeout = remembers ? TimeSpan.FromMinutes(_random.Next(1, 90)) : TimeSpan.FromMinutes(30),
            Entries = remembers ? _random.Next(64, 200_000) : 100_000,
            Secret = remembers ? "" : Pick("", "s3cret"),
            StayWhileDraining = Maybe(),
        };
    }

    private AuthSnapshot Auth(string name)
    {
        long failures = _random.Next(1, 100);
        var rate = new Rate(failures, Pick(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1)), failures);
        string header = Maybe() ? "" : "X-Remote-User", realm = Pick("restricted", "the office's: #1");
        TimeSpan cache = TimeSpan.FromSeconds(_random.Next(3000));
        if (Maybe())
        {
            return new BasicAuthSnapshot(Pick("/etc/mainstay/users", "/srv/a b: #c"))
            { Name = name, Realm = realm, UserHeader = header, Forward = Maybe(), Cache = cache, Failures = rate };
        }

        bool hasSecret = Maybe();
        return new JwtAuthSnapshot(
            hasSecret ? "" : "/etc/mainstay/keys.json",
            hasSecret ? "0123456789abcdef: #0123456789abcdef" : "",
            hasSecret || Maybe() ? [] : [JwtAlgorithm.RS256, JwtAlgorithm.EdDSA],
            new JwtPolicy(
                Maybe() ? [] : ["https://issuer.example/"], Maybe() ? [] : ["api", "web: #1"], TimeSpan.FromSeconds(_random.Next(600)), Maybe(),
                Maybe() ? [] : [new RequiredClaim("scope", ["read", "write"]), new RequiredClaim("a b", [])], Pick("sub", "email"),
                Maybe() ? [] : [new ClaimHeader("roles", "X-Roles"), new ClaimHeader("https://x/y", "X-Y")]),
            Maybe() ? "" : "session")
        { Name = name, Realm = realm, UserHeader = header, Forward = Maybe(), Cache = cache, Failures = rate };
    }

    private AccessLogSnapshot AccessLog()
    {
        AccessLogFormat format = Any<AccessLogFormat>();
        bool toSyslog = Maybe();
        string file = toSyslog ? "stdout" : Pick("stdout", "stderr", "/var/log/a.log");
        return new AccessLogSnapshot(format, file)
        {
            Template = format == AccessLogFormat.Custom ? Pick("{status} \"{uri}\": {{x}}", "#{header.x-a}") : "",
            Rotate = file[0] == '/' && Maybe()
                ? new LogRotation(_random.Next(2) * 1024L * 1024, TimeSpan.FromHours(_random.Next(1, 30)), _random.Next(1, 9)) : null,
            Syslog = !toSyslog ? null : new SyslogSnapshot(
                Listener(Address("192.0.2.9")), Any<SyslogTransport>(), Any<SyslogFacility>(), Any<SyslogSeverity>(), Pick("mainstay", "edge-1")),
        };
    }

    private PoolSnapshot Pool(string name)
    {
        // A connection that many clients share can name none of them.
        var proxy = Any<ProxyVersion>();
        return new PoolSnapshot
        {
            Name = name,
            Balance = Balance(),
            Check = Maybe() ? Check() : null,
            Servers = [.. Enumerable.Range(1, _random.Next(1, 5)).Select(Server)],
            Persist = Maybe() ? Persist() : null,
            Outliers = !Maybe() ? null : new OutlierPolicy
            {
                ErrorsInARow = _random.Next(9),
                ErrorRate = _random.Next(101),
                SlowFactor = _random.Next(9),
                LeastRequests = _random.Next(1, 99),
                Interval = TimeSpan.FromMilliseconds(_random.Next(50, 9999)),
                MostEjected = _random.Next(101),
            },
            PanicThreshold = _random.Next(101),
            SlowStart = Time(),
            DrainTimeout = Time(),
            OnFailure = Any<FailedFlows>(),
            Tls = _random.Next(4) > 0 ? null : new UpstreamTlsSnapshot(
                Verify: false, Maybe() ? null : new FileReference("/etc/ca.pem"), Pick("", "app.example.com"), new FileReference("/etc/c.pem"), Maybe() ? null : new FileReference("/etc/c.key")),
            SendProxy = proxy,
            Sources = Maybe() ? [] : [Address("192.0.2.1"), Address("192.0.2.2"), Address("2001:db8::1")],
            Upstream = new UpstreamSnapshot(Positive(), Positive(), Positive(), Positive(), Time(), Time(), _random.Next(200), _random.Next(11),
                proxy == ProxyVersion.None ? Any<UpstreamProtocol>() : UpstreamProtocol.Http1),
        };
    }

    private ServerSnapshot Server(int number)
    {
        Endpoint address = _random.Next(4) switch
        {
            0 => Endpoint.Ip(Address($"10.0.0.{number}"), _random.Next(1, 65536)),
            1 => Endpoint.Ip(Address($"2001:db8::{number}"), _random.Next(1, 65536)),
            2 => Endpoint.Name($"s{number}.example", _random.Next(1, 65536)),
            _ => Endpoint.Unix(Pick($"/run/app {number}: #.sock", $"@abstract{number}")),
        };
        int upper = _random.Next(3);
        if (_random.Next(5) == 0) return Template(number);
        string name = Maybe() && !address.IsUnix ? address.ToString() : $"s{number}";
        return new ServerSnapshot(name, address, _random.Next(3), Maybe(), _random.Next(3), upper, upper == 0 ? 0 : _random.Next(upper));
    }

    private ServerSnapshot Template(int number)
    {
        bool isService = Maybe();
        string name = isService ? $"_http._tcp.s{number}.example" : $"d{number}.example";
        int port = isService ? 0 : 8000 + number;
        Endpoint address = Endpoint.Name(name, port);
        var discovery = new DiscoverySnapshot(isService ? DiscoveryKind.Services : DiscoveryKind.Addresses, name, port, Maybe() ? 64 : 3);
        return new ServerSnapshot(Maybe() ? address.ToString() : $"d{number}", address, _random.Next(3), Maybe(), 0, 0, 0, discovery);
    }

    private BalanceSnapshot Balance()
    {
        var plain = new BalanceSnapshot(Any<Algorithm>());
        switch (plain.Algorithm)
        {
            case Algorithm.Hash:
                HashSource source = Any<HashSource>();
                bool named = source is HashSource.Header or HashSource.Cookie or HashSource.Query;
                return plain with { HashOn = source, HashName = named ? Pick("id", "X-User", "true") : "", LoadFactor = Maybe() ? 1.25 : 2.5 };
            case Algorithm.Maglev:
                return plain with { WithPort = Maybe(), Fallback = Maybe(), TableSize = Maybe() ? 65537 : 4093 };
            case Algorithm.SourceHash:
                return plain with { WithPort = Maybe(), Fallback = Maybe() };
            default:
                return plain;
        }
    }

    private CheckSnapshot Check()
    {
        TimeSpan interval = TimeSpan.FromMilliseconds(_random.Next(10, 100_000));
        var check = new CheckSnapshot
        {
            Kind = Pick(CheckKind.Http, CheckKind.Https, CheckKind.Tcp, CheckKind.Tls, CheckKind.Agent, CheckKind.Exec),
            Interval = interval,
            FastInterval = Maybe() ? TimeSpan.FromMilliseconds(Math.Max(10, (int)interval.TotalMilliseconds / 2)) : interval,
            Timeout = TimeSpan.FromMilliseconds(_random.Next(1, 10_000)),
            Rise = _random.Next(1, 4),
            Fall = _random.Next(1, 4),
        };
        int port = _random.Next(3) * 1000;
        return check.Kind switch
        {
            CheckKind.Http or CheckKind.Https => WebCheck(check with { Port = port }),
            CheckKind.Tcp => check with { Port = port, Send = Bytes(), Expect = Bytes() },
            CheckKind.Tls => check with { Port = port, Verify = Maybe(), Host = Maybe() ? "a.example" : null, CertificateWarning = Time() },
            CheckKind.Agent => check with { Port = port + 1, Send = Bytes() },
            _ => check with { Command = ["/bin/check", .. Names("a"), Pick("a b", "#", "-x: {y}", "")] },
        };
    }

    private CheckSnapshot WebCheck(CheckSnapshot check) => check with
    {
        Method = Pick("GET", "HEAD"),
        Path = Pick("/", "/healthz?a={b}&c=[d]"),
        Host = Maybe() ? "a.example:81" : null,
        Headers = Maybe() ? [new("Authorization", "Bearer a: b # c"), new("Accept", "*/*")] : [],
        Status = Maybe() ? [(200, 399)] : [(200, 200), (301, 302)],
        BodyContains = Maybe() ? Text() : null,
        BodyMatches = Maybe() ? "^ok(ay)?\\s$" : null,
        BodyLimit = Maybe() ? 64 * 1024 : _random.Next(1, 1_000_000),
        Verify = check.Kind == CheckKind.Https && Maybe(),
        CertificateWarning = check.Kind == CheckKind.Https ? Time() : check.CertificateWarning,
    };

    private ListenerSnapshot HttpListener(Endpoint address, string[] profiles) => _random.Next(3) switch
    {
        0 when profiles.Length > 0 => new ListenerSnapshot(address, Pick(profiles)),
        1 => new ListenerSnapshot(address, null, Pick(443, 8443)),
        _ => new ListenerSnapshot(address),
    };

    private TlsSnapshot Tls(string name) => new()
    {
        Name = name,
        Certificates = [.. Enumerable.Range(1, _random.Next(1, 4)).Select(i => new CertificateSource(
            new FileReference($"/etc/a b/{i}.pem"), Maybe() ? null : new FileReference($"/etc/{i}.key"), Maybe() ? null : new FileReference("/o.der")))],
        Directory = Maybe() ? null : new FileReference("/etc/certificates"),
        DefaultName = Pick("", "www.example.com"),
        Strict = Maybe(),
        Profile = Any<TlsProfileKind>(),
        MinVersion = Maybe() ? null : TlsVersionBound.Tls12,
        MaxVersion = Maybe() ? null : TlsVersionBound.Tls13,
        Ciphers = Pick("", "ECDHE-RSA-AES128-GCM-SHA256"),
        CipherSuites = Pick("", "TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256"),
        Tickets = new TlsTicketSnapshot(TimeSpan.FromHours(_random.Next(24)), Maybe() ? null : new FileReference("/etc/tickets")),
        Handshake = new TlsHandshakeSnapshot(Positive(), _random.Next(10), _random.Next(10)),
        Client = Maybe() ? null : new ClientCertificateSnapshot(new FileReference("/etc/ca.pem"), Maybe(), Maybe() ? null : new FileReference("/etc/crl.pem")),
        Watch = TimeSpan.FromSeconds(_random.Next(100)),
    };

    private HttpSnapshot Service(string name, string[] pools, string[] profiles) => new()
    {
        Name = name,
        Listen = [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => HttpListener(Listener(Address(Pick("0.0.0.0", "127.0.0.1", "::", "2001:db8::1"))), profiles))],
        Hsts = Maybe() ? null : new HstsSnapshot(Time(), Maybe()),
        Routes = [.. Enumerable.Range(1, _random.Next(1, 5)).Select(i => Route(name, i, pools))],
        Limits = Maybe() ? new HttpLimits() : new HttpLimits(4096, 8192, _random.Next(1, 50), 1L << _random.Next(40), _random.Next(5), _random.Next(1, 500)),
        Timeouts = new HttpTimeouts(Positive(), Positive(), Time(), Positive()),
        Forwarded = new ForwardedSnapshot(
            Maybe() ? [] : [Range("10.0.0.0/8"), Range("2001:db8::/32")], Maybe(), Maybe(), Maybe(), Pick("", "X-Request-Id", "X-Id")),
        Http2 = Maybe(),
        Protect = Maybe() ? ProtectSnapshot.None : Protect(),
        Compress = Compress(),
    };

    private ProtectSnapshot Protect() => new()
    {
        Access = Maybe() ? null : new AccessSnapshot(Maybe() ? [] : [Range("10.0.0.0/8")], [Range("10.1.0.0/16"), Range("::/0")], Maybe()),
        Exempt = Maybe() ? [] : [Range("192.0.2.1")],
        ConnectionsPerAddress = _random.Next(3),
        V6PrefixLength = Pick(48, 64, 128),
        RateLimits = [.. Names("l").Select(name => RateLimit(name, Any<LimitUnit>()))],
        Detector = Maybe() ? null : Detector(),
        SlowClients = Maybe() ? SlowClientSnapshot.Default : new SlowClientSnapshot(_random.Next(2000), _random.Next(2) * 1024, Positive()),
    };

    private RateLimitSnapshot RateLimit(string name, LimitUnit unit)
    {
        long count = _random.Next(1, 5000) + (unit == LimitUnit.Bytes ? 1024 : 0);
        var rate = new Rate(count, Pick(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(10), TimeSpan.FromHours(1)), Maybe() ? count : _random.Next(1, 100) + (unit == LimitUnit.Bytes ? 1024 : 0));
        ImmutableArray<LimitKey> by = Pick<ImmutableArray<LimitKey>>(
            [], [new(HashSource.Address, "")], [new(HashSource.Address, ""), new(HashSource.Header, "X-Key"), new(HashSource.Query, "a b")], [new(HashSource.Path, "")]);
        if (unit == LimitUnit.Connections) by = Maybe() ? [] : [new(HashSource.Address, "")];
        return new RateLimitSnapshot(
            name, unit, rate, by, unit == LimitUnit.Requests && Maybe(), unit != LimitUnit.Bytes && Maybe(), Maybe() ? 65536 : 1000);
    }

    private DetectorSnapshot Detector() => new(
        _random.Next(2, 1000),
        TimeSpan.FromSeconds(_random.Next(1, 100)),
        Maybe() ? [] : [new PathWeight([new PathPattern(PatternKind.SegmentPrefix, "/images/"), new PathPattern(PatternKind.Regex, "\\.php$")], _random.Next(10))],
        Maybe() ? [] : [new StatusWeight([(401, 401), (500, 599)], _random.Next(1, 10))],
        new BanTerms(TimeSpan.FromSeconds(_random.Next(1, 100)), Maybe() ? 2 : 1.5, TimeSpan.FromHours(1), Time(), Any<BanAction>()),
        Maybe(),
        Maybe() ? 65536 : 100);

    private RouteSnapshot Route(string service, int number, string[] pools)
    {
        RouteAction action = _random.Next(4) switch
        {
            0 when pools.Length > 0 => new RouteAction.ToPool(Pick(pools)),
            3 when pools.Length > 0 => new RouteAction.Split([.. pools.Select((pool, i) => new PoolWeight(pool, i + 1))], Pick("", "{cookie.user}")),
            1 => new RouteAction.Redirect(Pick(301, 302, 308), Pick("https://{host}{uri}", "/a{path}?{query}", "/#x{{y}}")),
            2 => new RouteAction.ServeFiles(Files()),
            _ => new RouteAction.Respond(Pick(200, 503), Text(), Pick("text/plain; charset=utf-8", "text/html")),
        };
        var route = new RouteSnapshot(Maybe() ? $"{service}/{number}" : $"r{number}", Maybe() ? new RouteMatch() : Match(), action)
        {
            Auth = Maybe() ? "" : "staff",
            RateLimits = Maybe() ? [] : [RateLimit("only", Pick(LimitUnit.Requests, LimitUnit.Bytes))],
            Compress = Maybe() ? null : Compress(),
            Access = Maybe() ? null : new RouteAccessSnapshot { Allow = Maybe() ? [] : [Range("10.0.0.0/8")], Deny = [Range("10.9.0.0/16")] },
            ResponseHeaders = Maybe() ? HeaderEditsSnapshot.None : Headers("{server} {status}"),
            Limits = Maybe() ? null : new RouteLimits(4096, Maybe() ? null : 1 << 20),
            ErrorPages = Maybe() ? [] : [new ErrorPage(404, Text(), "text/html"), new ErrorPage(5, "{}", "application/json")],
        };
        if (action is RouteAction.Respond or RouteAction.Redirect or RouteAction.ServeFiles || Maybe()) return route;
        return route with
        {
            Rewrite = Maybe() ? null : new RewriteSnapshot
            {
                StripPrefix = Pick("", "/api"),
                AddPrefix = Pick("", "/v2"),
                Replace = Maybe() ? [] : [new NamedTemplate("~^/a/(.*)$", "/b/{1}"), new NamedTemplate("~*^/(?<x>c).*$", "/{x}?{query}")],
                QueryRemove = Maybe() ? [] : ["utm"],
                QuerySet = Maybe() ? [] : [new NamedTemplate("a b", "{client.address}")],
                Host = Pick("", "a.example:81", "{host}"),
            },
            RequestHeaders = Maybe() ? HeaderEditsSnapshot.None : Headers("{client.address} {{x}}"),
            Timeouts = Maybe() ? null : new RouteTimeouts(Positive(), null, Positive(), Time()),
        };
    }

    private HeaderEditsSnapshot Headers(string value) => new()
    {
        Set = [new NamedTemplate("X-Set", value)],
        Add = Maybe() ? [] : [new NamedTemplate("X-Add", "1: # x")],
        Remove = Maybe() ? [] : ["Server", "X-Debug"],
        Rename = Maybe() ? [] : [new HeaderRename("X-Old", "X-New")],
    };

    private TcpSnapshot Tcp(string name, string[] pools)
    {
        TransportProtocol protocol = Any<TransportProtocol>();
        bool isTcp = protocol == TransportProtocol.Tcp;
        return new TcpSnapshot
        {
            Name = name,
            Protocol = protocol,
            Listen = [.. Enumerable.Range(0, _random.Next(1, 3)).Select(_ => new TcpListenSnapshot(
                Listener(Address("127.0.0.1")), isTcp && Maybe() ? new ProxyProtocolSnapshot(Maybe() ? [] : [Range("10.0.0.0/8")]) : null))],
            Routes = [.. Enumerable.Range(1, _random.Next(1, 4)).Select(i => new TcpRouteSnapshot(Maybe() ? $"{name}/{i}" : $"r{i}", TcpMatch(isTcp), Pick(pools)))],
            Access = Maybe() ? new TcpAccess([], []) : new TcpAccess(Maybe() ? [] : [Range("10.0.0.0/8")], Maybe() ? [] : [Range("10.1.0.0/16")]),
            MaxConnections = _random.Next(3),
            Timeouts = new TcpTimeouts(Positive(), Positive(), Positive()),
            Datagrams = isTcp ? new DatagramSnapshot(TimeSpan.FromSeconds(30)) : new DatagramSnapshot(Positive(), _random.Next(3), Maybe()),
        };
    }

    private TcpMatch TcpMatch(bool withHello) => Maybe() ? new TcpMatch() : new TcpMatch
    {
        Sni = withHello && Maybe() ? [new HostPattern("example.com", true)] : [],
        Alpn = withHello && Maybe() ? ["h2", "http/1.1"] : [],
        Source = Maybe() ? [] : [Range("192.0.2.1")],
        Prefix = Maybe() || Bytes() is not { IsEmpty: false } prefix ? [] : [prefix],
    };

    private CompressSnapshot Compress() => new()
    {
        Enabled = Maybe(),
        Types = Maybe() ? CompressSnapshot.DefaultTypes : ["text/*", "application/json"],
        MinSize = Pick(0, 1024, 5000),
        Gzip = _random.Next(10),
        Brotli = _random.Next(7),
        CrossSite = Maybe(),
    };

    private FilesSnapshot Files() => Maybe() ? new FilesSnapshot("/srv/a b") : new FilesSnapshot("/srv/www")
    {
        Index = Maybe() ? [] : ["index.html", "#x"],
        StripPrefix = Maybe() ? null : Pick("", "/static"),
        Try = Pick("", "/app: {x}.html"),
        NotFound = Pick("", "/errors/404.html"),
        Precompressed = Maybe(),
        CacheControl = Pick("", "public, max-age=60"),
        MediaTypes = Maybe() ? [] : [new("", "text/plain"), new("x-y", "text/html; charset=utf-8")],
        Hidden = Maybe(),
        Links = Any<LinkPolicy>(),
        Revalidate = Time(),
    };

    private RouteMatch Match(int depth = 2) => new()
    {
        Scheme = Maybe() ? null : Any<RequestScheme>(),
        Port = Maybe() ? [] : [80, 8443],
        All = Maybe() || depth == 0 ? [] : [Match(depth - 1)],
        Any = Maybe() || depth == 0 ? [] : [Match(depth - 1), Match(depth - 1)],
        Not = Maybe() || depth == 0 ? [] : [Match(depth - 1)],
        Host = Maybe() ? [] : [new HostPattern("example.com", true), new HostPattern("www.example.com", false), new HostPattern("^a[0-9]+\\.", false, IsRegex: true)],
        Path = Maybe() ? [] : [new PathPattern(PatternKind.SegmentPrefix, "/a"), new PathPattern(PatternKind.Regex, "\\.php$"), new PathPattern(PatternKind.Exact, "/x y")],
        Method = Maybe() ? [] : ["GET", "PURGE"],
        Source = Maybe() ? [] : [Range("192.0.2.1"), Range("::1")],
        Header = Maybe() ? [] : [new NamedMatch("X-Env", Values()), new NamedMatch("User-Agent", [new ValuePattern(PatternKind.RegexIgnoreCase, "bot|[a-z]{3}")])],
        Query = Maybe() ? [] : [new NamedMatch(LineText(), Values()), new NamedMatch("a flag", [])],
        Cookie = Maybe() ? [] : [new NamedMatch("id", Values())],
    };

    private ImmutableArray<ValuePattern> Values() =>
        [.. Enumerable.Range(0, _random.Next(3)).Select(_ => new ValuePattern(Pick(PatternKind.Exact, PatternKind.Prefix), LineText()))];

    private Endpoint Listener(NetAddress address) => Endpoint.Ip(address, ++_lastPort);

    private string Text() => LineText() + Pick("", "\n", "\r\nx");

    private string LineText()
    {
        string[] odd = [.. Odd.EnumerateRunes().Where(r => r.Value >= ' ' && r.Value != 0x85).Select(r => r.ToString())];
        return "" + Pick(Pick("yes", "1", "1.5", "null", "~", "12:30", "2001-01-01", "0x1F", "<<"), string.Concat(Enumerable.Range(0, _random.Next(1, 12)).Select(_ => Pick(odd))));
    }

    private ImmutableArray<byte> Bytes()
    {
        if (Maybe()) return [];
        byte[] bytes = new byte[_random.Next(1, 10)];
        _random.NextBytes(bytes);
        return [.. bytes];
    }

    private IEnumerable<string> Names(string prefix) => Enumerable.Range(1, _random.Next(4)).Select(i => $"{prefix}{i}");

    private TimeSpan Time() => Maybe() ? TimeSpan.Zero : Positive();

    private TimeSpan Positive() => TimeSpan.FromMilliseconds(Maybe() ? _random.Next(1, 100_000) : 1000L * _random.Next(1, 100_000));

    private bool Maybe() => _random.Next(2) == 0;

    private T Pick<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];

    private T Any<T>()
        where T : struct, Enum => Pick(Enum.GetValues<T>());

    private static NetAddress Address(string text)
    {
        Assert.True(NetAddress.TryParse(text, out NetAddress address));
        return address;
    }

    private static AddressRange Range(string text)
    {
        Assert.True(AddressRange.TryParse(text, out AddressRange range));
        return range;
    }
}

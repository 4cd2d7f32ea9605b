using System.Collections.Immutable;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>Who sends a PROXY header on a listener.</summary>
internal static class ProxyProtocolSection
{
    private static readonly Key<ProxyProtocolSnapshot, ImmutableArray<AddressRange>> From = new(
        "from", new ListType<AddressRange>(RangeType.Instance) { Single = true }, p => p.From)
    {
        Doc = "Balancers in front whose connections begin with a PROXY header (version 1 or 2): it is demanded of them and believed. Whoever "
            + "else connects is taken for the client. On a unix socket everyone is believed who may open it.",
        Required = true,
    };

    public static readonly Section<ProxyProtocolSnapshot> Section = new(
        "proxy-protocol", [From], v => new ProxyProtocolSnapshot(v.Get(From)))
    { Doc = "From whom the client's address is taken over by the PROXY protocol." };
}

/// <summary>What a TCP route looks at.</summary>
internal static class TcpMatchSection
{
    private static readonly TextType Protocol = new(
        "protocol", "an application protocol such as h2 or http/1.1", text => text.Length is > 0 and <= 255 && text.All(c => c is > ' ' and <= '~') ? null : "is no protocol name");

    private static OptionalValueType<ImmutableArray<T>> Any<T>(ConfigType<T> item) => new(new ListType<T>(item) { Single = true, AtLeast = 1 });

    private static ImmutableArray<T>? Set<T>(ImmutableArray<T> values) => values.IsEmpty ? null : values;

    private static readonly Key<TcpMatch, ImmutableArray<HostPattern>?> Sni = new("sni", Any(HostPatternType.Instance), m => Set(m.Sni))
    { Doc = "Server name of the TLS ClientHello, which is only looked at: the connection stays encrypted to the server." };

    private static readonly Key<TcpMatch, ImmutableArray<string>?> Alpn = new("alpn", Any(Protocol), m => Set(m.Alpn))
    { Doc = "An application protocol that the ClientHello offers." };

    private static readonly Key<TcpMatch, ImmutableArray<AddressRange>?> Source = new("source", Any(RangeType.Instance), m => Set(m.Source))
    { Doc = "Address of the client." };

    private static readonly Key<TcpMatch, ImmutableArray<ImmutableArray<byte>>?> Prefix = new(
        "prefix", Any(BytesType.Instance), m => Set(m.Prefix))
    { Doc = "What the client says first begins with these bytes, such as \"SSH-\"." };

    public static readonly Section<TcpMatch> Section = new(
        "tcp.NAME.routes.match",
        [Sni, Alpn, Source, Prefix],
        v => new TcpMatch { Sni = v.Get(Sni) ?? [], Alpn = v.Get(Alpn) ?? [], Source = v.Get(Source) ?? [], Prefix = v.Get(Prefix) ?? [] })
    { Doc = "All conditions that are given have to hold; of a list of values, any one." };
}

/// <summary>One TCP or UDP service.</summary>
internal static class TcpSection
{
    private static readonly Key<TcpListenSnapshot, Endpoint> Address = new("address", EndpointType.Listener, l => l.Address)
    { Doc = "Address and port, or unix:/path.", Required = true };

    private static readonly Key<TcpListenSnapshot, ProxyProtocolSnapshot?> Proxy = new(
        "proxy-protocol", new OptionalType<ProxyProtocolSnapshot>(ProxyProtocolSection.Section), l => l.Proxy)
    { Doc = "From whom the client's address is taken over by the PROXY protocol.", Otherwise = "nobody" };

    private static readonly Section<TcpListenSnapshot> ListenSection = new(
        "tcp.NAME.listen", [Address, Proxy], v => new TcpListenSnapshot(v.Get(Address), v.Get(Proxy)))
    {
        Doc = "Where the service listens: an address, a mapping, or a list of these.",
        Shorthand = Address,
        Later = ["tls"],
    };

    private static readonly Key<TcpRouteSnapshot, string?> RouteName = new(
        "name", new OptionalType<string>(TextType.Name), r => r.Name.Length == 0 ? null : r.Name)
    { Doc = "Name in logs.", Otherwise = "the service's name and the rule's number" };

    private static readonly Key<TcpRouteSnapshot, TcpMatch> Match = new("match", TcpMatchSection.Section, r => r.Match)
    { Doc = "Which connections.", Default = Key.EmptyMapping, Otherwise = "every connection" };

    private static readonly Key<TcpRouteSnapshot, string> RouteTo = new("to", PoolReferenceType.Instance, r => r.Pool)
    { Doc = "The pool that takes them.", Required = true };

    private static readonly Section<TcpRouteSnapshot> RouteSection = new(
        "tcp.NAME.routes", [RouteName, Match, RouteTo], v => new TcpRouteSnapshot(v.Get(RouteName) ?? "", v.Get(Match), v.Get(RouteTo)))
    { Doc = "Rules, tried in order; a connection that none matches is closed." };

    private static OptionalValueType<ImmutableArray<AddressRange>> Ranges => new(new ListType<AddressRange>(RangeType.Instance) { Single = true, AtLeast = 1 });

    private static ImmutableArray<AddressRange>? Set(ImmutableArray<AddressRange> values) => values.IsEmpty ? null : values;

    private static readonly Key<TcpAccess, ImmutableArray<AddressRange>?> Allow = new("allow", Ranges, a => Set(a.Allow))
    { Doc = "Only these may connect.", Otherwise = "everyone" };

    private static readonly Key<TcpAccess, ImmutableArray<AddressRange>?> Deny = new("deny", Ranges, a => Set(a.Deny))
    { Doc = "These may not, even if they are allowed.", Otherwise = "nobody" };

    private static readonly Section<TcpAccess> AccessSection = new(
        "tcp.NAME.access", [Allow, Deny], v => new TcpAccess(v.Get(Allow) ?? [], v.Get(Deny) ?? []))
    { Doc = "Which client addresses are served; others are closed at once." };

    private static readonly Key<TcpTimeouts, TimeSpan> Idle = new("idle", DurationType.Positive, t => t.Idle)
    { Doc = "Without a byte in either direction.", Default = Key.Plain("1h") };

    private static readonly Key<TcpTimeouts, TimeSpan> HalfClosed = new("half-closed", DurationType.Positive, t => t.HalfClosed)
    { Doc = "Without a byte after one side has ended its stream.", Default = Key.Plain("5m") };

    private static readonly Key<TcpTimeouts, TimeSpan> Inspect = new("inspect", DurationType.Positive, t => t.Inspect)
    { Doc = "Until the first bytes have come that a PROXY header or the rules need.", Default = Key.Plain("5s") };

    private static readonly Section<TcpTimeouts> TimeoutsSection = new(
        "tcp.NAME.timeouts", [Idle, HalfClosed, Inspect], v => new TcpTimeouts(v.Get(Idle), v.Get(HalfClosed), v.Get(Inspect)))
    { Doc = "How long connections may be quiet. How long servers may take to connect is said by the pool." };

    private static readonly Key<DatagramSnapshot, TimeSpan> SessionIdle = new("idle", DurationType.Positive, d => d.Idle)
    { Doc = "A session ends after this long without a datagram in either direction.", Default = Key.Plain("30s") };

    private static readonly Key<DatagramSnapshot, int> Responses = new("responses", new IntegerType(0, 1_000_000), d => d.Responses)
    { Doc = "Datagrams of the server after which a session is over, such as 1 for DNS; 0 is only by time.", Default = Key.Plain("0") };

    private static readonly Key<DatagramSnapshot, bool> OnePacket = new("one-packet", BooleanType.Instance, d => d.OnePacket)
    { Doc = "Every datagram of a client is scheduled on its own, instead of all of a client's going to one server.", Default = Key.Plain("false") };

    private static readonly Section<DatagramSnapshot> SessionsSection = new(
        "tcp.NAME.sessions",
        [SessionIdle, Responses, OnePacket],
        v => new DatagramSnapshot(v.Get(SessionIdle), v.Get(Responses), v.Get(OnePacket)))
    { Doc = "For UDP: what belongs together, and for how long. A session is known by the client's address and port." };

    private static readonly ChoiceType<TransportProtocol> Protocols = new(("tcp", TransportProtocol.Tcp), ("udp", TransportProtocol.Udp));

    private static readonly Key<TcpSnapshot, TransportProtocol> Protocol = new("protocol", Protocols, t => t.Protocol)
    { Doc = "TCP connections or UDP datagrams.", Default = Key.Plain("tcp") };

    private static readonly Key<TcpSnapshot, ImmutableArray<TcpListenSnapshot>> Listen = new(
        "listen", new ListType<TcpListenSnapshot>(ListenSection) { Single = true, AtLeast = 1 }, t => t.Listen)
    { Doc = "Where the service listens.", Required = true };

    private static readonly Key<TcpSnapshot, string?> To = new(
        "to", new OptionalType<string>(PoolReferenceType.Instance), t => OnlyPool(t))
    { Doc = "The pool that takes every connection." };

    private static readonly Key<TcpSnapshot, ImmutableArray<TcpRouteSnapshot>?> Routes = new(
        "routes",
        new OptionalValueType<ImmutableArray<TcpRouteSnapshot>>(new ListType<TcpRouteSnapshot>(RouteSection)
        {
            AtLeast = 1,
            Block = true,
            Unique = [("route name", r => r.Name.Length == 0 ? null : r.Name)],
        }),
        t => OnlyPool(t) is null ? WithoutDefaultNames(t) : null)
    { Doc = "Rules by what is known of a connection; the first that matches decides." };

    private static readonly Key<TcpSnapshot, TcpAccess> Access = new("access", AccessSection, t => t.Access)
    { Doc = "Which client addresses are served.", Default = Key.EmptyMapping };

    private static readonly Key<TcpSnapshot, int> MaxConnections = new("max-connections", new IntegerType(0, int.MaxValue), t => t.MaxConnections)
    {
        Doc = "Connections (or UDP sessions) at once; further ones wait in the kernel's queue (datagrams are dropped). 0 is no limit but that of the process.",
        Default = Key.Plain("0"),
    };

    private static readonly Key<TcpSnapshot, TcpTimeouts> Timeouts = new("timeouts", TimeoutsSection, t => t.Timeouts)
    { Doc = "How long connections may be quiet.", Default = Key.EmptyMapping };

    private static readonly Key<TcpSnapshot, DatagramSnapshot> Sessions = new("sessions", SessionsSection, t => t.Datagrams)
    { Doc = "For UDP: what belongs together, and for how long.", Default = Key.EmptyMapping };

    public static readonly Section<TcpSnapshot> Section = new(
        "tcp.NAME", [Listen, Protocol, To, Routes, Access, MaxConnections, Timeouts, Sessions], Build)
    {
        Doc = "A TCP or UDP service: connections or datagrams are taken to a server as they are.",
        Block = true,
        OneOf = [To, Routes],
        Verify = Verify,
    };

    public static readonly MapType<TcpSnapshot, TcpSnapshot> Map = new(TextType.Name, Section, Named, t => (t.Name, t)) { Block = true };

    private static TcpSnapshot Build(Values v) => new()
    {
        Name = "",
        Protocol = v.Get(Protocol),
        Listen = v.Get(Listen),
        Routes = v.Get(Routes) ?? [new TcpRouteSnapshot("", new TcpMatch(), v.Get(To) ?? "")],
        Access = v.Get(Access),
        MaxConnections = v.Get(MaxConnections),
        Timeouts = v.Get(Timeouts),
        Datagrams = v.Get(Sessions),
    };

    private static TcpSnapshot Named(string name, TcpSnapshot service) => service with
    {
        Name = name,
        Routes = [.. service.Routes.Select((r, i) => r.Name.Length > 0 ? r : r with { Name = DefaultName(name, i) })],
    };

    private static string? OnlyPool(TcpSnapshot service) =>
        service.Routes is [{ Match.IsAll: true } only] && only.Name == DefaultName(service.Name, 0) ? only.Pool : null;

    private static ImmutableArray<TcpRouteSnapshot> WithoutDefaultNames(TcpSnapshot service) =>
        [.. service.Routes.Select((r, i) => r.Name == DefaultName(service.Name, i) ? r with { Name = "" } : r)];

    private static string DefaultName(string service, int index) => $"{service}/{index + 1}";

    private static void Verify(Values v)
    {
        bool isUdp = v.TryGet(Protocol, out TransportProtocol protocol) && protocol == TransportProtocol.Udp;
        if (isUdp) VerifyUdp(v);
        else if (v.IsWritten(Sessions)) v.Error(Sessions, "applies to UDP (protocol: udp)");
        if (!v.TryGet(Routes, out ImmutableArray<TcpRouteSnapshot>? written) || written is not { } routes || v.At(Routes) is not SequenceNode list) return;
        int all = routes.IndexOf(routes.FirstOrDefault(r => r.Match.IsAll)!);
        if (all >= 0 && all + 1 < routes.Length)
            v.Compilation.Warn(list.Items[all + 1], $"routes.{all + 2}: is never reached: route {all + 1} matches every connection (put that one last)");
        if (isUdp && routes.FirstOrDefault(r => r.Match.NeedsHello) is not null)
            v.Error(Routes, "sni and alpn are looked at in TCP connections only (source and prefix work with UDP)");
    }

    private static void VerifyUdp(Values v)
    {
        // A port's datagrams and its connections have nothing to do with each other.
        v.Compilation.MarkDatagram(v.At(Listen));
        if (!v.TryGet(Listen, out ImmutableArray<TcpListenSnapshot> listen)) return;
        if (listen.Any(l => l.Address.IsUnix)) v.Error(Listen, "a unix socket takes no datagrams here (an address and port)");
        if (listen.Any(l => l.Proxy is not null)) v.Error(Listen, "proxy-protocol is for TCP listeners");
    }
}

using System.Collections.Immutable;
using Mainstay.Core.Balancing;
using Mainstay.Core.Health;
using Mainstay.Core.Net;
using Mainstay.Core.Proxy;

namespace Mainstay.Core.Config.Vocabulary;

internal static class ServerSection
{
    private const int DefaultMax = 64;

    private static readonly TextType ServiceName = new("service", "a service such as _http._tcp.example.com", ServiceRule);

    private static readonly Key<ServerSnapshot, string?> Name = new(
        "name", new OptionalType<string>(TextType.ServerName), s => s.Name == s.Address.ToString() ? null : s.Name)
    {
        Doc = "Name in logs, metrics and commands. Health and connections stay with the name when the configuration is reloaded.",
        Otherwise = "the address",
    };

    private static readonly Key<ServerSnapshot, Endpoint?> Address = new(
        "address", new OptionalType<Endpoint>(EndpointType.Server), s => s.Discovery is null ? s.Address : null)
    {
        Doc = "Address and port, host name and port, or unix:/path. A name is one server, whose address is resolved again when its TTL ends.",
    };

    private static readonly Key<ServerSnapshot, Endpoint?> Dns = new(
        "dns", new OptionalType<Endpoint>(EndpointType.Server), s => s.Discovery?.Kind == DiscoveryKind.Addresses ? s.Address : null)
    {
        Doc = "Host name and port: one server for each of its A and AAAA records, kept up to date by their TTL. A server that stays keeps its health and "
            + "connections; while DNS does not answer, the last answer stays in force.",
    };

    private static readonly Key<ServerSnapshot, string?> Srv = new(
        "srv", new OptionalType<string>(ServiceName), s => s.Discovery?.Kind == DiscoveryKind.Services ? s.Discovery.Name : null)
    {
        Doc = "A service such as _http._tcp.example.com: servers by its SRV records, with their ports and weights; those of a worse priority than the best are backups.",
    };

    private static readonly Key<ServerSnapshot, int?> Max = new(
        "max", new OptionalValueType<int>(new IntegerType(1, 1000)), s => s.Discovery?.Max)
    { Doc = "Servers at most; those with the lowest addresses.", Otherwise = "64", OnlyWith = ["dns", "srv"] };

    private static readonly Key<ServerSnapshot, int> Weight = new("weight", new IntegerType(0, Availability.MaxWeight), s => s.Weight)
    {
        Doc = "Share of the work relative to the other servers; 0 gets no new work.",
        Default = Key.Plain("1"),
    };

    private static readonly Key<ServerSnapshot, bool> Backup = new("backup", BooleanType.Instance, s => s.Backup)
    {
        Doc = "Used only while none of the other servers can be.",
        Default = Key.Plain("false"),
    };

    private static readonly Key<ServerSnapshot, int> MaxConnections = new(
        "max-connections", new IntegerType(0, int.MaxValue), s => s.MaxConnections)
    {
        Doc = "Requests and connections at once; 0 is no limit.",
        Default = Key.Plain("0"),
    };

    private static readonly Key<ServerSnapshot, int> Upper = new("upper-threshold", new IntegerType(0, int.MaxValue), s => s.Upper)
    {
        Doc = "Gets no new work from this many on; 0 is never.",
        Default = Key.Plain("0"),
    };

    private static readonly Key<ServerSnapshot, int> Lower = new("lower-threshold", new IntegerType(0, int.MaxValue), s => s.Lower)
    {
        Doc = "Until it has fewer than this many again; 0 is three quarters of the upper threshold.",
        Default = Key.Plain("0"),
    };

    public static readonly Section<ServerSnapshot> Section = new(
        "pools.NAME.servers",
        [Name, Address, Dns, Srv, Weight, Backup, MaxConnections, Upper, Lower, Max],
        Build)
    {
        OneOf = [Address, Dns, Srv],
        Doc = "A list; each server is its address, or a mapping.",
        Shorthand = Address,
        Verify = Verify,
    };

    private static ServerSnapshot Build(Values v)
    {
        DiscoverySnapshot? discovery = null;
        Key place = Address;
        Endpoint? address = v.Get(Address);
        if (v.Get(Dns) is { } host)
        {
            (place, address) = (Dns, host);
            discovery = new DiscoverySnapshot(DiscoveryKind.Addresses, host.HostName ?? "", host.Port, v.Get(Max) ?? DefaultMax);
        }
        else if (v.Get(Srv) is { } service)
        {
            (place, address) = (Srv, Endpoint.Name(service, 0));
            discovery = new DiscoverySnapshot(DiscoveryKind.Services, service, 0, v.Get(Max) ?? DefaultMax);
        }

        string name = v.Get(Name) ?? (discovery?.Kind == DiscoveryKind.Services ? address!.ToString() : AsWritten(v.At(place)));
        return new ServerSnapshot(
            name, address!, v.Get(Weight), v.Get(Backup), v.Get(MaxConnections), v.Get(Upper), v.Get(Lower), discovery);
    }

    private static string? ServiceRule(string text)
    {
        string[] labels = text.Split('.');
        bool isService = labels.Length > 2 && labels[0] is ['_', _, ..] && labels[1] is "_tcp" or "_udp";
        return isService && EndpointType.IsHostName(string.Join('.', labels[2..])) ? null : "is not a service";
    }

    private static string AsWritten(ConfigNode address) => ((ScalarNode)address).Text;

    private static void Verify(Values v)
    {
        if (v.TryGet(Dns, out Endpoint? host) && host is { HostName: null }) v.Error(Dns, "is not a host name (address, for one server at a fixed place)");
        if (!v.TryGet(Upper, out int upper) || !v.TryGet(Lower, out int lower)) return;
        if (lower > 0 && upper == 0) v.Error(Lower, "upper-threshold is missing (lower-threshold says when it ends)");
        else if (lower > upper) v.Error(Lower, $"is above the upper-threshold (at most {upper})");
    }
}

internal static class PoolSection
{
    private sealed record Timeouts(TimeSpan Connect, TimeSpan FirstByte, TimeSpan Idle, TimeSpan Tunnel, TimeSpan Total);

    private sealed record KeepAlive(TimeSpan Timeout, int MaxIdle);

    private static readonly Key<Timeouts, TimeSpan> Connect = new("connect", DurationType.Positive, t => t.Connect)
    { Doc = "Until a connection to the server stands; then another server is tried.", Default = Key.Plain("2s") };

    private static readonly Key<Timeouts, TimeSpan> FirstByte = new("first-byte", DurationType.Positive, t => t.FirstByte)
    { Doc = "From the whole request sent to the first byte of the response; then 504.", Default = Key.Plain("30s") };

    private static readonly Key<Timeouts, TimeSpan> Idle = new("idle", DurationType.Positive, t => t.Idle)
    { Doc = "Without a byte of the response's body; then the client's connection is cut.", Default = Key.Plain("1m") };

    private static readonly Key<Timeouts, TimeSpan> Tunnel = new("tunnel", DurationType.Positive, t => t.Tunnel)
    { Doc = "Without a byte in either direction after an upgrade (WebSocket).", Default = Key.Plain("1h") };

    private static readonly Key<Timeouts, TimeSpan> Total = new("total", DurationType.OrZero, t => t.Total)
    { Doc = "The whole exchange; 0 is no limit.", Default = Key.Plain("0") };

    private static readonly Section<Timeouts> TimeoutsSection = new(
        "pools.NAME.timeouts",
        [Connect, FirstByte, Idle, Tunnel, Total],
        v => new Timeouts(v.Get(Connect), v.Get(FirstByte), v.Get(Idle), v.Get(Tunnel), v.Get(Total)))
    { Doc = "How long the pool's servers may take." };

    private static readonly Key<KeepAlive, TimeSpan> KeepAliveTimeout = new("timeout", DurationType.OrZero, k => k.Timeout)
    {
        Doc = "How long an idle connection to a server is kept, which should be shorter than the server itself does (Apache and Node.js: 5s); "
            + "0 is a new connection for each request.",
        Default = Key.Plain("4s"),
    };

    private static readonly Key<KeepAlive, int> MaxIdle = new("max-idle", new IntegerType(0, 100_000), k => k.MaxIdle)
    { Doc = "Idle connections kept for each server and shard.", Default = Key.Plain("1024") };

    private static readonly Section<KeepAlive> KeepAliveSection = new(
        "pools.NAME.keep-alive", [KeepAliveTimeout, MaxIdle], v => new KeepAlive(v.Get(KeepAliveTimeout), v.Get(MaxIdle)))
    {
        Doc = "Connections to servers that are kept for further requests.",
        Shorthand = KeepAliveTimeout,
    };

    private static readonly ChoiceType<FailedFlows> FailedFlowsType = new(("keep", FailedFlows.Keep), ("drop", FailedFlows.Drop));

    private static readonly Key<PoolSnapshot, BalanceSnapshot> Balance = new("balance", BalanceSection.Section, p => p.Balance)
    { Doc = "How work is spread over the servers.", Default = Key.Plain("least-request") };

    private static readonly Key<PoolSnapshot, CheckSnapshot?> Check = new(
        "check", new OptionalType<CheckSnapshot>(CheckSection.Section), p => p.Check)
    { Doc = "How servers are checked.", Otherwise = "none: servers count as up" };

    private static readonly Key<PoolSnapshot, ImmutableArray<ServerSnapshot>> Servers = new(
        "servers",
        new ListType<ServerSnapshot>(ServerSection.Section)
        {
            AtLeast = 1,
            Block = true,
            Unique = [("server name", s => s.Name), ("server address", s => s.Address.ToString())],
        },
        p => p.Servers)
    { Doc = "The servers.", Required = true };

    private static readonly Key<PoolSnapshot, int> PanicThreshold = new("panic-threshold", PercentType.Instance, p => p.PanicThreshold)
    {
        Doc = "When less than this share of the servers is healthy, all of them are used: then the checks are more likely wrong than the "
            + "servers, and the few left would be overrun. 0% is never.",
        Default = Key.Plain("0%"),
    };

    private static readonly Key<PoolSnapshot, TimeSpan> SlowStart = new("slow-start", DurationType.OrZero, p => p.SlowStart)
    { Doc = "How long a server that came up takes to reach its whole weight; 0 is at once.", Default = Key.Plain("0") };

    private static readonly Key<PoolSnapshot, TimeSpan> DrainTimeout = new("drain-timeout", DurationType.OrZero, p => p.DrainTimeout)
    { Doc = "How long the work of a server that is drained may go on.", Default = Key.Plain("5m") };

    private static readonly Key<PoolSnapshot, FailedFlows> OnFailure = new("on-failure", FailedFlowsType, p => p.OnFailure)
    {
        Doc = "Existing work of a server that went down: keep lets it end as it can, drop cuts it, so that clients come again at once.",
        Default = Key.Plain("keep"),
    };

    private static readonly Key<PoolSnapshot, Timeouts> TimeoutsKey = new(
        "timeouts", TimeoutsSection, p => new Timeouts(p.Upstream.Connect, p.Upstream.FirstByte, p.Upstream.Idle, p.Upstream.Tunnel, p.Upstream.Total))
    { Doc = "How long the servers may take.", Default = Key.EmptyMapping };

    private static readonly Key<PoolSnapshot, KeepAlive> KeepAliveKey = new(
        "keep-alive", KeepAliveSection, p => new KeepAlive(p.Upstream.KeepAlive, p.Upstream.MaxIdle))
    { Doc = "Connections kept for further requests.", Default = Key.EmptyMapping };

    private static readonly Key<PoolSnapshot, int> Retries = new("retries", new IntegerType(0, 10), p => p.Upstream.Retries)
    {
        Doc = "Further servers that are tried, only where that cannot do something twice: no byte was sent yet, or the request is idempotent "
            + "and a kept connection turned out dead.",
        Default = Key.Plain("2"),
    };

    private static readonly Key<PoolSnapshot, OutlierPolicy?> Outliers = new(
        "outliers", new OptionalType<OutlierPolicy>(OutlierSection.Section), p => p.Outliers)
    { Doc = "Servers that fail real requests are left out for a time.", Otherwise = "only checks count" };

    private static readonly Key<PoolSnapshot, PersistenceSnapshot?> Persist = new(
        "persist", new OptionalType<PersistenceSnapshot>(PersistenceSection.Section), p => p.Persist)
    { Doc = "Requests of one client go to one server.", Otherwise = "none: every request is balanced by itself" };

    private static readonly ChoiceType<ProxyVersion> ProxyVersions = new(("none", ProxyVersion.None), ("v1", ProxyVersion.V1), ("v2", ProxyVersion.V2));

    private static readonly Key<PoolSnapshot, ProxyVersion> SendProxy = new("send-proxy", ProxyVersions, p => p.SendProxy)
    {
        Doc = "The PROXY header that every connection to a server begins with, so that it learns the client's address. Checks send one that "
            + "says that it is a check.",
        Default = Key.Plain("none"),
    };

    private static readonly Key<PoolSnapshot, ImmutableArray<NetAddress>> Source = new(
        "source", new ListType<NetAddress>(AddressType.Instance) { Single = true, Unique = [("address", a => a.ToString())] }, p => p.Sources)
    {
        Doc = "Addresses of this machine that connections to the servers leave from, in turn. Each gives some 28,000 connections at once to one "
            + "server (net.ipv4.ip_local_port_range). Checks leave from the first.",
        Default = Key.EmptyList,
        Otherwise = "the kernel's choice",
    };

    private static readonly FileType PemFile = new("/etc/mainstay/app-ca.pem");

    private static readonly Key<UpstreamTlsSnapshot, bool> TlsVerify = new("verify", BooleanType.Instance, t => t.Verify)
    { Doc = "The certificate's chain, time and name have to be right; otherwise the server is not used.", Default = Key.Plain("true") };

    private static readonly Key<UpstreamTlsSnapshot, FileReference?> TlsAuthorities = new(
        "ca", new OptionalType<FileReference>(PemFile), t => t.Authorities)
    { Doc = "PEM file with the authorities that are trusted.", Otherwise = "the machine's certificate store" };

    private static readonly Key<UpstreamTlsSnapshot, string?> TlsSni = new(
        "sni", new OptionalType<string>(new TextType("name", "a name such as app.example.com", t => EndpointType.IsHostName(t) ? null : "is not a host name")),
        t => t.Sni.Length == 0 ? null : t.Sni)
    { Doc = "Name that is asked for and expected in the certificate.", Otherwise = "the server's host name; for an address none is asked for, and the address is expected" };

    private static readonly Key<UpstreamTlsSnapshot, FileReference?> TlsCertificate = new(
        "certificate", new OptionalType<FileReference>(PemFile), t => t.Certificate)
    { Doc = "PEM file with the certificate that servers get which ask for one.", Otherwise = "none" };

    private static readonly Key<UpstreamTlsSnapshot, FileReference?> TlsKey = new("key", new OptionalType<FileReference>(PemFile), t => t.Key)
    { Doc = "PEM file with its key.", Otherwise = "the certificate's file", OnlyWith = ["certificate"] };

    private static readonly Section<UpstreamTlsSnapshot> TlsSection = new(
        "pools.NAME.tls",
        [TlsVerify, TlsAuthorities, TlsSni, TlsCertificate, TlsKey],
        v => new UpstreamTlsSnapshot(v.Get(TlsVerify), v.Get(TlsAuthorities), v.Get(TlsSni) ?? "", v.Get(TlsCertificate), v.Get(TlsKey)))
    { Doc = "Servers are spoken to by TLS; {} is enough where their certificates are known to the machine." };

    private static readonly Key<PoolSnapshot, UpstreamTlsSnapshot?> Tls = new("tls", new OptionalType<UpstreamTlsSnapshot>(TlsSection), p => p.Tls)
    { Doc = "Servers are spoken to by TLS.", Otherwise = "they are not" };

    private static readonly ChoiceType<UpstreamProtocol> ProtocolType = new(("http1", UpstreamProtocol.Http1), ("h2", UpstreamProtocol.Http2));

    private static readonly Key<PoolSnapshot, UpstreamProtocol> Protocol = new("protocol", ProtocolType, p => p.Upstream.Protocol)
    {
        Doc = "What the servers speak: http1, or h2 for HTTP/2 (by ALPN with tls, else by prior knowledge), which gRPC needs.",
        Default = Key.Plain("http1"),
    };

    public static readonly Section<PoolSnapshot> Section = new(
        "pools.NAME",
        [Balance, Check, Outliers, Servers, Persist, PanicThreshold, SlowStart, DrainTimeout, OnFailure, TimeoutsKey, KeepAliveKey, Retries, SendProxy, Source, Tls, Protocol],
        Build)
    {
        Doc = "A group of servers that do the same.",
        Block = true,
        Verify = Verify,
    };

    public static readonly MapType<PoolSnapshot, PoolSnapshot> Map = new(
        TextType.Name, Section, (name, pool) => pool with { Name = name }, pool => (pool.Name, pool))
    {
        Block = true,
        OnName = (compilation, key) => compilation.Pools.TryAdd(key.Text, compilation.Mention(key, key.Text)),
    };

    private static PoolSnapshot Build(Values v)
    {
        (Timeouts timeouts, KeepAlive keepAlive) = (v.Get(TimeoutsKey), v.Get(KeepAliveKey));
        return new PoolSnapshot
        {
            Name = "",
            Balance = v.Get(Balance),
            Check = v.Get(Check),
            Servers = v.Get(Servers),
            Tls = v.Get(Tls),
            PanicThreshold = v.Get(PanicThreshold),
            SlowStart = v.Get(SlowStart),
            DrainTimeout = v.Get(DrainTimeout),
            OnFailure = v.Get(OnFailure),
            SendProxy = v.Get(SendProxy),
            Persist = v.Get(Persist),
            Sources = v.Get(Source),
            Outliers = v.Get(Outliers),
            Upstream = new UpstreamSnapshot(
                timeouts.Connect, timeouts.FirstByte, timeouts.Idle, timeouts.Tunnel, timeouts.Total,
                keepAlive.Timeout, keepAlive.MaxIdle, v.Get(Retries), v.Get(Protocol)),
        };
    }

    private static void Verify(Values v)
    {
        bool checkRead = v.TryGet(Check, out CheckSnapshot? check);
        if (checkRead && check is null)
            v.Compilation.Warn(v.Mapping, "has no check: a dead server goes on getting its share (check: tcp, or check: { http: / })");
        bool tlsRead = v.TryGet(Tls, out UpstreamTlsSnapshot? tls);
        if (tlsRead && tls is not null && check?.Kind == CheckKind.Http)
            v.Warn(Check, "speaks plain HTTP to servers that speak TLS (https: with the same path)");
        if (!v.TryGet(Servers, out ImmutableArray<ServerSnapshot> servers)) return;
        if (tls is { Verify: true, Sni: "" } && servers.FirstOrDefault(s => s.Address.IsUnix) is { } nameless)
            v.Error(Tls, $"server {Compilation.Show(nameless.Name)} is a unix socket, which has no name to verify (sni, or verify: false)");
        if (servers.All(s => s.Weight == 0)) v.Warn(Servers, "every weight is 0: no server gets any work");
        if (servers.All(s => s.Backup)) v.Warn(Servers, "every server is a backup (leave backup out where all are alike)");
        if (v.TryGet(Source, out ImmutableArray<NetAddress> sources) && !sources.IsEmpty
            && servers.FirstOrDefault(s => !s.Address.Address.IsNone && sources.All(a => a.Bits != s.Address.Address.Bits)) is { } unreachable)
        {
            v.Error(Source, $"no address is of the family of server {Compilation.Show(unreachable.Name)} (one of each family that the servers have)");
        }

        if (v.TryGet(Protocol, out UpstreamProtocol protocol) && protocol == UpstreamProtocol.Http2
            && v.TryGet(SendProxy, out ProxyVersion proxy) && proxy != ProxyVersion.None)
            v.Error(SendProxy, "cannot be had with protocol: h2 (one connection carries requests of many clients, which it would name one of)");
        bool networkOnly = check?.Kind is CheckKind.Icmp or CheckKind.Udp or CheckKind.Dns;
        if (networkOnly && servers.FirstOrDefault(s => s.Address.IsUnix) is { } local)
            v.Error(Check, $"server {Compilation.Show(local.Name)} is a unix socket, which cannot be checked so (tcp or http)");
    }
}

using System.Collections.Immutable;

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>The whole file.</summary>
internal static class RootSection
{
    private static readonly Key<Snapshot, string> Node = new("node", TextType.Name, s => s.Node)
    { Doc = "Name of this machine in logs, metrics and messages.", DefaultFrom = e => e.HostName, Otherwise = "the host's name" };

    private static readonly Key<Snapshot, AdminSnapshot> Admin = new("admin", AdminSection.Section, s => s.Admin)
    { Doc = "API and metrics.", Default = Key.EmptyMapping };

    private static readonly Key<Snapshot, ProcessSnapshot> Process = new("process", ProcessSection.Section, s => s.Process)
    { Doc = "How the program itself runs.", Default = Key.EmptyMapping };

    private static readonly Key<Snapshot, AccessLogSnapshot> AccessLog = new("access-log", AccessLogSection.Section, s => s.AccessLog)
    { Doc = "One line for every request.", Default = AccessLogSection.Off, Otherwise = "no log" };

    private static readonly Key<Snapshot, ImmutableArray<PoolSnapshot>> Pools = new("pools", PoolSection.Map, s => s.Pools)
    { Doc = "Groups of servers that do the same.", Default = Key.EmptyMapping, Otherwise = "none" };

    private static readonly Key<Snapshot, ImmutableArray<HttpSnapshot>> Http = new("http", HttpSection.Map, s => s.Http)
    { Doc = "HTTP services.", Default = Key.EmptyMapping, Otherwise = "none" };

    private static readonly Key<Snapshot, ImmutableArray<TcpSnapshot>> Tcp = new("tcp", TcpSection.Map, s => s.Tcp)
    { Doc = "TCP and UDP services.", Default = Key.EmptyMapping, Otherwise = "none" };

    private static readonly Key<Snapshot, ImmutableArray<TlsSnapshot>> Tls = new("tls", TlsSection.Map, s => s.Tls)
    { Doc = "Certificates and rules for listeners that speak TLS.", Default = Key.EmptyMapping, Otherwise = "none" };

    private static readonly Key<Snapshot, ImmutableArray<AuthSnapshot>> Auth = new("auth", AuthSection.Map, s => s.Auth)
    { Doc = "Ways for clients to prove who they are.", Default = Key.EmptyMapping, Otherwise = "none" };

    public static readonly Section<Snapshot> Section = new(
        "top level",
        [Node, Admin, Process, AccessLog, Pools, Http, Tcp, Tls, Auth],
        v => new Snapshot
        {
            Node = v.Get(Node),
            Admin = v.Get(Admin),
            Process = v.Get(Process),
            AccessLog = v.Get(AccessLog),
            Pools = v.Get(Pools),
            Http = v.Get(Http),
            Tcp = v.Get(Tcp),
            Tls = v.Get(Tls),
            Auth = v.Get(Auth),
        })
    {
        Later = ["l4", "vips"],
        Block = true,
        Commented = true,
        Verify = v =>
        {
            if (!v.IsWritten(Http) && !v.IsWritten(Tcp)) v.Compilation.Warn(v.Mapping, "nothing listens (there is no http or tcp service)");
            WarnOfWhatOnlyRequestsHave(v);
        },
    };

    private static void WarnOfWhatOnlyRequestsHave(Values v)
    {
        if (!v.TryGet(Pools, out ImmutableArray<PoolSnapshot> pools) || !v.TryGet(Tcp, out ImmutableArray<TcpSnapshot> services)) return;
        HashSet<string> persistent = [.. pools.Where(pool => pool.Persist is not null).Select(pool => pool.Name)];
        HashSet<string> judged = [.. pools.Where(pool => pool.Outliers is not null).Select(pool => pool.Name)];
        foreach ((TcpSnapshot service, string pool) in services.SelectMany(service => service.Routes.Select(route => (service, route.Pool))).Distinct())
        {
            if (judged.Contains(pool)) v.Warn(Tcp, $"outliers of pool {Compilation.Show(pool)} looks at requests; connections of {service.Name} do not count");
            if (persistent.Contains(pool))
                v.Warn(Tcp, $"persist of pool {Compilation.Show(pool)} is for requests and does not count in {service.Name} (balance: sh or mh keeps clients there)");
        }
    }
}

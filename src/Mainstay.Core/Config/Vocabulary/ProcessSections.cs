using Mainstay.Core.Net;

namespace Mainstay.Core.Config.Vocabulary;

internal static class AdminSection
{
    private static readonly Key<AdminSnapshot, Endpoint?> Listen = new(
        "listen", new OptionalType<Endpoint>(EndpointType.Listener), a => a.Listen)
    {
        Doc = "Address and port of the API and /metrics, on loopback.",
        Otherwise = "none",
    };

    private static readonly Key<AdminSnapshot, string> Socket = new("socket", TextType.Path, a => a.Socket)
    {
        Doc = "Path of the unix socket that the command line talks to.",
        DefaultFrom = e => e.AdminSocket,
        Otherwise = "/run/mainstay/admin.sock; started by another user than root, below that user's runtime directory",
    };

    public static readonly Section<AdminSnapshot> Section = new(
        "admin", [Listen, Socket], v => new AdminSnapshot(v.Get(Listen), v.Get(Socket)))
    {
        Doc = "API and metrics.",
        Later = ["tls", "token"],
        Verify = Verify,
    };

    private static void Verify(Values values)
    {
        if (values.TryGet(Socket, out string socket))
        {
            // Reported where a path that is too long for a unix socket was written.
            string? problem = EndpointType.Parse($"unix:{socket}", out Endpoint? endpoint);
            if (problem is not null) values.Error(Socket, $"{Compilation.Show(socket)} {problem}");
            else values.Compilation.Listeners.Add((endpoint!, new Mention(socket, values.At(Socket), "admin.socket")));
        }

        if (!values.TryGet(Listen, out Endpoint? listen) || listen is null) return;
        if (listen.IsUnix) values.Error(Listen, "is a unix socket, which admin.socket is already (an address with port such as 127.0.0.1:9900)");
        if (listen.IsUnix || IsLoopback(listen.Address)) return;
        values.Error(Listen, $"{listen} can be reached by others, which needs a token and TLS; those are not available in this version "
            + $"(127.0.0.1:{listen.Port} or \"[::1]:{listen.Port}\")");
    }

    private static bool IsLoopback(NetAddress address) => address.IsV4 ? address.Value >> 24 == 127 : address.Value == 1;
}

internal static class ProcessSection
{
    private static readonly Key<ProcessSnapshot, int> Shards = new("shards", new IntegerType(0, 1024), p => p.Shards)
    {
        Doc = "Threads that move traffic; 0 is one for every core the process may use.",
        Default = Key.Plain("0"),
    };

    private static readonly Key<ProcessSnapshot, string> User = new("user", TextType.Name, p => p.User)
    {
        Doc = "User that the worker runs as when started by root.",
        DefaultFrom = e => e.User,
        Otherwise = "mainstay where that user exists, else nobody",
    };

    private static readonly Key<ProcessSnapshot, string> StateDirectory = new("state-directory", TextType.Path, p => p.StateDirectory)
    {
        Doc = "Where drain, maintenance and the last known health are kept over restarts.",
        DefaultFrom = e => e.StateDirectory,
        Otherwise = "/var/lib/mainstay; started by another user than root, below that user's state directory",
    };

    private static readonly Key<ProcessSnapshot, TimeSpan> DrainTimeout = new("drain-timeout", DurationType.OrZero, p => p.DrainTimeout)
    {
        Doc = "How long SIGTERM waits for requests to end.",
        Default = Key.Plain("30s"),
    };

    private static readonly Key<ProcessSnapshot, int> MaxConnections = new(
        "max-connections", new IntegerType(0, int.MaxValue), p => p.MaxConnections)
    {
        Doc = "Client connections at once; further ones wait in the kernel. 0 is as many as the descriptor limit allows.",
        Default = Key.Plain("0"),
    };

    public static readonly Section<ProcessSnapshot> Section = new(
        "process",
        [Shards, User, StateDirectory, DrainTimeout, MaxConnections],
        v => new ProcessSnapshot(v.Get(Shards), v.Get(User), v.Get(StateDirectory), v.Get(DrainTimeout), v.Get(MaxConnections)))
    {
        Doc = "How the program itself runs.",
    };
}

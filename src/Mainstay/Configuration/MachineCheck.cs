using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Http.Auth;
using Mainstay.Engine.Tls;
using Mainstay.Linux.Processes;
using Mainstay.Linux.Tls;

namespace Mainstay.Configuration;

/// <summary>Something about this machine that the configuration needs otherwise.</summary>
/// <param name="Place">The key it is about.</param>
/// <param name="IsError">Starting would fail; else it may be meant.</param>
internal sealed record MachineFinding(string Place, string Message, bool IsError);

/// <summary>The second pass over a configuration: what only this machine, at this moment, can say.</summary>
internal static class MachineCheck
{
    /// <summary>For all host names together: a name server that does not answer must not hold up the check.</summary>
    private static readonly TimeSpan ResolveTime = TimeSpan.FromSeconds(3);

    public static IReadOnlyList<MachineFinding> Inspect(Snapshot snapshot)
    {
        var findings = new List<MachineFinding>();
        InspectProcess(snapshot, findings);
        InspectLog(snapshot.AccessLog, findings);
        foreach (AuthSnapshot auth in snapshot.Auth)
            if (AuthEntries.Inspect(auth) is { } problem) findings.Add(new($"auth.{auth.Name}", problem, IsError: true));
        InspectListeners(snapshot, findings);
        TakenPorts.Inspect(snapshot, findings);
        InspectCommands(snapshot, findings);
        FilesCheck.Inspect(snapshot, findings);
        InspectNames(snapshot, findings);
        foreach (TlsFinding finding in TlsInspection.InspectAsync(snapshot, DateTime.UtcNow).GetAwaiter().GetResult())
            findings.Add(new(finding.Place, finding.Message, finding.IsError));
        return findings;
    }

    private static void InspectProcess(Snapshot snapshot, List<MachineFinding> findings)
    {
        string user = snapshot.Process.User;
        if (Credentials.IsRoot && !Credentials.TryFindUser(user, out _))
            findings.Add(new("process.user", $"there is no user {user} (create it, or name another)", IsError: true));
        foreach ((string place, string directory) in new[]
                 {
                     ("process.state-directory", snapshot.Process.StateDirectory),
                     ("admin.socket", Path.GetDirectoryName(snapshot.Admin.Socket) ?? "/"),
                 })
        {
            if (NearestExisting(directory) is { } existing && !FilePermission.CanWrite(existing))
                findings.Add(new(place, $"{directory} cannot be written or created by this user", IsError: false));
        }
    }

    private static void InspectLog(AccessLogSnapshot log, List<MachineFinding> findings)
    {
        if (!log.IsFile) return;
        string directory = Path.GetDirectoryName(log.Target) ?? "/";
        if (Directory.Exists(log.Target)) findings.Add(new("access-log.file", $"{log.Target} is a directory", IsError: true));
        else if (!Directory.Exists(directory)) findings.Add(new("access-log.file", $"the directory {directory} does not exist", IsError: true));
        else if (!FilePermission.CanWrite(File.Exists(log.Target) ? log.Target : directory))
            findings.Add(new("access-log.file", $"{log.Target} cannot be written by this user", IsError: true));
    }

    private static void InspectListeners(Snapshot snapshot, List<MachineFinding> findings)
    {
        HashSet<NetAddress> local = LocalAddresses();
        var listeners = snapshot.Http.SelectMany(h => h.Listen.Select(l => ($"http.{h.Name}.listen", l.Address)))
            .Concat(snapshot.Tcp.SelectMany(t => t.Listen.Select(l => ($"tcp.{t.Name}.listen", l.Address))));
        foreach ((string place, Endpoint listen) in listeners)
        {
            if (listen.IsUnix)
            {
                string directory = Path.GetDirectoryName(listen.UnixPath!) ?? "/";
                if (listen.UnixPath![0] == '/' && !FilePermission.CanWrite(directory))
                    findings.Add(new(place, $"no socket can be created in {directory} by this user", IsError: true));
                continue;
            }

            bool any = listen.Address.Value == 0, loopback = listen.Address.IsV4 && listen.Address.Value >> 24 == 127;
            if (!any && !loopback && !local.Contains(listen.Address))
                findings.Add(new(place, $"{listen.Address} is on no interface of this machine: nothing arrives until it is", IsError: false));
            if (listen.Port < FirstUnprivilegedPort() && !Credentials.IsRoot)
                findings.Add(new(place, $"port {listen.Port} takes root or CAP_NET_BIND_SERVICE", IsError: false));
        }
    }

    private static void InspectCommands(Snapshot snapshot, List<MachineFinding> findings)
    {
        foreach (PoolSnapshot pool in snapshot.Pools)
        {
            if (pool.Check is { Kind: CheckKind.Tls or CheckKind.Https } && TlsClientContext.Missing is { } missing)
                findings.Add(new($"pools.{pool.Name}.check", missing, IsError: true));
            if (pool.Check is { Kind: CheckKind.Exec } check && !FilePermission.CanExecute(check.Command[0]))
                findings.Add(new($"pools.{pool.Name}.check.exec", $"{check.Command[0]} is no program that this user can start", IsError: false));
            foreach (ServerSnapshot server in pool.Servers)
            {
                if (server.Address.UnixPath is ['/', ..] path && !File.Exists(path))
                    findings.Add(new($"pools.{pool.Name}.servers.{server.Name}", $"the socket {path} does not exist", IsError: false));
            }
        }
    }

    private static void InspectNames(Snapshot snapshot, List<MachineFinding> findings)
    {
        ILookup<string, string> places = snapshot.Pools
            .SelectMany(p => p.Servers.Where(s => s.Discovery?.Kind != DiscoveryKind.Services).Select(s => (Name: s.Address.HostName, Place: $"pools.{p.Name}.servers.{s.Name}")))
            .Where(s => s.Name is not null)
            .ToLookup(s => s.Name!, s => s.Place);
        using var deadline = new CancellationTokenSource(ResolveTime);
        (string Name, Task<string?> Problem)[] lookups = [.. places.Select(p => (p.Key, ResolveAsync(p.Key, deadline.Token)))];
        Task.WhenAll(lookups.Select(l => l.Problem)).GetAwaiter().GetResult();
        foreach ((string name, Task<string?> lookup) in lookups)
        {
            if (lookup.Result is not { } problem) continue;
            foreach (string place in places[name]) findings.Add(new(place, $"{name} {problem}", IsError: false));
        }
    }

    private static async Task<string?> ResolveAsync(string name, CancellationToken cancel)
    {
        try
        {
            IPAddress[] addresses = await Dns.GetHostAddressesAsync(name, cancel).WaitAsync(cancel);
            return addresses.Length > 0 ? null : "has no address";
        }
        catch (SocketException problem)
        {
            return $"does not resolve ({problem.SocketErrorCode switch
            {
                SocketError.HostNotFound => "no such name",
                SocketError.NoData => "no address",
                SocketError.TryAgain => "the name server does not answer",
                _ => problem.Message,
            }})";
        }
        catch (OperationCanceledException)
        {
            return $"does not resolve within {ResolveTime.TotalSeconds:0} s";
        }
    }

    private static HashSet<NetAddress> LocalAddresses()
    {
        try
        {
            return [.. NetworkInterface.GetAllNetworkInterfaces()
                .SelectMany(i => i.GetIPProperties().UnicastAddresses)
                .Select(a => NetAddress.FromBytes(a.Address.GetAddressBytes()))];
        }
        catch (NetworkInformationException)
        {
            return [];
        }
    }

    /// <summary>ip(7): 1024 unless the machine says otherwise.</summary>
    private static int FirstUnprivilegedPort()
    {
        try
        {
            return int.TryParse(File.ReadAllText("/proc/sys/net/ipv4/ip_unprivileged_port_start"), out int port) ? port : 1024;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            return 1024;
        }
    }

    private static string? NearestExisting(string directory)
    {
        for (string? at = directory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (Directory.Exists(at)) return at;
        }

        return null;
    }
}

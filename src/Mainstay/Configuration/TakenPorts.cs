using System.Net.Sockets;
using Mainstay.Commands;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Keeper;
using Mainstay.Linux;

namespace Mainstay.Configuration;

/// <summary>Ports of the configuration that another program listens on. Those of this daemon, when it runs already, are no news.</summary>
internal static class TakenPorts
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    public static void Inspect(Snapshot snapshot, List<MachineFinding> findings)
    {
        List<(string Place, Endpoint At)> taken = [.. Listeners(snapshot)
            .Where(listener => !listener.At.IsUnix && ListenerSocket.Probe(listener.At, listener.Kind) == Errno.EADDRINUSE)
            .Select(listener => (listener.Place, listener.At))];
        if (taken.Count == 0) return;
        HashSet<Endpoint> own = [.. RunningListeners(snapshot.Admin.Socket)];
        foreach ((string place, Endpoint at) in taken.Where(listener => !own.Contains(listener.At)))
            findings.Add(new(place, $"{at} is taken by another program ('ss -ltnup' says by which)", IsError: true));
    }

    private static IEnumerable<(string Place, Endpoint At, SocketKind Kind)> Listeners(Snapshot snapshot)
    {
        foreach (HttpSnapshot http in snapshot.Http)
            foreach (Endpoint at in http.Listen.Select(listen => listen.Address)) yield return ($"http.{http.Name}.listen", at, SocketKind.Stream);
        foreach (TcpSnapshot tcp in snapshot.Tcp)
        {
            SocketKind kind = tcp.Protocol == TransportProtocol.Udp ? SocketKind.Datagram : SocketKind.Stream;
            foreach (Endpoint at in tcp.Listen.Select(listen => listen.Address)) yield return ($"tcp.{tcp.Name}.listen", at, kind);
        }

        if (snapshot.Admin.Listen is { } admin) yield return ("admin.listen", admin, SocketKind.Stream);
    }

    /// <summary>Of the daemon that answers at this socket; none when there is none.</summary>
    private static IEnumerable<Endpoint> RunningListeners(string socket)
    {
        try
        {
            using HttpClient client = AdminClient.Connect(socket, Patience);
            string text = client.GetStringAsync("api/configuration").GetAwaiter().GetResult();
            return ConfigurationFile.Parse(text, "running", new ConfigEnvironment()).Snapshot is { } running
                ? [.. Listeners(running).Select(listener => listener.At)]
                : [];
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or TaskCanceledException or IOException)
        {
            return [];
        }
    }
}

using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;

namespace Mainstay.Worker;

/// <summary>Brings configurations into force over all planes: prepares everything first, publishes only when nothing failed.</summary>
/// <param name="planes">In the order in which they are published: what others rely on first. Drained in the opposite order.</param>
/// <param name="closeListener">Tells the keeper to let an endpoint's sockets go.</param>
internal sealed class WorkerHost(IReadOnlyList<IPlane> planes, IListenerSource listeners, Action<string> closeListener) : IListenerSource
{
    /// <summary>Why nothing is changed any more.</summary>
    public const string Leaving = "this worker is leaving";

    /// <summary>Endpoints whose sockets the keeper holds for this worker.</summary>
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);

    public Snapshot? InForce { get; private set; }

    /// <summary>How often a configuration was put in force.</summary>
    public uint Generation { get; private set; }

    /// <summary>Every thread of every plane has moved on since the last question.</summary>
    public bool IsAlive()
    {
        bool isAlive = true;
        // All are asked, always: the question is about the time since the last one.
        foreach (IPlane plane in planes) isAlive &= plane.IsAlive;
        return isAlive;
    }

    /// <summary>Puts the configuration in force, or returns every reason why not; then the one before stays.</summary>
    public async Task<IReadOnlyList<string>> ApplyAsync(Snapshot next, CancellationToken leaving)
    {
        List<string> errors = await PrepareAsync(next, leaving).ConfigureAwait(false);
        if (errors.Count > 0)
        {
            foreach (IPlane plane in planes) plane.Abandon();
            CloseAllBut(InForce);
            return errors;
        }

        foreach (IPlane plane in planes) await plane.PublishAsync(leaving).ConfigureAwait(false);
        InForce = next;
        Generation++;
        CloseAllBut(next);
        return errors;
    }

    /// <summary>Told to leave meanwhile is a reason not to go on, not a failure: the drain that waits has work to end.</summary>
    private async Task<List<string>> PrepareAsync(Snapshot next, CancellationToken leaving)
    {
        var errors = new List<string>();
        try
        {
            foreach (IPlane plane in planes) errors.AddRange(await plane.PrepareAsync(next, this, leaving).ConfigureAwait(false));
            leaving.ThrowIfCancellationRequested();
        }
        catch (OperationCanceledException) when (leaving.IsCancellationRequested)
        {
            errors.Add(Leaving);
        }

        return errors;
    }

    public async Task DrainAsync(TimeSpan timeout)
    {
        // Together: the checks go on while there is work, and no plane's time is another's.
        await Task.WhenAll(planes.Reverse().Select(plane => plane.DrainAsync(timeout))).ConfigureAwait(false);
    }

    async Task<ListenerSockets> IListenerSource.OpenAsync(Endpoint endpoint, int count, SocketKind kind)
    {
        ListenerSockets sockets = await listeners.OpenAsync(endpoint, count, kind).ConfigureAwait(false);
        if (sockets.Error is null) _open.Add(kind.KeyOf(endpoint));
        return sockets;
    }

    async Task<ListenerSockets> IListenerSource.OpenPrivateAsync(Endpoint endpoint)
    {
        ListenerSockets sockets = await listeners.OpenPrivateAsync(endpoint).ConfigureAwait(false);
        if (sockets.Error is null) _open.Add(SocketKind.Stream.KeyOf(endpoint));
        return sockets;
    }

    private static SocketKind KindOf(TcpSnapshot service) =>
        service.Protocol == TransportProtocol.Udp ? SocketKind.Datagram : SocketKind.Stream;

    private void CloseAllBut(Snapshot? snapshot)
    {
        var wanted = new HashSet<string>(StringComparer.Ordinal);
        if (snapshot is not null)
        {
            wanted.Add(Endpoint.Unix(snapshot.Admin.Socket).ToString());
            if (snapshot.Admin.Listen is { } listen) wanted.Add(listen.ToString());
            foreach (TcpSnapshot tcp in snapshot.Tcp) wanted.UnionWith(tcp.Listen.Select(listen => KindOf(tcp).KeyOf(listen.Address)));
            foreach (HttpSnapshot http in snapshot.Http) wanted.UnionWith(http.Listen.Select(endpoint => endpoint.ToString()));
        }

        foreach (string endpoint in _open.Where(endpoint => !wanted.Contains(endpoint)).ToList())
        {
            _open.Remove(endpoint);
            closeListener(endpoint);
        }
    }
}

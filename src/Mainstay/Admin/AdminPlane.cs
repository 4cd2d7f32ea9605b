using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Engine.Control;
using Mainstay.Engine.Shards;
using Mainstay.Linux;
using Mainstay.Worker;

namespace Mainstay.Admin;

/// <summary>
/// The admin plane: API and metrics over HTTP on the admin socket and, where configured, a TCP address.
/// </summary>
internal sealed class AdminPlane(AdminApi api, EventLoop loop, OperatorLog log, Handover handover) : IPlane
{
    private readonly Dictionary<Endpoint, int> _prepared = [];
    private readonly Dictionary<Endpoint, AdminServer> _servers = [];
    private Snapshot? _next;

    public bool IsAlive => true;

    public async Task<IReadOnlyList<string>> PrepareAsync(Snapshot next, IListenerSource listeners, CancellationToken cancel)
    {
        _next = next;
        var errors = new List<string>();
        foreach ((string option, Endpoint endpoint) in Wanted(next.Admin))
        {
            if (_servers.ContainsKey(endpoint)) continue;
            ListenerSockets sockets = await listeners.OpenPrivateAsync(endpoint).ConfigureAwait(false);
            if (sockets.Error is not null)
            {
                errors.Add($"{option}: cannot listen on {endpoint}: {sockets.Error}");
                continue;
            }

            _prepared[endpoint] = sockets.Descriptors[0];
            foreach (int unneeded in sockets.Descriptors[1..]) Descriptor.Close(unneeded);
        }

        return errors;
    }

    public Task PublishAsync(CancellationToken hurry)
    {
        Snapshot next = _next ?? throw new InvalidOperationException("nothing is prepared");
        api.Show(next);
        var wanted = Wanted(next.Admin).Select(item => item.Endpoint).ToHashSet();
        foreach (Endpoint gone in _servers.Keys.Where(endpoint => !wanted.Contains(endpoint)).ToList())
        {
            if (_servers.Remove(gone, out AdminServer? server)) _ = server.StopAsync();
        }

        foreach ((Endpoint endpoint, int descriptor) in _prepared)
            _servers[endpoint] = new AdminServer(
                descriptor, api, isPrivate: endpoint.IsUnix, loop, error => log.Error($"admin: {endpoint}: {error}"));
        _prepared.Clear();
        return Task.CompletedTask;
    }

    public void Abandon()
    {
        foreach (int descriptor in _prepared.Values) Descriptor.Close(descriptor);
        _prepared.Clear();
    }

    /// <summary>
    /// Where a second worker has taken over, all questions and orders are its own from here on; its connections wait in the same
    /// sockets. Otherwise this one answers until the end of the drain, so that it can be watched.
    /// </summary>
    public Task DrainAsync(TimeSpan timeout) =>
        handover.IsUnderWay ? Task.WhenAll(_servers.Values.Select(server => server.StopAsync())) : Task.CompletedTask;

    private static IEnumerable<(string Option, Endpoint Endpoint)> Wanted(AdminSnapshot admin)
    {
        yield return ("admin.socket", Endpoint.Unix(admin.Socket));
        if (admin.Listen is { } listen) yield return ("admin.listen", listen);
    }
}

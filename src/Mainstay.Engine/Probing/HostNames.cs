using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Mainstay.Core.Net;
using Mainstay.Engine.Pools;

namespace Mainstay.Engine.Probing;

/// <summary>
/// Resolves the host names of servers again and again, with the machine's resolver, off the prober's thread. A name that stops
/// resolving keeps its last address: a broken resolver must not take working servers out.
/// </summary>
internal sealed class HostNames : IDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, string> _problems = new(StringComparer.OrdinalIgnoreCase);
    private readonly Timer _timer;
    private volatile IReadOnlyList<ServerRuntime> _servers = [];
    private int _isBusy;

    public HostNames() => _timer = new Timer(_ => _ = RefreshAsync(), null, Interval, Interval);

    /// <summary>Why a name has no address yet.</summary>
    public string Problem(string name) =>
        _problems.TryGetValue(name, out string? problem) ? problem : $"host name {name} is not resolved yet";

    /// <summary>Follows these servers from now on.</summary>
    public void Follow(IEnumerable<ServerRuntime> servers) => _servers = [.. servers.Where(server => server.Endpoint.HostName is not null)];

    /// <summary>Resolves what has no address yet; never fails, returns when all is answered or patience is over.</summary>
    public Task ResolveNewAsync(IEnumerable<ServerRuntime> servers, CancellationToken cancel) =>
        ResolveAsync([.. servers.Where(server => server.Resolved is null)], cancel);

    public void Dispose() => _timer.Dispose();

    private async Task RefreshAsync()
    {
        if (Interlocked.Exchange(ref _isBusy, 1) != 0) return;
        await ResolveAsync(_servers, CancellationToken.None).ConfigureAwait(false);
        Volatile.Write(ref _isBusy, 0);
    }

    private async Task ResolveAsync(IReadOnlyList<ServerRuntime> servers, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(Patience);
        await Task.WhenAll(servers.GroupBy(server => server.Endpoint.HostName ?? "").Select(group => ResolveAsync(group.Key, [.. group], limit.Token)))
            .ConfigureAwait(false);
    }

    private async Task ResolveAsync(string name, ServerRuntime[] servers, CancellationToken cancel)
    {
        try
        {
            IPAddress[] found = await Dns.GetHostAddressesAsync(name, cancel).ConfigureAwait(false);
            NetAddress[] addresses = [.. found.Select(address => NetAddress.FromBytes(address.GetAddressBytes()))];
            foreach (ServerRuntime server in servers) Choose(server, addresses);
            _problems.TryRemove(name, out _);
        }
        catch (SocketException e)
        {
            _problems[name] = $"host name {name} does not resolve: {e.Message}";
        }
        catch (OperationCanceledException)
        {
            _problems[name] = $"host name {name} does not resolve: no answer within {Patience.TotalSeconds:0}s";
        }
    }

    /// <summary>The address in use as long as the name still has it, else the first in the resolver's order (RFC 6724).</summary>
    private static void Choose(ServerRuntime server, NetAddress[] addresses)
    {
        if (addresses.Length == 0) return;
        if (server.Resolved is { } used && addresses.Contains(used.Address.Address)) return;
        server.Resolve(addresses[0]);
    }
}

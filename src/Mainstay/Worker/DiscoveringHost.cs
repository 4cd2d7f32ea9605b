using Mainstay.Core.Config;
using Mainstay.Engine.Control;
using Mainstay.Engine.Offload;

namespace Mainstay.Worker;

/// <summary>
/// The planes with a configuration whose servers DNS names: they see it with the servers that are known, and see it again, as after a
/// reload, when those have changed. What did not change goes on undisturbed.
/// </summary>
internal sealed class DiscoveringHost : IDisposable
{
    private readonly WorkerHost _host;
    private readonly OperatorLog _log;
    private readonly ServerDiscovery _discovery;
    private Snapshot? _written;
    private int _isOrdered;

    /// <param name="order">Asks for <see cref="RefreshAsync"/>, in its turn among other orders; called by any thread.</param>
    public DiscoveringHost(WorkerHost host, OperatorLog log, Action order, NameResolver? resolver = null)
    {
        _host = host;
        _log = log;
        _discovery = new ServerDiscovery(resolver)
        {
            Changed = () =>
            {
                if (Interlocked.Exchange(ref _isOrdered, 1) == 0) order();
            },
            Announce = log.Warning,
        };
    }

    /// <summary>Puts the configuration in force, or returns every reason why not; then the one before stays.</summary>
    public async Task<IReadOnlyList<string>> ApplyAsync(Snapshot written, CancellationToken leaving)
    {
        await _discovery.FollowAsync(written, _written, leaving).ConfigureAwait(false);

        // What is found from here on is another change.
        Volatile.Write(ref _isOrdered, 0);
        IReadOnlyList<string> errors = await _host.ApplyAsync(_discovery.Expand(written), leaving).ConfigureAwait(false);
        if (errors.Count == 0) _written = written;
        return errors;
    }

    /// <summary>Servers came or went.</summary>
    public async Task RefreshAsync(CancellationToken leaving)
    {
        Volatile.Write(ref _isOrdered, 0);
        if (_written is not { } written) return;
        Snapshot next = _discovery.Expand(written);
        foreach (PoolSnapshot pool in next.Pools) Tell(_host.InForce?.Pools.FirstOrDefault(known => known.Name == pool.Name), pool);
        foreach (string error in await _host.ApplyAsync(next, leaving).ConfigureAwait(false)) _log.Error($"servers by DNS: {error}");
    }

    public void Dispose() => _discovery.Dispose();

    private void Tell(PoolSnapshot? before, PoolSnapshot after)
    {
        string[] old = [.. (before?.Servers ?? []).Select(server => server.Name)], current = [.. after.Servers.Select(server => server.Name)];
        string[] come = [.. current.Except(old).Select(name => $"+{name}")], gone = [.. old.Except(current).Select(name => $"-{name}")];
        if (come.Length + gone.Length > 0) _log.Info($"pool {after.Name}: DNS names other servers: {string.Join(' ', come.Concat(gone))}");
    }
}

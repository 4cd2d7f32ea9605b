using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Net;
using Mainstay.Core.Persistence;
using Mainstay.Linux;

namespace Mainstay.Engine.Pools;

/// <summary>
/// One server of one pool, the same object through all reloads that keep its pool, name and address: what holds its slot, its
/// connections, its health.
/// </summary>
public sealed class ServerRuntime
{
    private volatile ResolvedAddress? _resolved;
    private volatile bool _isRetired;

    internal ServerRuntime(string pool, ServerSnapshot snapshot, int slot)
    {
        Pool = pool;
        Name = snapshot.Name;
        NameText = Encoding.UTF8.GetBytes(Name);
        Endpoint = snapshot.Address;
        Slot = slot;
        if (Endpoint.HostName is null) _resolved = new ResolvedAddress(SocketAddress.From(Endpoint));
    }

    public string Pool { get; }
    public string Name { get; }

    /// <summary>The name as logs write it.</summary>
    public byte[] NameText { get; }

    /// <summary>The address as configured.</summary>
    public Endpoint Endpoint { get; }

    /// <summary>Index into the availability and load tables.</summary>
    public int Slot { get; }

    /// <summary>
    /// No longer configured. Whoever takes a place at the server looks at this afterwards, and gives the place back; the registry
    /// frees the slot only while nobody has one.
    /// </summary>
    public bool IsRetired => _isRetired;

    /// <summary>Null while a host name has not been resolved.</summary>
    public ResolvedAddress? Resolved => _resolved;

    internal void Retire()
    {
        _isRetired = true;

        // Against the place that is being taken: of the two sides at least one sees the other.
        Interlocked.MemoryBarrier();
    }

    /// <summary>What resolving the host name gave; any thread. True when the server was at another address before.</summary>
    public bool Resolve(NetAddress address)
    {
        ResolvedAddress? before = _resolved;
        if (before is not null && before.Address.Address == address) return false;
        _resolved = new ResolvedAddress(SocketAddress.From(address, Endpoint.Port));
        return before is not null;
    }
}

/// <summary>A socket address behind one reference, so that it changes in one write.</summary>
public sealed class ResolvedAddress(SocketAddress address)
{
    public SocketAddress Address => address;
}

/// <summary>A pool as of one configuration.</summary>
/// <param name="Slot">Index into the availability table's pools.</param>
/// <param name="Servers">In the snapshot's order: what the balancer's picks index.</param>
/// <param name="Set">The same as the schedulers see it.</param>
public sealed record PoolRuntime(PoolSnapshot Snapshot, int Slot, ImmutableArray<ServerRuntime> Servers, ServerSet Set)
{
    /// <summary>Null: requests do not stay with a server.</summary>
    public SessionAffinity? Affinity { get; init; }
}

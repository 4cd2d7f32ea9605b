using System.Collections.Immutable;
using Mainstay.Core.Balancing;

namespace Mainstay.Engine.Pools;

/// <summary>A pool and one plane's balancers over it, one for each shard.</summary>
public sealed record PoolTarget(PoolRuntime Pool, ImmutableArray<PoolBalancer> Balancers);

/// <summary>
/// One plane's balancers over its configurations: those of a pool that stays go on where they stood. Control side only.
/// </summary>
public sealed class PoolTargets(int shards)
{
    private ImmutableDictionary<string, PoolTarget> _current = ImmutableDictionary<string, PoolTarget>.Empty;
    private ImmutableDictionary<string, PoolTarget> _next = ImmutableDictionary<string, PoolTarget>.Empty;

    /// <summary>By the pool's name.</summary>
    public ImmutableDictionary<string, PoolTarget> Prepare(IEnumerable<PoolRuntime> pools) =>
        _next = pools.ToImmutableDictionary(pool => pool.Snapshot.Name, Create);

    /// <summary>The shards use what was prepared.</summary>
    public void Publish()
    {
        foreach ((string name, PoolTarget target) in _next)
            PoolBalancer.PutInForce(target.Balancers, _current.GetValueOrDefault(name)?.Balancers ?? default);
        (_current, _next) = (_next, ImmutableDictionary<string, PoolTarget>.Empty);
    }

    /// <summary>What was prepared is not put in force.</summary>
    public void Abandon()
    {
        foreach (PoolTarget abandoned in _next.Values) PoolBalancer.Abandon(abandoned.Balancers);
        _next = ImmutableDictionary<string, PoolTarget>.Empty;
    }

    private PoolTarget Create(PoolRuntime pool)
    {
        PoolTarget? before = _current.GetValueOrDefault(pool.Snapshot.Name);
        ulong seed = StableHash.Of(pool.Snapshot.Name);
        return new PoolTarget(pool, PoolBalancer.Prepare(pool.Snapshot.Balance, pool.Set, shards, seed, before?.Balancers ?? default));
    }
}

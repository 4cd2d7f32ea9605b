using System.Collections.Immutable;
using Mainstay.Core.Net;
using Mainstay.Linux;

namespace Mainstay.Engine.Control;

/// <summary>
/// A plane's listening sockets over its configurations: what a new one adds is opened before anything else changes, what it keeps stays
/// the same descriptors. Control side only.
/// </summary>
/// <param name="shards">Every shard accepts on descriptors of its own.</param>
public sealed class ListenerSet(int shards)
{
    private ImmutableDictionary<string, ImmutableArray<ImmutableArray<int>>> _current = ImmutableDictionary<string, ImmutableArray<ImmutableArray<int>>>.Empty;

    /// <summary>Also while they are being opened: a preparation that is cancelled closes them too.</summary>
    private ImmutableDictionary<string, ImmutableArray<ImmutableArray<int>>>.Builder? _next;

    /// <summary>The descriptors of an endpoint in the configuration that is being prepared, by shard.</summary>
    public ImmutableArray<ImmutableArray<int>> this[Endpoint endpoint, SocketKind kind] => _next![Key(endpoint, kind)];

    public void Begin() => _next = ImmutableDictionary.CreateBuilder<string, ImmutableArray<ImmutableArray<int>>>();

    /// <summary>Null, or why the endpoint cannot be listened on.</summary>
    public async Task<string?> OpenAsync(Endpoint endpoint, SocketKind kind, IListenerSource source)
    {
        string key = Key(endpoint, kind);
        if (_current.TryGetValue(key, out ImmutableArray<ImmutableArray<int>> known))
        {
            _next![key] = known;
            return null;
        }

        ListenerSockets opened = await source.OpenAsync(endpoint, shards, kind);
        ImmutableArray<ImmutableArray<int>> spread = opened.Error is null ? Spread(opened.Descriptors) : [];
        _next![key] = spread;
        bool hasFailed = spread.Any(shard => shard.Any(descriptor => descriptor < 0));
        string? problem = hasFailed ? "no descriptors are left (EMFILE)" : opened.Error;
        return problem is null ? null : $"listen {endpoint}: {problem}";
    }

    /// <summary>What was prepared is in force; the shards close what it no longer has.</summary>
    public void Publish()
    {
        _current = _next!.ToImmutable();
        _next = null;
    }

    /// <summary>Closes what was opened for a configuration that is not put in force.</summary>
    public void Abandon()
    {
        foreach ((string key, ImmutableArray<ImmutableArray<int>> sockets) in _next?.ToImmutable() ?? [])
        {
            if (_current.ContainsKey(key)) continue;
            foreach (int descriptor in sockets.SelectMany(shard => shard).Where(descriptor => descriptor >= 0)) Descriptor.Close(descriptor);
        }

        _next = null;
    }

    private static string Key(Endpoint endpoint, SocketKind kind) => kind.KeyOf(endpoint);

    /// <summary>
    /// Which shard accepts on which descriptors. More descriptors than shards: some shards have two; fewer (a unix socket): the others
    /// get duplicates.
    /// </summary>
    private ImmutableArray<ImmutableArray<int>> Spread(ImmutableArray<int> descriptors)
    {
        var spread = new List<int>[shards];
        for (int i = 0; i < spread.Length; i++) spread[i] = [];
        for (int i = 0; i < descriptors.Length; i++) spread[i % spread.Length].Add(descriptors[i]);
        for (int i = descriptors.Length; i < spread.Length; i++) spread[i].Add(Descriptor.Duplicate(descriptors[i % descriptors.Length]));
        return [.. spread.Select(list => list.ToImmutableArray())];
    }
}

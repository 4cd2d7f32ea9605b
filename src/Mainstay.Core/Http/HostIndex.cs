using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>
/// Which routes name a host exactly. An open hash table over the bytes of the host; its keys come from the configuration.
/// </summary>
internal sealed class HostIndex
{
    /// <summary>Longest host that a request can have.</summary>
    public const int MaxLength = 256;

    private readonly byte[]?[] _keys;
    private readonly int[]?[] _routes;

    public HostIndex(ImmutableArray<RouteSnapshot> routes)
    {
        var byHost = new Dictionary<string, List<int>>(StringComparer.Ordinal);
        for (int i = 0; i < routes.Length; i++)
        {
            foreach (string host in routes[i].Match.Host.Where(pattern => !pattern.Wildcard && !pattern.IsRegex).Select(Canonical).Distinct())
            {
                if (!byHost.TryGetValue(host, out List<int>? list)) byHost[host] = list = [];
                list.Add(i);
            }
        }

        int size = 1;
        while (size < byHost.Count * 2) size *= 2;
        _keys = new byte[]?[size];
        _routes = new int[]?[size];
        foreach ((string host, List<int> list) in byHost) Add(Encoding.ASCII.GetBytes(host), [.. list]);
    }

    /// <summary>Routes that name this normalised host, in order.</summary>
    public ReadOnlySpan<int> Find(ReadOnlySpan<byte> host)
    {
        for (int slot = Slot(host); _keys[slot] is { } key; slot = (slot + 1) & (_keys.Length - 1))
            if (host.SequenceEqual(key)) return _routes[slot];
        return default;
    }

    /// <summary>Lower case and without the final dot that stands for the root: the same host must not have two names.</summary>
    public static ReadOnlySpan<byte> Normalize(ReadOnlySpan<byte> host, Span<byte> destination)
    {
        if (host.Length > 1 && host[^1] == '.') host = host[..^1];
        if (host.Length > destination.Length) return default;
        Ascii.ToLower(host, destination, out int length);
        return destination[..length];
    }

    public static string Canonical(HostPattern pattern) => pattern.Suffix.ToLowerInvariant().TrimEnd('.');

    private void Add(byte[] host, int[] routes)
    {
        int slot = Slot(host);
        while (_keys[slot] is not null) slot = (slot + 1) & (_keys.Length - 1);
        _keys[slot] = host;
        _routes[slot] = routes;
    }

    /// <summary>FNV-1a.</summary>
    private int Slot(ReadOnlySpan<byte> host)
    {
        uint hash = 2166136261;
        foreach (byte value in host) hash = (hash ^ value) * 16777619;
        return (int)((hash ^ hash >> 16) & (uint)(_keys.Length - 1));
    }
}

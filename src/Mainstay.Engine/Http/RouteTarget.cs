using System.Collections.Immutable;
using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Http.Coding;
using Mainstay.Core.Http2;
using Mainstay.Core.Http;
using Mainstay.Core.Net;
using Mainstay.Core.Rules;
using Mainstay.Core;
using Mainstay.Engine.Http.Files;
using Mainstay.Engine.Http.Protect;
using Mainstay.Engine.Pools;
using Mainstay.Engine.Tls;
using Mainstay.Linux.Compression;

namespace Mainstay.Engine.Http;

/// <summary>What a route does, with everything made ready that can be.</summary>
internal sealed class RouteTarget
{
    private readonly PoolChoice? _only;
    private readonly ImmutableArray<PoolChoice> _split = [];
    private readonly MapTable? _map;
    private readonly Dictionary<string, PoolChoice> _byName = [];
    private readonly PoolChoice? _otherwise;

    public RouteTarget(RouteSnapshot route, CompressSnapshot compress, RouteRules rules, RuleTables tables, ImmutableDictionary<string, PoolTarget> pools)
    {
        Rules = rules;
        Name = route.Name;
        NameText = Encoding.UTF8.GetBytes(route.Name);
        Compression = CompressionOf(route.Compress ?? compress);
        PoolChoice choice(string pool) => new(pools[pool], route.Timeouts);
        switch (route.Action)
        {
            case RouteAction.ToPool to:
                _only = choice(to.Pool);
                break;
            case RouteAction.Split split:
                _split = [.. split.Pools.Select(part => choice(part.Pool))];
                Weights = new SplitWeights([.. split.Pools.Select(part => part.Weight)]);
                break;
            case RouteAction.ByMap map:
                _map = tables.Map(map.Map);
                foreach (string pool in pools.Keys) _byName.Add(pool, choice(pool));
                _otherwise = _byName[map.Otherwise];
                break;
            case RouteAction.Respond respond:
                Response = new FixedResponse(respond);
                break;
            case RouteAction.ServeFiles files:
                Files = new FileSite(files.Files, route.Match);
                break;
            case RouteAction.Redirect redirect:
                Redirect = new RedirectResponse(redirect, rules.Redirect!);
                break;
        }

        GoesToPool = _only is not null || !_split.IsEmpty || _map is not null;
    }

    /// <summary>An answer that is no route's.</summary>
    public RouteTarget(RouteRules rules, FixedResponse response) => (Rules, Name, Response) = (rules, "", response);

    private RouteTarget(RedirectResponse redirect) => (Rules, Name, Redirect) = (RouteRules.None, "", redirect);

    /// <summary>The same URL with https; 308 keeps method and body.</summary>
    /// <param name="port">Of the https URL.</param>
    public static RouteTarget ToHttps(int port) => new(RedirectResponse.ToHttps(port));

    public string Name { get; }
    public RouteRules Rules { get; }

    /// <summary>The name as the log writes it.</summary>
    public byte[] NameText { get; } = [];

    public bool GoesToPool { get; }
    public FixedResponse? Response { get; }
    public RedirectResponse? Redirect { get; }
    public FileSite? Files { get; }

    /// <summary>Null: responses stay as they are.</summary>
    public CompressionPolicy? Compression { get; }

    /// <summary>Set for a split.</summary>
    public SplitWeights? Weights { get; set; }

    /// <summary>Of a split, in the order of its weights.</summary>
    public ImmutableArray<PoolChoice> SplitPools => _split;

    /// <summary>The pool that a request goes to.</summary>
    /// <param name="sequence">Spreads requests over a split that no key decides; the shard's own.</param>
    public PoolChoice Choose(in RuleInput input, ref ulong sequence)
    {
        if (_only is not null) return _only;
        ReadOnlySpan<byte> key = default;
        bool hasKey = Rules.PoolKey is { } template && template.TryRender(input, out key) && !key.IsEmpty;
        if (_map is not null) return hasKey ? ByMap(key) : _otherwise!;
        ulong place = hasKey ? StableHash.Of(key) : sequence += 0x9E37_79B9_7F4A_7C15;
        return _split[Weights!.IndexOf(place)];
    }

    private static CompressionPolicy? CompressionOf(CompressSnapshot compress)
    {
        if (!GzipEncoder.IsAvailable) compress = compress with { Gzip = 0 };
        return compress.Enabled && compress.Gzip + compress.Brotli > 0 ? new CompressionPolicy(compress) : null;
    }

    private PoolChoice ByMap(ReadOnlySpan<byte> key)
    {
        MapContent content = _map!.Current;
        if (!content.TryFind(key, out int start, out int length) || length > 64) return _otherwise!;
        Span<char> name = stackalloc char[64];
        int chars = Encoding.Latin1.GetChars(content.Memory.AsSpan(start, length), name);
        return _byName.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name[..chars], out PoolChoice? pool) ? pool : _otherwise!;
    }
}

/// <summary>The weights of a split; changed at run time in one write.</summary>
internal sealed class SplitWeights(ImmutableArray<int> configured)
{
    private int[] _current = [.. configured];

    public ImmutableArray<int> Configured { get; } = configured;

    public ImmutableArray<int> Current => [.. Volatile.Read(ref _current)];

    /// <summary>Any thread. At least one weight is above 0.</summary>
    public void Set(ImmutableArray<int> weights) => Volatile.Write(ref _current, [.. weights]);

    /// <summary>
    /// Which part a place belongs to, where all places are spread over the parts by weight in their order: of a change of weights only
    /// those places move that have to.
    /// </summary>
    public int IndexOf(ulong place)
    {
        int[] weights = Volatile.Read(ref _current);
        long total = 0;
        foreach (int weight in weights) total += weight;
        long at = (long)((UInt128)place * (ulong)total >> 64);
        int index = 0;
        while (index < weights.Length - 1 && at >= weights[index]) at -= weights[index++];
        return index;
    }
}

using Mainstay.Core.Config;

namespace Mainstay.Core.Balancing;

/// <summary>
/// What the schedulers of all shards over one set have in common, because it is large (hash tables) or because a shard alone
/// would know too little (locality maps). Made and refreshed on the control side.
/// </summary>
public sealed class SharedTables
{
    // Prime, and for up to 1,000 servers at least 65 slots each: `hash` has no table size to configure.
    private const int HashTableSize = 65537;

    private readonly ServerSet _servers;
    private readonly int _size;
    private readonly Lock _refresh = new();
    private MaglevBuilder? _builder;
    private int[] _built = [];
    private SlotTable _slots = new([SlotTable.Nobody], 0);

    private SharedTables(ServerSet servers, int size, LocalityMap? localities)
    {
        _servers = servers;
        _size = size;
        Localities = localities;
    }

    /// <summary>The present table of mh and hash.</summary>
    internal SlotTable Slots => Volatile.Read(ref _slots);

    /// <summary>The map of lblc and lblcr.</summary>
    internal LocalityMap? Localities { get; }

    /// <summary>Without hash tables yet: <see cref="Refresh"/> makes them.</summary>
    /// <param name="previous">
    /// Of the configuration before: its locality map lives on, and a hash table of which nothing changed.
    /// </param>
    /// <param name="sibling">
    /// Of another tier of the same pool: destinations keep their servers when the tier changes and both know them.
    /// </param>
    public static SharedTables Create(
        BalanceSnapshot balance, ServerSet servers, SharedTables? previous = null, SharedTables? sibling = null)
    {
        int size = balance.Algorithm switch
        {
            Algorithm.Maglev => balance.TableSize,
            Algorithm.Hash => HashTableSize,
            _ => 0,
        };
        LocalityMap? map = balance.Algorithm is Algorithm.Locality or Algorithm.LocalityReplicated
            ? sibling?.Localities ?? previous?.Localities ?? new LocalityMap()
            : null;
        var tables = new SharedTables(servers, size, map);
        if (size > 0 && previous is not null) tables._builder = previous._builder;
        return tables;
    }

    /// <summary>
    /// Rebuilds what follows from weights and availability and did change. Milliseconds: on the control side, never on a pick's
    /// path. Until it is done pickers see the table before and pass over servers that are no longer eligible.
    /// </summary>
    public void Refresh()
    {
        if (_size == 0 || _servers.Count == 0) return;
        lock (_refresh)
        {
            int[] nominal = new int[_servers.Count];
            int[] inForce = new int[_servers.Count];
            for (int i = 0; i < nominal.Length; i++)
            {
                nominal[i] = _servers.NominalWeight(i);
                inForce[i] = _servers.Weight(i);
            }

            string[] names = new string[nominal.Length];
            for (int i = 0; i < names.Length; i++) names[i] = _servers[i].Name;
            bool same = _builder is not null && _builder.IsFor(names, nominal, _size);
            if (same && inForce.AsSpan().SequenceEqual(_built)) return;
            if (!same) _builder = new MaglevBuilder(names, nominal, _size);
            Volatile.Write(ref _slots, _builder!.Build(inForce));
            _built = inForce;
        }
    }
}

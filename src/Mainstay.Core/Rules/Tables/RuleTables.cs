using Mainstay.Core.Config;

namespace Mainstay.Core.Rules;

/// <summary>
/// The maps and address lists that rules ask, by name. A table stays the same object over reloads and over changes of its content,
/// which is swapped in one write; readers take <c>Current</c> once for each question.
/// </summary>
public sealed class RuleTables
{
    private readonly Dictionary<string, MapTable> _maps = [];
    private readonly Dictionary<string, AddressListTable> _lists = [];

    public IReadOnlyCollection<MapTable> Maps => _maps.Values;
    public IReadOnlyCollection<AddressListTable> Lists => _lists.Values;

    /// <summary>Adds tables for what a configuration names and is not there yet; all empty at first. Control side only.</summary>
    public static RuleTables For(Snapshot snapshot, RuleTables? before = null)
    {
        var tables = new RuleTables();
        foreach (MapSnapshot map in snapshot.Maps)
        {
            // Another way to compare is another table: a key means something else in it.
            bool known = before is not null && before._maps.TryGetValue(map.Name, out MapTable? former) && former.Kind == map.Kind;
            tables._maps[map.Name] = known ? before!._maps[map.Name] : new MapTable(map.Name, map.Kind);
        }

        foreach (AddressListSnapshot list in snapshot.Lists)
            tables._lists[list.Name] = before?._lists.GetValueOrDefault(list.Name) ?? new AddressListTable(list.Name);
        return tables;
    }

    /// <summary>The configuration has made sure that it is there.</summary>
    public MapTable Map(string name) => _maps[name];

    public AddressListTable List(string name) => _lists[name];

    public MapTable? FindMap(string name) => _maps.GetValueOrDefault(name);

    public AddressListTable? FindList(string name) => _lists.GetValueOrDefault(name);
}

/// <summary>A map and its content of the moment.</summary>
public sealed class MapTable(string name, MapKind kind)
{
    private volatile MapContent _current = MapContent.Empty(kind);

    public string Name { get; } = name;
    public MapKind Kind { get; } = kind;
    public MapContent Current => _current;

    /// <summary>Any thread; a content of the same kind.</summary>
    public void Publish(MapContent content) => _current = content;
}

/// <summary>An address list and its content of the moment.</summary>
public sealed class AddressListTable(string name)
{
    private volatile AddressListContent _current = AddressListContent.Empty;

    public string Name { get; } = name;
    public AddressListContent Current => _current;

    public void Publish(AddressListContent content) => _current = content;
}

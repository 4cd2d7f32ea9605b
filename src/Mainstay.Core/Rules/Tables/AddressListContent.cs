using Mainstay.Core.Net;

namespace Mainstay.Core.Rules;

/// <param name="IsListed">False: an exception from a larger range that is listed.</param>
public readonly record struct AddressListEntry(AddressRange Range, bool IsListed);

/// <summary>Which addresses are listed; the longest range that holds an address decides. Immutable; asking allocates nothing.</summary>
public sealed class AddressListContent(IReadOnlyCollection<AddressListEntry> entries)
{
    private const int Listed = 1, Excepted = 0;

    public static readonly AddressListContent Empty = new([]);

    private readonly AddressMap _map = new(entries.Select(entry => (entry.Range, entry.IsListed ? Listed : Excepted)));

    /// <summary>As written.</summary>
    public IReadOnlyCollection<AddressListEntry> Entries { get; } = entries;

    public bool Contains(NetAddress address) => _map.Find(address) == Listed;
}

using System.Collections.Immutable;
using Mainstay.Core.Net;

namespace Mainstay.Core.Config;

/// <summary>What DNS says of one <see cref="DiscoverySnapshot"/>: one member for each server.</summary>
/// <param name="Weight">0: as the template says.</param>
/// <param name="Backup">Only used while those of a better priority cannot be.</param>
public readonly record struct DiscoveredServer(NetAddress Address, int Port, int Weight = 0, bool Backup = false);

/// <summary>
/// Puts discovered servers in the place of the templates they were found by. A server is called like its address, so that one that stays
/// keeps its health, its connections and its share of hashes, whatever comes and goes beside it.
/// </summary>
public static class DiscoveredServers
{
    /// <param name="found">By template; what is not known yet has no servers.</param>
    public static Snapshot Expand(Snapshot snapshot, Func<DiscoverySnapshot, IReadOnlyList<DiscoveredServer>> found)
    {
        if (!snapshot.Pools.Any(HasTemplates)) return snapshot;
        return snapshot with { Pools = [.. snapshot.Pools.Select(pool => HasTemplates(pool) ? Expand(pool, found) : pool)] };
    }

    public static IEnumerable<DiscoverySnapshot> TemplatesOf(Snapshot snapshot) =>
        snapshot.Pools.SelectMany(pool => pool.Servers).Select(server => server.Discovery).OfType<DiscoverySnapshot>().Distinct();

    private static bool HasTemplates(PoolSnapshot pool) => pool.Servers.Any(server => server.Discovery is not null);

    private static PoolSnapshot Expand(PoolSnapshot pool, Func<DiscoverySnapshot, IReadOnlyList<DiscoveredServer>> found)
    {
        var servers = ImmutableArray.CreateBuilder<ServerSnapshot>();
        HashSet<string> addresses = [.. pool.Servers.Where(server => server.Discovery is null).Select(server => server.Address.ToString())];
        foreach (ServerSnapshot server in pool.Servers)
        {
            if (server.Discovery is not { } template)
            {
                servers.Add(server);
                continue;
            }

            // Sorted: the order of the records changes with every answer, and some algorithms go by the order of servers.
            IEnumerable<DiscoveredServer> members = found(template)
                .OrderBy(member => member.Address.Bits).ThenBy(member => member.Address.Value).ThenBy(member => member.Port);
            servers.AddRange(members.Where(member => addresses.Add(AddressOf(member).ToString())).Take(template.Max).Select(member => Create(server, member)));
        }

        return pool with { Servers = servers.ToImmutable() };
    }

    private static Endpoint AddressOf(DiscoveredServer member) => Endpoint.Ip(member.Address, member.Port);

    private static ServerSnapshot Create(ServerSnapshot template, DiscoveredServer member)
    {
        Endpoint address = AddressOf(member);
        bool isNamed = template.Name != template.Address.ToString();
        return template with
        {
            Name = isNamed ? $"{template.Name}/{address}" : address.ToString(),
            Address = address,
            Weight = member.Weight > 0 ? member.Weight : template.Weight,
            Backup = template.Backup || member.Backup,
            Discovery = null,
        };
    }
}

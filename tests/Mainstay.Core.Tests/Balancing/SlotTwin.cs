using Mainstay.Core.Balancing;

namespace Mainstay.Core.Tests.Balancing;

/// <summary>
/// The table of mh and hash the slow way: every look of every server is written down with its time, sorted, and played through.
/// </summary>
internal static class SlotTwin
{
    public static int?[] Table(List<TwinServer> servers, int size)
    {
        int?[] table = new int?[size];
        List<(int Slot, int Server)> claims = Claim(table, servers, size, s => s.Nominal);

        // A server keeps the part of its slots that is the part of its weight in force, those it came to first.
        foreach (TwinServer server in servers)
        {
            int[] own = [.. claims.Where(claim => claim.Server == server.Index).Select(claim => claim.Slot)];
            long full = server.Nominal * 256L;
            long kept = full == 0 ? 0 : Math.Min(own.Length, (own.Length * (long)server.Weight + full - 1) / full);
            foreach (int slot in own.Skip((int)kept)) table[slot] = null;
        }

        Claim(table, servers, size, s => s.Weight);
        return table;
    }

    private static List<(int Slot, int Server)> Claim(int?[] table, List<TwinServer> servers, int size, Func<TwinServer, int> weight)
    {
        var claims = new List<(int, int)>();
        long total = servers.Sum(s => (long)weight(s));
        if (total == 0) return claims;
        int free = table.Count(owner => owner is null);
        var looks = servers.Where(s => weight(s) > 0).SelectMany(s => Looks(s, weight(s), size))
            .OrderBy(look => look.Time).ThenByDescending(look => look.Weight).ThenBy(look => StableHash.Of(look.Server.Name));
        var room = servers.ToDictionary(s => s, s => free * (long)weight(s) * 105 / (total * 100) + 1);
        foreach ((long _, long _, TwinServer server, int slot) in looks)
        {
            if (table[slot] is not null || room[server] == 0) continue;
            table[slot] = server.Index;
            room[server]--;
            claims.Add((slot, server.Index));
        }

        return claims;
    }

    private static IEnumerable<(long Time, long Weight, TwinServer Server, int Slot)> Looks(TwinServer server, long weight, int size)
    {
        ulong hash = StableHash.Of(server.Name);
        int offset = StableHash.Reduce(StableHash.Again(hash, 1), size), skip = 1 + StableHash.Reduce(StableHash.Again(hash, 2), size - 1);
        long time = 0;
        for (int k = 0; k < size; k++)
        {
            time += (1L << 58) / (weight * (size - k));
            yield return (time, weight, server, (int)((offset + (long)k * skip) % size));
        }
    }
}

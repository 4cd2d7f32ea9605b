namespace Mainstay.Core.Balancing;

/// <summary>One server of a pool as the choice of the tier sees it.</summary>
public readonly record struct TierMember(Availability Availability, bool Backup);

/// <summary>
/// Which of a pool's servers take new work: eligible primaries, then backups, then panic, in that order.
/// </summary>
/// <remarks>
/// A tier is used when at least one of its servers is eligible and at least the panic threshold of those that count are
/// healthy. Those that count have a verdict (up or down) and were not taken out: not drained, not in maintenance, weight above
/// 0, not at 0 % by their own agent. So a healthy backup (a sorry server, say) wins over panic when all primaries are down, but
/// primaries of which too few are left are not saved by backups: then all servers are used. Servers not checked yet count
/// neither way, so that a start is no panic.
/// </remarks>
public static class PoolTiers
{
    /// <param name="panicThreshold">Percent, 0..100; 0 = never panic.</param>
    public static PoolTier Compute(ReadOnlySpan<TierMember> servers, int panicThreshold)
    {
        Count primaries = default, backups = default;
        foreach (TierMember server in servers)
        {
            if (server.Backup) backups.Add(server.Availability);
            else primaries.Add(server.Availability);
        }

        Count first = primaries.Eligible > 0 ? primaries : backups;
        if (first.Eligible > 0 && !first.IsBelow(panicThreshold))
            return primaries.Eligible > 0 ? PoolTier.Primary : PoolTier.Backup;
        return panicThreshold > 0 && primaries.Verdicts + backups.Verdicts > 0 ? PoolTier.Panic : PoolTier.None;
    }

    /// <summary>The tier of a pool as its words in the table stand now.</summary>
    public static PoolTier Compute(ServerSet servers, int panicThreshold)
    {
        var members = new TierMember[servers.Count];
        for (int i = 0; i < members.Length; i++)
            members[i] = new TierMember(servers.Availability[servers[i].Slot], servers[i].Backup);
        return Compute(members, panicThreshold);
    }

    private struct Count
    {
        /// <summary>Up, and with weight in force.</summary>
        public int Eligible;

        /// <summary>Eligible, or found down.</summary>
        public int Verdicts;

        public void Add(Availability server)
        {
            if (server.IsEligible) Eligible++;
            if (server.IsEligible || (server.State == ServerState.Down && server.Weight > 0)) Verdicts++;
        }

        public readonly bool IsBelow(int percent) => (long)Eligible * 100 < (long)Verdicts * percent;
    }
}

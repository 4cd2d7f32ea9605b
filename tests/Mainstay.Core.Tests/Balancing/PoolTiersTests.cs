using Mainstay.Core.Balancing;

namespace Mainstay.Core.Tests.Balancing;

public class PoolTiersTests
{
    // One letter a server: u up, d down, ? unknown, - draining, m maintenance, 0 weight 0, % up with nothing of its weight in
    // force. After the bar: backups.
    [Theory]
    [InlineData("uu|u", 0, PoolTier.Primary)]
    [InlineData("ud|u", 0, PoolTier.Primary)]
    [InlineData("dd|u", 0, PoolTier.Backup)]
    [InlineData("-m|u", 0, PoolTier.Backup)]
    [InlineData("dd|d", 0, PoolTier.None)]
    [InlineData("00|", 0, PoolTier.None)]
    [InlineData("|u", 0, PoolTier.Backup)]
    [InlineData("|", 50, PoolTier.None)]
    [InlineData("uudd|", 50, PoolTier.Primary)]
    [InlineData("uddd|", 50, PoolTier.Panic)]
    [InlineData("uddd|u", 50, PoolTier.Panic)]
    [InlineData("dddd|u", 50, PoolTier.Backup)]
    [InlineData("dddd|udd", 50, PoolTier.Panic)]
    [InlineData("dddd|dd", 1, PoolTier.Panic)]
    [InlineData("ud|", 100, PoolTier.Panic)]
    [InlineData("uu|d", 100, PoolTier.Primary)]
    [InlineData("u---mm|", 50, PoolTier.Primary)]
    [InlineData("u000|", 50, PoolTier.Primary)]
    [InlineData("u%%%|", 50, PoolTier.Primary)]
    [InlineData("u???|", 50, PoolTier.Primary)]
    [InlineData("????|", 50, PoolTier.None)]
    [InlineData("d???|", 50, PoolTier.Panic)]
    [InlineData("--mm|--", 50, PoolTier.None)]
    public void Compute_Pool_UsesTheTier(string servers, int panicThreshold, PoolTier expected)
    {
        int bar = servers.IndexOf('|');
        TierMember[] members = [.. servers.Remove(bar, 1).Select((c, i) => new TierMember(Word(c), i >= bar))];
        Assert.Equal(expected, PoolTiers.Compute(members, panicThreshold));
    }

    private static Availability Word(char letter) => letter switch
    {
        'u' => new Availability(ServerState.Up, 1),
        'd' => new Availability(ServerState.Down, 1),
        '-' => new Availability(ServerState.Draining, 1),
        'm' => new Availability(ServerState.Maintenance, 1),
        '0' => new Availability(ServerState.Up, 0),
        '%' => new Availability(ServerState.Up, 1, share: 0),
        _ => new Availability(ServerState.Unknown, 1),
    };
}

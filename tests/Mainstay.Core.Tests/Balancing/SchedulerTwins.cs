using System.Numerics;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Balancing;

/// <summary>A server as a twin sees it at one pick.</summary>
/// <param name="Weight">In force, in units of 1/256; 0 = not eligible.</param>
/// <param name="Room">Not full, overloaded or tried.</param>
internal sealed record TwinServer(int Index, string Name, int Nominal, int Weight, bool Room, int Active, int Inactive, long Time)
{
    public bool Takes => Weight > 0 && Room;
    public BigInteger Overhead => (BigInteger)Active * 256 + Inactive;
}

/// <summary>
/// The algorithms once more, written for their sentence in the manual and nothing else: lists, sorting, exact fractions, no
/// speed.
/// </summary>
internal abstract class Twin
{
    public abstract int Pick(List<TwinServer> servers, PickKey key);

    public static Twin For(Algorithm algorithm, BalanceSnapshot balance, ulong seed) => algorithm switch
    {
        Algorithm.RoundRobin => new Rotating(s => 0),
        Algorithm.WeightedRoundRobin => new Interleaved(),
        Algorithm.LeastConnections => new Least(s => s.Overhead),
        Algorithm.WeightedLeastConnections => new Least(s => new Fraction(s.Overhead, s.Weight)),
        Algorithm.ShortestExpectedDelay => new Least(s => new Fraction(s.Active + 1, s.Weight)),
        Algorithm.NeverQueue => new Least(s => s.Active == 0 ? -1 : new Fraction(s.Active + 1, s.Weight)),
        Algorithm.Failover => new Least(s => -s.Weight),
        Algorithm.Overflow => new Least(s => -s.Weight, s => (long)s.Active * 256 <= s.Weight),
        Algorithm.First => new Least(s => s.Index),
        Algorithm.LeastRequest => new Rotating(s => new Fraction(s.Active, s.Weight)),
        Algorithm.LeastTime => new Rotating(s => new Fraction((BigInteger)s.Time * (s.Active + 1), s.Weight), fillTimes: true),
        Algorithm.SourceHash => new Bucketed(s => s.Nominal, key => key.Hash, balance.Fallback),
        Algorithm.DestinationHash => new Bucketed(_ => 1, key => key.Destination, fallback: false),
        Algorithm.Locality => new Local(),
        Algorithm.LocalityReplicated => new Replicated(),
        Algorithm.TwoChoices => new Urn(seed, distinct: false, s => new Fraction(s.Overhead, s.Weight)),
        Algorithm.Random => new Urn(seed, distinct: true, s => new Fraction(s.Active, s.Weight)),
        Algorithm.Maglev => new Slots(balance.TableSize, balance.Fallback),
        _ => throw new ArgumentOutOfRangeException(nameof(algorithm)),
    };

    /// <summary>An exact fraction.</summary>
    internal readonly record struct Fraction(BigInteger Over, BigInteger Under) : IComparable<Fraction>
    {
        public static implicit operator Fraction(BigInteger number) => new(number, 1);
        public static implicit operator Fraction(int number) => new(number, 1);
        public int CompareTo(Fraction other) => (Over * other.Under).CompareTo(other.Over * Under);
    }

    private static int IndexOf(TwinServer? server) => server?.Index ?? Scheduler.None;

    private sealed class Least(Func<TwinServer, Fraction> cost, Func<TwinServer, bool>? only = null) : Twin
    {
        // MinBy returns the first of equals.
        public override int Pick(List<TwinServer> servers, PickKey key) =>
            IndexOf(servers.Where(s => s.Takes && (only is null || only(s))).MinBy(cost));
    }

    private sealed class Rotating(Func<TwinServer, Fraction> cost, bool fillTimes = false) : Twin
    {
        private int _last = -1;

        public override int Pick(List<TwinServer> servers, PickKey key)
        {
            long fastest = servers.Where(s => s.Weight > 0 && s.Time > 0).Select(s => s.Time).DefaultIfEmpty(1).Min();
            IEnumerable<TwinServer> fromNext = servers.Skip(_last + 1).Concat(servers.Take(_last + 1)).Where(s => s.Takes);
            if (fillTimes) fromNext = fromNext.Select(s => s.Time > 0 ? s : s with { Time = fastest });
            int picked = IndexOf(fromNext.MinBy(cost));
            if (picked >= 0) _last = picked;
            return picked;
        }
    }

    /// <summary>wrr level by level as in the manual. The sixteenths are Mainstay's: no weight in force is finer.</summary>
    private sealed class Interleaved : Twin
    {
        private int _last = -1;
        private int _level;

        public override int Pick(List<TwinServer> servers, PickKey key)
        {
            int[] all = [.. servers.Where(s => s.Weight > 0).Select(s => (s.Weight + 15) / 16)];
            // As the kernel on a changed destination: with no weight at all the level is lost.
            if (all.Length == 0)
            {
                _level = 0;
                return Scheduler.None;
            }

            int step = all.Aggregate((a, b) => (int)BigInteger.GreatestCommonDivisor(a, b));
            int top = all.Max() - (step - 1);
            while (_level > 0 && _level % step != 1 % step) _level--;
            if (_level > top || _level <= 0) _level = top;
            if (!servers.Any(s => s.Takes)) return Scheduler.None;
            while (true)
            {
                for (int i = _last + 1; i < servers.Count; i++)
                    if (servers[i].Takes && (servers[i].Weight + 15) / 16 >= _level) return _last = i;
                _last = -1;
                _level -= step;
                if (_level <= 0) _level = top;
            }
        }
    }

    private sealed class Bucketed(Func<TwinServer, int> turns, Func<PickKey, ulong> hash, bool fallback) : Twin
    {
        public override int Pick(List<TwinServer> servers, PickKey key)
        {
            var buckets = new List<TwinServer>();
            while (buckets.Count < 256 && servers.Any(s => turns(s) > 0))
                foreach (TwinServer server in servers) buckets.AddRange(Enumerable.Repeat(server, turns(server)));
            if (buckets.Count == 0) return Scheduler.None;
            for (int attempt = 0; attempt <= (fallback ? 256 : 0); attempt++)
            {
                TwinServer server = buckets[(int)(StableHash.Again(hash(key), attempt) / (1UL << 56))];
                if (server.Takes) return server.Index;
            }

            return Scheduler.None;
        }
    }

    private static readonly Least Wlc = new(s => new Fraction(s.Overhead, s.Weight));

    private static bool IsOverloaded(TwinServer server, List<TwinServer> servers) =>
        (long)server.Active * 256 > server.Weight && servers.Any(s => (long)s.Active * 2 * 256 < s.Weight);

    private sealed class Local : Twin
    {
        private readonly Dictionary<ulong, (int Server, Instant Used)> _map = [];

        public override int Pick(List<TwinServer> servers, PickKey key)
        {
            if (_map.TryGetValue(key.Destination, out (int Server, Instant Used) entry) && key.Now - entry.Used < TimeSpan.FromHours(24))
            {
                _map[key.Destination] = (entry.Server, key.Now);
                if (servers[entry.Server].Takes && !IsOverloaded(servers[entry.Server], servers)) return entry.Server;
            }

            int chosen = Wlc.Pick(servers, key);
            if (chosen >= 0) _map[key.Destination] = (chosen, key.Now);
            return chosen;
        }
    }

    private sealed class Replicated : Twin
    {
        private readonly Dictionary<ulong, Entry> _map = [];

        public override int Pick(List<TwinServer> servers, PickKey key)
        {
            var day = TimeSpan.FromHours(24);
            if (!_map.TryGetValue(key.Destination, out Entry? entry) || key.Now - entry.Used >= day) entry = null;
            if (entry is not null)
            {
                entry.Used = key.Now;
                TwinServer[] members = [.. entry.Servers.Select(i => servers[i])];
                TwinServer? least = members.Where(s => s.Takes).MinBy(s => new Fraction(s.Overhead, s.Weight));
                if (members.Length > 1 && key.Now - entry.Changed > day)
                {
                    TwinServer most = members.FirstOrDefault(s => s.Weight == 0)
                        ?? members.MaxBy(s => new Fraction(s.Overhead, s.Weight))!;
                    entry.Servers.Remove(most.Index);
                    entry.Changed = key.Now;
                }

                if (least is not null && !IsOverloaded(least, servers)) return least.Index;
            }

            int chosen = Wlc.Pick(servers, key);
            if (chosen < 0) return chosen;
            entry ??= _map[key.Destination] = new Entry { Used = key.Now, Changed = key.Now };
            if (!entry.Servers.Contains(chosen))
            {
                entry.Servers.Add(chosen);
                entry.Changed = key.Now;
            }

            return chosen;
        }

        private sealed class Entry
        {
            public List<int> Servers = [];
            public Instant Used;
            public Instant Changed;
        }
    }

    /// <summary>Two draws from an urn with a ball for every unit of weight; the same generator, so the same luck.</summary>
    private sealed class Urn(ulong seed, bool distinct, Func<TwinServer, Fraction> cost) : Twin
    {
        private SplitMix64 _random = new(StableHash.Mix(seed));

        public override int Pick(List<TwinServer> servers, PickKey key)
        {
            if (!servers.Any(s => s.Takes)) return Scheduler.None;
            TwinServer first = Draw(servers);
            List<TwinServer> rest = distinct ? [.. servers.Where(s => s != first)] : servers;
            if (!rest.Any(s => s.Takes)) return first.Index;
            TwinServer second = Draw(rest);
            return cost(second).CompareTo(cost(first)) < 0 ? second.Index : first.Index;
        }

        private TwinServer Draw(List<TwinServer> servers)
        {
            List<TwinServer> urn = [.. servers.Where(s => s.Takes).SelectMany(s => Enumerable.Repeat(s, s.Weight))];
            return urn[(int)_random.Below((ulong)urn.Count)];
        }
    }

    private sealed class Slots(int size, bool fallback) : Twin
    {
        public override int Pick(List<TwinServer> servers, PickKey key)
        {
            int?[] table = SlotTwin.Table(servers, size);
            if (table[StableHash.Reduce(key.Hash, size)] is not { } owner) return Scheduler.None;
            if (servers[owner].Takes) return owner;
            for (int attempt = 1; fallback && attempt <= 64; attempt++)
            {
                int other = table[StableHash.Reduce(StableHash.Again(key.Hash, attempt), size)]!.Value;
                if (servers[other].Takes) return other;
            }

            int start = StableHash.Reduce(key.Hash, servers.Count);
            return fallback ? IndexOf(servers.Skip(start).Concat(servers.Take(start)).FirstOrDefault(s => s.Takes)) : Scheduler.None;
        }
    }
}

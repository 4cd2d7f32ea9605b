using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Balancing;

/// <summary>
/// The small language of testdata/*.txt. Commands up to a line "----" are run, what they print stands below it up to an empty
/// line. <code> pool ALGORITHM [OPTION...] SERVER...   options: panic=PERCENT shards=N fallback factor=X size=N server:
/// name:weight[:backup][:max=N][:upper=N][:lower=N] reload ALGORITHM [OPTION...] SERVER... the same pool after a changed
/// configuration state NAME up|down|draining|maintenance|unknown [SHARE of 256] weight NAME N load NAME ACTIVE [INACTIVE] took
/// NAME MILLISECONDS                 a response wait DURATION                          30s, 24h pick N [key=K] [shard=S]
/// [tried=NAME]  prints the servers; without key the keys are 1, 2, 3... enter N [key=K]                        picks and takes
/// the place leave NAME owners N                               how many of N keys each server gets </code>
/// </summary>
internal sealed class PickStory
{
    private static readonly Dictionary<string, Algorithm> Algorithms = new()
    {
        ["rr"] = Algorithm.RoundRobin,
        ["wrr"] = Algorithm.WeightedRoundRobin,
        ["lc"] = Algorithm.LeastConnections,
        ["wlc"] = Algorithm.WeightedLeastConnections,
        ["sed"] = Algorithm.ShortestExpectedDelay,
        ["nq"] = Algorithm.NeverQueue,
        ["sh"] = Algorithm.SourceHash,
        ["dh"] = Algorithm.DestinationHash,
        ["lblc"] = Algorithm.Locality,
        ["lblcr"] = Algorithm.LocalityReplicated,
        ["mh"] = Algorithm.Maglev,
        ["fo"] = Algorithm.Failover,
        ["ovf"] = Algorithm.Overflow,
        ["twos"] = Algorithm.TwoChoices,
        ["least-request"] = Algorithm.LeastRequest,
        ["least-time"] = Algorithm.LeastTime,
        ["random"] = Algorithm.Random,
        ["hash"] = Algorithm.Hash,
        ["first"] = Algorithm.First,
    };

    private readonly AvailabilityTable _availability = new(64, 1);
    private readonly LoadTable _loads = new(64);
    private readonly Dictionary<string, int> _slots = [];
    private ServerSet _servers;
    private ImmutableArray<PoolBalancer> _balancers = [];
    private int _panic;
    private Instant _now = new(1_000_000_000);

    private PickStory() => _servers = new ServerSet([], _availability, _loads, 0);

    /// <summary>The story with what it prints now.</summary>
    public static string Tell(string text)
    {
        var story = new PickStory();
        var output = new StringBuilder();
        var printed = new List<string>();
        bool printing = false;
        foreach (string line in text.TrimEnd('\n').Split('\n'))
        {
            if (printing && line.Length > 0) continue;
            printing = line == "----";
            output.Append(line).Append('\n');
            if (printing)
            {
                foreach (string result in printed) output.Append(result).Append('\n');
                printed.Clear();
            }
            else if (line.Length > 0 && line[0] != '#')
            {
                string result = story.Run(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
                if (result.Length > 0) printed.Add(result);
            }
        }

        return output.ToString();
    }

    private string Run(string[] words)
    {
        switch (words[0])
        {
            case "pool":
                _slots.Clear();
                _balancers = [];
                for (int slot = 0; slot < 64; slot++) _loads[slot] = default;
                for (int slot = 0; slot < 64; slot++) _availability[slot] = default;
                Configure(words[1..]);
                return "";
            case "reload": Configure(words[1..]); return "";
            case "state": SetState(words); return "";
            case "weight":
                Availability word = _availability[_slots[words[1]]];
                _availability[_slots[words[1]]] = new Availability(word.State, int.Parse(words[2]), word.Share);
                Publish();
                return "";
            case "load":
                ref ServerLoad load = ref _loads[_slots[words[1]]];
                load.InFlight = int.Parse(words[2]);
                load.Idle = words.Length > 3 ? int.Parse(words[3]) : 0;
                return "";
            case "took":
                _loads.OnResponse(_slots[words[1]], TimeSpan.FromMilliseconds(int.Parse(words[2])), _now);
                return "";
            case "wait": _now += Duration(words[1]); return "";
            case "pick": return Pick(words, enter: false);
            case "enter": return Pick(words, enter: true);
            case "leave": _loads.Leave(_slots[words[1]]); return "";
            case "owners": return Owners(int.Parse(words[1]));
            default: throw new FormatException($"no such command: {words[0]}");
        }
    }

    private void Configure(string[] words)
    {
        var balance = new BalanceSnapshot(Algorithms[words[0]]);
        int shards = 1;
        var servers = ImmutableArray.CreateBuilder<ServerEntry>();
        foreach (string word in words[1..])
        {
            string[] option = word.Split('=', 2);
            if (word.Contains(':')) servers.Add(Server(word.Split(':')));
            else if (word == "fallback") balance = balance with { Fallback = true };
            else if (option[0] == "factor") balance = balance with { LoadFactor = double.Parse(option[1], CultureInfo.InvariantCulture) };
            else if (option[0] == "size") balance = balance with { TableSize = int.Parse(option[1]) };
            else if (option[0] == "panic") _panic = int.Parse(option[1]);
            else if (option[0] == "shards") shards = int.Parse(option[1]);
            else throw new FormatException($"no such option: {word}");
        }

        _servers = new ServerSet(servers.ToImmutable(), _availability, _loads, 0);
        Publish();
        _balancers = PoolBalancer.CreateAll(balance, _servers, shards, seed: 1, _balancers);
    }

    private ServerEntry Server(string[] parts)
    {
        if (!_slots.TryGetValue(parts[0], out int slot)) _slots[parts[0]] = slot = _slots.Count;
        var entry = new ServerEntry(slot, parts[0], int.Parse(parts[1]));
        foreach (string part in parts[2..])
        {
            string[] option = part.Split('=');
            entry = option[0] switch
            {
                "backup" => entry with { Backup = true },
                "max" => entry with { MaxConnections = int.Parse(option[1]) },
                "upper" => entry with { UpperThreshold = int.Parse(option[1]) },
                "lower" => entry with { LowerThreshold = int.Parse(option[1]) },
                _ => throw new FormatException($"no such option: {part}"),
            };
        }

        Availability word = _availability[slot];
        _availability[slot] = word.Word == 0
            ? new Availability(ServerState.Up, entry.Weight)
            : new Availability(word.State, entry.Weight, word.Share);
        return entry;
    }

    private void SetState(string[] words)
    {
        int slot = _slots[words[1]];
        int share = words.Length > 3 ? int.Parse(words[3]) : Availability.FullShare;
        _availability[slot] = new Availability(Enum.Parse<ServerState>(words[2], ignoreCase: true), _availability[slot].Weight, share);
        Publish();
    }

    private void Publish() => _availability.Publish(0, PoolTiers.Compute(_servers, _panic));

    private string Pick(string[] words, bool enter)
    {
        int fixedKey = 0, shard = 0;
        ulong tried = 0;
        foreach (string word in words[2..])
        {
            string[] option = word.Split('=');
            if (option[0] == "key") fixedKey = int.Parse(option[1]);
            else if (option[0] == "shard") shard = int.Parse(option[1]);
            else tried |= 1UL << _servers.IndexOfSlot(_slots[option[1]]);
        }

        var names = new List<string>();
        for (int n = 1; n <= int.Parse(words[1]); n++)
        {
            PickKey key = Key(fixedKey > 0 ? fixedKey : n) with { Tried = tried };
            int picked = _balancers[shard].Pick(key);
            if (enter && picked >= 0) Assert.True(_balancers[shard].TryEnter(picked));
            names.Add(picked < 0 ? "-" : _servers[picked].Name);
        }

        return string.Join(' ', names);
    }

    private string Owners(int keys)
    {
        var counts = new SortedDictionary<string, int>();
        for (int n = 1; n <= keys; n++)
        {
            int picked = _balancers[0].Pick(Key(n));
            string name = picked < 0 ? "-" : _servers[picked].Name;
            counts[name] = counts.GetValueOrDefault(name) + 1;
        }

        return string.Join("  ", counts.Select(pair => $"{pair.Key} {pair.Value}"));
    }

    private PickKey Key(int number) => new()
    {
        Hash = StableHash.Mix((ulong)number),
        Destination = StableHash.Mix((ulong)number),
        Now = _now,
    };

    private static TimeSpan Duration(string text) => text[^1] switch
    {
        'h' => TimeSpan.FromHours(int.Parse(text[..^1])),
        _ => TimeSpan.FromSeconds(int.Parse(text[..^1])),
    };
}

namespace Mainstay.Core.Config.Vocabulary;

/// <summary>How a pool's work is spread.</summary>
internal static class BalanceSection
{
    private static readonly ChoiceType<Algorithm> Algorithms = new(
        ("rr", Algorithm.RoundRobin), ("wrr", Algorithm.WeightedRoundRobin), ("lc", Algorithm.LeastConnections),
        ("wlc", Algorithm.WeightedLeastConnections), ("sed", Algorithm.ShortestExpectedDelay), ("nq", Algorithm.NeverQueue),
        ("sh", Algorithm.SourceHash), ("dh", Algorithm.DestinationHash), ("lblc", Algorithm.Locality),
        ("lblcr", Algorithm.LocalityReplicated), ("mh", Algorithm.Maglev), ("fo", Algorithm.Failover), ("ovf", Algorithm.Overflow),
        ("twos", Algorithm.TwoChoices), ("least-request", Algorithm.LeastRequest), ("least-time", Algorithm.LeastTime),
        ("random", Algorithm.Random), ("hash", Algorithm.Hash), ("first", Algorithm.First))
    {
        // HAProxy's and nginx's; their round robin and least connections heed weights.
        Elsewhere = new Dictionary<string, string>
        {
            ["roundrobin"] = "wrr",
            ["round-robin"] = "wrr",
            ["round_robin"] = "wrr",
            ["static-rr"] = "wrr",
            ["leastconn"] = "wlc",
            ["least-conn"] = "wlc",
            ["least_conn"] = "wlc",
            ["least_time"] = "least-time",
            ["source"] = "sh",
            ["ip_hash"] = "sh",
            ["ip-hash"] = "sh",
        },
    };

    public static string WordOf(Algorithm algorithm) => Algorithms.WordOf(algorithm);

    private sealed record HashKey(HashSource Source, string Name);

    private static Key<HashKey, bool?> Bare(string name, HashSource source, string doc) =>
        new(name, new OptionalValueType<bool>(PresenceType.Instance), k => k.Source == source ? true : null) { Doc = doc };

    private static Key<HashKey, string?> Named(string name, HashSource source, TextType type, string doc) =>
        new(name, new OptionalType<string>(type), k => k.Source == source ? k.Name : null) { Doc = doc };

    private static readonly Key<HashKey, bool?> Address = Bare("address", HashSource.Address, "The client's address.");
    private static readonly Key<HashKey, bool?> Path = Bare("path", HashSource.Path, "The path, without the query.");
    private static readonly Key<HashKey, string?> Header = Named("header", HashSource.Header, TextType.Token, "A header's value.");
    private static readonly Key<HashKey, string?> Cookie = Named("cookie", HashSource.Cookie, TextType.Token, "A cookie's value.");
    private static readonly Key<HashKey, string?> Query = Named("query", HashSource.Query, TextType.Line, "A query parameter's value.");

    private static readonly Section<HashKey> HashKeys = new("pools.NAME.balance.on", [Address, Path, Header, Cookie, Query], BuildHashKey)
    {
        Doc = "What requests are told apart by. Requests with equal keys go to the same server.",
        OneOf = [Address, Path, Header, Cookie, Query],
        ShorthandNames = [Address, Path],
    };

    private static readonly Key<BalanceSnapshot, Algorithm> Name = new("algorithm", Algorithms, b => b.Algorithm)
    {
        Doc = "The algorithm. The short names are those of IPVS.",
        Required = true,
    };

    private static readonly Key<BalanceSnapshot, HashKey?> On = new(
        "on", new OptionalType<HashKey>(HashKeys), b => b.Algorithm == Algorithm.Hash ? new HashKey(b.HashOn, b.HashName) : null)
    {
        Doc = "For hash: what requests are told apart by. In quotes for tools that read YAML 1.1, where a bare on is a boolean.",
        Default = Key.Plain("address"),
    };

    private static readonly Key<BalanceSnapshot, double?> LoadFactor = new(
        "load-factor",
        new OptionalValueType<double>(new DecimalType(1.01, 100)),
        b => b.Algorithm == Algorithm.Hash ? b.LoadFactor : null)
    {
        Doc = "For hash: a server with more than this many times the mean load is passed over.",
        Default = Key.Plain("1.25"),
    };

    private static readonly Key<BalanceSnapshot, bool?> WithPort = new(
        "with-port", new OptionalValueType<bool>(BooleanType.Instance), b => HashesSource(b.Algorithm) ? b.WithPort : null)
    {
        Doc = "For sh and mh: the client's port counts too, which spreads the connections of one client.",
        Default = Key.Plain("false"),
    };

    private static readonly Key<BalanceSnapshot, bool?> Fallback = new(
        "fallback", new OptionalValueType<bool>(BooleanType.Instance), b => HashesSource(b.Algorithm) ? b.Fallback : null)
    {
        Doc = "For sh and mh: when the server due is not available, another one is chosen instead of none.",
        Default = Key.Plain("false"),
    };

    private static readonly Key<BalanceSnapshot, int?> TableSize = new(
        "table-size",
        new OptionalValueType<int>(new IntegerType(251, 1_000_003)),
        b => b.Algorithm == Algorithm.Maglev ? b.TableSize : null)
    {
        Doc = "For mh: entries of the table, a prime number; at least 100 times the servers keeps shares even.",
        Default = Key.Plain("65537"),
    };

    public static readonly Section<BalanceSnapshot> Section = new(
        "pools.NAME.balance", [Name, On, LoadFactor, WithPort, Fallback, TableSize], Build)
    {
        Doc = "How work is spread over the servers: the name of an algorithm, or a mapping where it has settings.",
        Shorthand = Name,
        Verify = Verify,
    };

    private static bool HashesSource(Algorithm algorithm) => algorithm is Algorithm.SourceHash or Algorithm.Maglev;

    private static HashKey BuildHashKey(Values v)
    {
        if (v.Get(Header) is { } header) return new HashKey(HashSource.Header, header);
        if (v.Get(Cookie) is { } cookie) return new HashKey(HashSource.Cookie, cookie);
        if (v.Get(Query) is { } query) return new HashKey(HashSource.Query, query);
        return new HashKey(v.IsWritten(Path) ? HashSource.Path : HashSource.Address, "");
    }

    private static BalanceSnapshot Build(Values v)
    {
        var plain = new BalanceSnapshot(v.Get(Name));
        if (plain.Algorithm == Algorithm.Hash)
        {
            HashKey key = v.Get(On) ?? new HashKey(HashSource.Address, "");
            return plain with { HashOn = key.Source, HashName = key.Name, LoadFactor = v.Get(LoadFactor) ?? plain.LoadFactor };
        }

        if (HashesSource(plain.Algorithm))
            plain = plain with { WithPort = v.Get(WithPort) ?? false, Fallback = v.Get(Fallback) ?? false };
        return plain.Algorithm == Algorithm.Maglev ? plain with { TableSize = v.Get(TableSize) ?? plain.TableSize } : plain;
    }

    private static void Verify(Values v)
    {
        if (v.TryGet(TableSize, out int? size) && size is { } entries && !IsPrime(entries))
            v.Error(TableSize, $"{entries} is not a prime number (such as 4093, 16381, 65537 or 262139)");
        if (!v.TryGet(Name, out Algorithm algorithm)) return;
        string word = Algorithms.WordOf(algorithm);
        bool hash = algorithm == Algorithm.Hash, source = HashesSource(algorithm), maglev = algorithm == Algorithm.Maglev;
        foreach ((Key key, bool applies, string where) in new (Key, bool, string)[]
                 {
                     (On, hash, "hash"), (LoadFactor, hash, "hash"), (WithPort, source, "sh and mh"),
                     (Fallback, source, "sh and mh"), (TableSize, maglev, "mh"),
                 })
        {
            if (!applies && v.IsWritten(key)) v.Error(key, $"{word} has no such setting (only {where})");
        }
    }

    private static bool IsPrime(int number)
    {
        for (int divisor = 2; divisor * divisor <= number; divisor++)
        {
            if (number % divisor == 0) return false;
        }

        return number > 1;
    }
}

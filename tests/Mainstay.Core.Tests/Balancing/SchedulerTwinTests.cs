using System.Collections.Immutable;
using FsCheck;
using FsCheck.Fluent;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Core.Tests.Balancing;

/// <summary>
/// Every algorithm, pick by pick, beside its deliberately simple twin, while loads, weights and states change under it.
/// </summary>
public class SchedulerTwinTests
{
    private const ulong Seed = 42;

    public static TheoryData<Algorithm, bool> Algorithms
    {
        get
        {
            var cases = new TheoryData<Algorithm, bool>();
            foreach (Algorithm algorithm in Enum.GetValues<Algorithm>())
            {
                // hash is covered by the table's twin and by ConsistencyTests: its bound is a property, not a sequence.
                if (algorithm != Algorithm.Hash) cases.Add(algorithm, false);
                if (algorithm is Algorithm.SourceHash or Algorithm.Maglev) cases.Add(algorithm, true);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Algorithms))]
    public void Pick_AnyScenario_IsWhatTheTwinPicks(Algorithm algorithm, bool fallback)
    {
        var balance = new BalanceSnapshot(algorithm, Fallback: fallback, TableSize: 61);
        Check.One(
            FsCheck.Config.QuickThrowOnFailure.WithMaxTest(100).WithQuietOnSuccess(true),
            Prop.ForAll(Scenarios().ToArbitrary(), scenario => Compare(scenario, balance)));
    }

    [Fact]
    public void Pick_Hash_IsTheFirstSlotOfTheKeyWithinItsBound()
    {
        var balance = new BalanceSnapshot(Algorithm.Hash, LoadFactor: 1.25);
        Check.One(
            FsCheck.Config.QuickThrowOnFailure.WithMaxTest(4).WithQuietOnSuccess(true),
            Prop.ForAll(Scenarios().ToArbitrary(), scenario => CompareHash(scenario, balance)));
    }

    private static void Compare(Scenario scenario, BalanceSnapshot balance)
    {
        var run = new Run(scenario);
        SharedTables shared = SharedTables.Create(balance, run.Pool.Servers);
        shared.Refresh();
        Scheduler scheduler = SchedulerFactory.Create(balance, run.Pool.Servers, shared, 0, 1, Seed);
        Twin twin = Twin.For(balance.Algorithm, balance, Seed);
        foreach (Change change in scenario.Changes)
        {
            run.Apply(change);
            shared.Refresh();
            PickKey key = run.Key(change);
            int expected = twin.Pick(run.Seen(key), key);
            int picked = scheduler.Pick(key);
            Assert.Equal(expected, picked);
            run.Enter(picked);
        }
    }

    private static void CompareHash(Scenario scenario, BalanceSnapshot balance)
    {
        var run = new Run(scenario);
        SharedTables shared = SharedTables.Create(balance, run.Pool.Servers);
        Scheduler scheduler = SchedulerFactory.Create(balance, run.Pool.Servers, shared, 0, 1, Seed);
        foreach (Change change in scenario.Changes.Take(2))
        {
            run.Apply(change);
            shared.Refresh();
            PickKey key = run.Key(change);
            int picked = scheduler.Pick(key);
            List<TwinServer> servers = run.Seen(key);
            int?[] table = SlotTwin.Table(servers, 65537);
            decimal all = servers.Sum(s => s.Active) + 1, weights = servers.Sum(s => s.Weight);
            IEnumerable<int> wished = Enumerable.Range(0, 65)
                .Select(attempt => table[StableHash.Reduce(StableHash.Again(key.Hash, attempt), 65537)])
                .Where(owner => owner is not null && servers[owner.Value].Takes)
                .Where(owner => servers[owner!.Value].Active + 1 <= decimal.Ceiling(1.25m * all * servers[owner.Value].Weight / weights))
                .Select(owner => owner!.Value);
            TwinServer? least = servers.Where(s => s.Takes).MinBy(s => new Twin.Fraction(s.Active, s.Weight));
            Assert.Equal(wished.Append(least?.Index ?? Scheduler.None).First(), picked);
            run.Enter(picked);
        }
    }

    private static Gen<Scenario> Scenarios() =>
        from count in Gen.Choose(1, 11)
        from servers in ServerCases().ArrayOf(count)
        from changes in Changes().ArrayOf(60)
        select new Scenario(servers, changes);

    private static Gen<ServerCase> ServerCases() =>
        from weight in Gen.Frequency((8, Gen.Choose(1, 5)), (1, Gen.Constant(0)), (1, Gen.Choose(6, 40)))
        from limit in Gen.Frequency((3, Gen.Constant(0)), (1, Gen.Choose(1, 4)))
        from upper in Gen.Frequency((3, Gen.Constant(0)), (1, Gen.Choose(1, 6)))
        select new ServerCase(weight, limit, upper);

    private static Gen<Change> Changes() =>
        from kind in Gen.Frequency(
            (6, Gen.Constant(ChangeKind.None)), (6, Gen.Constant(ChangeKind.Leave)), (1, Gen.Constant(ChangeKind.State)),
            (1, Gen.Constant(ChangeKind.Weight)), (1, Gen.Constant(ChangeKind.Share)), (2, Gen.Constant(ChangeKind.Idle)),
            (2, Gen.Constant(ChangeKind.Response)), (1, Gen.Constant(ChangeKind.Wait)))
        from server in Gen.Choose(0, 1000)
        from value in Gen.Choose(0, 1000)
        from key in Gen.Choose(1, 6)
        from tried in Gen.Frequency((5, Gen.Constant(0)), (1, Gen.Choose(0, 4095)))
        select new Change(kind, server, value, key, (ulong)tried);

    internal enum ChangeKind
    {
        None,
        Leave,
        State,
        Weight,
        Share,
        Idle,
        Response,
        Wait,
    }

    internal sealed record ServerCase(int Weight, int Limit, int Upper);

    /// <summary>What happens before the next pick, to which server, and the pick's key.</summary>
    internal sealed record Change(ChangeKind Kind, int Server, int Value, int Key, ulong Tried);

    internal sealed record Scenario(ServerCase[] Servers, Change[] Changes)
    {
        public override string ToString() => string.Join(' ', (object[])Servers) + "\n" + string.Join('\n', (object[])Changes);
    }

    /// <summary>A pool under a scenario.</summary>
    private sealed class Run
    {
        private readonly int _count;
        private Instant _now = new(1);

        public Run(Scenario scenario)
        {
            _count = scenario.Servers.Length;
            Pool = new TestPool(scenario.Servers.Select((s, i) =>
                new ServerEntry(i, TestPool.Name(i, _count), s.Weight, MaxConnections: s.Limit, UpperThreshold: s.Upper)).ToImmutableArray());
            for (int i = 0; i < _count; i++) Pool.Loads.SetThresholds(i, scenario.Servers[i].Upper, 0);
        }

        public TestPool Pool { get; }

        public void Apply(Change change)
        {
            int server = change.Server % _count;
            Availability word = Pool.Availability[server];
            switch (change.Kind)
            {
                case ChangeKind.Leave:
                    if (Pool.Loads[server].InFlight > 0) Pool.Loads.Leave(server);
                    break;
                case ChangeKind.State:
                    Pool.Set(server, new Availability((ServerState)(change.Value % 5), word.Weight, word.Share));
                    break;
                case ChangeKind.Weight: Pool.Set(server, new Availability(word.State, change.Value % 9, word.Share)); break;
                case ChangeKind.Share: Pool.Set(server, new Availability(ServerState.Up, word.Weight, change.Value % 257)); break;
                case ChangeKind.Idle: Pool.Loads[server].Idle = change.Value; break;
                case ChangeKind.Response:
                    Pool.Loads.OnResponse(server, TimeSpan.FromMilliseconds(change.Value), _now);
                    break;
                case ChangeKind.Wait: _now += TimeSpan.FromMinutes(change.Value * 2); break;
            }
        }

        public PickKey Key(Change change) => TestPool.Key(change.Key) with { Now = _now, Tried = change.Tried };

        public void Enter(int picked)
        {
            if (picked >= 0) Assert.True(Pool.Loads.TryEnter(picked, Pool.Servers[picked].MaxConnections));
        }

        public List<TwinServer> Seen(PickKey key) => [.. Enumerable.Range(0, _count).Select(i => Seen(i, key))];

        private TwinServer Seen(int i, PickKey key)
        {
            ServerEntry entry = Pool.Servers[i];
            Availability word = Pool.Availability[i];
            ServerLoad load = Pool.Loads[i];
            bool room = load.Overloaded == 0 && (entry.MaxConnections == 0 || load.InFlight < entry.MaxConnections) && !key.HasTried(i);
            return new TwinServer(
                i, entry.Name, word.Weight, word.State == ServerState.Up ? word.Weight * word.Share : 0, room, load.InFlight, load.Idle,
                Pool.Loads.ResponseTime(i, _now));
        }
    }
}

using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Mainstay.Core;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;

namespace Mainstay.Bench.Picks;

/// <summary>
/// What one pick costs, for every algorithm, through the same <see cref="PoolBalancer"/> the data planes use. The servers carry
/// work that changes from pick to pick (a picked server is entered, one entered 64 picks before is left), keys differ every
/// time.
/// </summary>
internal static class Program
{
    private const int Rounds = 9;
    private const int InFlight = 64;

    // CPU of one proxied request on the machine of reference; --request NS gives your own.
    private const double DefaultRequest = 15_000;

    private static int Main(string[] arguments)
    {
        double request = DefaultRequest;
        if (arguments is ["--request", var text])
            request = double.Parse(text, CultureInfo.InvariantCulture);
        else if (arguments.Length > 0)
        {
            Console.Error.WriteLine("usage: picks.sh [--request NANOSECONDS]");
            return 2;
        }

        Console.WriteLine($"{"algorithm",-26} {"servers",7} {"ns/pick",9} {"of a request",13}");
        double worst = 0;
        foreach (Algorithm algorithm in Enum.GetValues<Algorithm>())
        {
            worst = Math.Max(worst, Report(algorithm, 16, request));
            if (algorithm is Algorithm.Maglev or Algorithm.Hash) worst = Math.Max(worst, Report(algorithm, 1000, request));
        }

        foreach (int servers in (int[])[16, 1000])
        {
            Console.WriteLine(FormattableString.Invariant(
                $"control side: a server of {servers} down and up again costs an mh table {MeasureRebuild(servers):F1} ms each"));
        }

        Console.WriteLine(FormattableString.Invariant(
            $"most expensive: {worst * 100:F2} % of a request of {request:F0} ns (budget 2 %)"));
        return 0;
    }

    private static double Report(Algorithm algorithm, int servers, double request)
    {
        double nanoseconds = Measure(algorithm, servers);
        double share = nanoseconds / request;
        Console.WriteLine(FormattableString.Invariant($"{algorithm,-26} {servers,7} {nanoseconds,9:F1} {share * 100,11:F2} %"));
        return share;
    }

    /// <summary>
    /// CPU nanoseconds of pick, enter and leave, as a request pays for it, with the response time taken in: the median of several
    /// rounds.
    /// </summary>
    private static double Measure(Algorithm algorithm, int servers)
    {
        PoolBalancer balancer = Create(algorithm, servers);
        const int warmUp = 200_000;
        Run(balancer, warmUp);
        Run(balancer, warmUp);
        int picks = 1_000_000;
        double[] rounds = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            TimeSpan start = Environment.CpuUsage.TotalTime;
            Run(balancer, picks);
            rounds[i] = (Environment.CpuUsage.TotalTime - start).TotalNanoseconds / picks;
        }

        Array.Sort(rounds);
        return rounds[Rounds / 2];
    }

    private static double MeasureRebuild(int servers)
    {
        PoolBalancer balancer = Create(Algorithm.Maglev, servers);
        AvailabilityTable availability = balancer.Servers.Availability;
        double[] rounds = new double[Rounds * 2];
        for (int i = 0; i < rounds.Length; i++)
        {
            availability[0] = new Availability(i % 2 == 0 ? ServerState.Down : ServerState.Up, 10);
            long start = Stopwatch.GetTimestamp();
            availability.Publish(0, PoolTier.Primary);
            rounds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(rounds);
        return rounds[Rounds];
    }

    private static PoolBalancer Create(Algorithm algorithm, int count)
    {
        var availability = new AvailabilityTable(count, 1);
        var servers = ImmutableArray.CreateBuilder<ServerEntry>(count);
        for (int i = 0; i < count; i++)
        {
            int weight = 1 + i % 4;
            servers.Add(new ServerEntry(i, $"server-{i}", weight * 10, MaxConnections: 1000, UpperThreshold: 900));
            availability[i] = new Availability(ServerState.Up, weight * 10);
        }

        availability.Publish(0, PoolTier.Primary);
        var set = new ServerSet(servers.MoveToImmutable(), availability, new LoadTable(count), 0);
        return PoolBalancer.CreateAll(new BalanceSnapshot(algorithm), set, shardCount: 1, seed: 1)[0];
    }

    private static void Run(PoolBalancer balancer, int picks)
    {
        Span<int> entered = stackalloc int[InFlight];
        entered.Fill(Scheduler.None);
        var now = new Instant(1_000_000_000);
        for (int i = 0; i < picks; i++)
        {
            ref int oldest = ref entered[i % InFlight];
            if (oldest >= 0)
            {
                balancer.Servers.Loads.OnResponse(oldest, TimeSpan.FromTicks(10_000 + oldest), now);
                balancer.Leave(oldest);
            }

            ulong hash = StableHash.Mix((ulong)i);
            // 4,096 destinations: what a locality map is for.
            var key = new PickKey { Hash = hash, Destination = StableHash.Mix(hash & 4095), Now = now };
            oldest = balancer.Pick(key);
            if (oldest >= 0 && !balancer.TryEnter(oldest)) oldest = Scheduler.None;
            now += TimeSpan.FromTicks(100);
        }

        foreach (int index in entered)
            if (index >= 0) balancer.Leave(index);
    }
}

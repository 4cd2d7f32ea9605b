using System.Diagnostics;
using Mainstay.Core.Config;
using Mainstay.Engine.Tests.Http.Bench;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Tests.Http;

/// <summary>Run alone: they look at what belongs to the whole process.</summary>
[CollectionDefinition(nameof(ResourceTests), DisableParallelization = true)]
public sealed class ResourceCollection;

/// <summary>Descriptors, buffers and garbage over many connections and requests. MAINSTAY_LONG_TESTS=1 churns 100,000 connections.</summary>
[Collection(nameof(ResourceTests))]
public sealed class ResourceTests
{
    private const string Get = "GET /some/path?with=query HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: test\r\nAccept: */*\r\nCookie: a=b\r\n\r\n";

    private static readonly int s_connections = Environment.GetEnvironmentVariable("MAINSTAY_LONG_TESTS") == "1" ? 100_000 : 20_000;

    [Fact]
    public async Task Churn_LeaksNoDescriptorAndNoMemory()
    {
        using ScriptedServer server = ScriptedServer.Saying("hello");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address), shards: 2);
        Churn(bench, 1000);
        int descriptors = Descriptors();
        long memory = ResidentKilobytes();
        Churn(bench, s_connections);
        ProxyBench.Until(() => bench.Plane.Http.All(http => http.Open == 0), "clients are left");
        ProxyBench.Until(() => Descriptors() <= descriptors + 8, $"{descriptors} descriptors before, {Descriptors()} after");
        for (int shard = 0; shard < 2; shard++) Assert.Equal(0, bench.OnShard(http => http.Blocks.BytesRented, shard));
        Assert.Equal(0, bench.LoadOf(server.Address).InFlight);
        Assert.InRange(ResidentKilobytes() - memory, long.MinValue, 64 * 1024);
    }

    [Theory]
    [InlineData(AccessLogFormat.Json, true)]
    [InlineData(AccessLogFormat.Json, false)]
    [InlineData(AccessLogFormat.Combined, true)]
    public async Task WarmRequests_AllocateNothingOnTheShard(AccessLogFormat format, bool keepAlive)
    {
        using ScriptedServer server = ScriptedServer.Saying(new string('x', 1024));
        Snapshot snapshot = BenchConfig.Of(server.Address) with { AccessLog = new AccessLogSnapshot(format, "/dev/null") };
        if (!keepAlive) snapshot = snapshot.WithUpstream(upstream => upstream with { KeepAlive = TimeSpan.Zero });
        await using ProxyBench bench = await ProxyBench.StartAsync(snapshot);
        Run(bench, 500, keepAlive);
        AssertFreeOfGarbage(bench, () => Run(bench, keepAlive ? 10_000 : 2_000, keepAlive));
    }

    [Fact]
    public async Task OtherWarmExchanges_AllocateNothingOnTheShard()
    {
        using ScriptedServer server = ScriptedServer.Answering(
            _ => "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
        Snapshot snapshot = BenchConfig.Of(
            BenchConfig.Pool(server.Address),
            BenchConfig.Service(
                BenchConfig.Route(new RouteAction.Respond(200, "fixed", "text/plain"), Path(PatternKind.Exact, "/fixed")),
                BenchConfig.Route(new RouteAction.Redirect(302, "https://{host}{uri}"), Path(PatternKind.Regex, "^/r[0-9]+$")),
                BenchConfig.Route(new RouteAction.ToPool("app"))));
        await using ProxyBench bench = await ProxyBench.StartAsync(snapshot);
        Run(200);
        AssertFreeOfGarbage(bench, () => Run(1000));

        RouteMatch Path(PatternKind kind, string text) => new() { Path = [new PathPattern(kind, text)] };

        void Run(int count)
        {
            using RawPeer client = bench.Connect();
            for (int i = 0; i < count; i++)
            {
                client.Send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
                    + "GET /fixed HTTP/1.1\r\nHost: a\r\n\r\nGET /r42 HTTP/1.1\r\nHost: a\r\n\r\n");
                Assert.Equal(103, client.ReadResponse().Status);
                Assert.Equal("hello", client.ReadResponse().Text);
                Assert.Equal("fixed", client.ReadResponse().Text);
                Assert.Equal(302, client.ReadResponse().Status);
            }

            // Refused ones, each on a connection of its own.
            for (int i = 0; i < count / 10; i++) Assert.Equal(400, bench.Ask("GET / HTTP/1.1\r\nHost : a\r\n\r\n").Status);
        }
    }

    [Fact]
    public async Task DescriptorsRunOut_ClientsWaitInTheQueueAndAreServedLater()
    {
        using ScriptedServer server = ScriptedServer.Saying("hello");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        Assert.Equal("hello", bench.Get().Text);
        RawPeer[] clients;
        var taken = new List<int>();
        int limit = LowerDescriptorLimit(Descriptors() + 200);
        try
        {
            using (bench.Hold())
            {
                clients = [.. Enumerable.Range(0, 20).Select(_ => bench.Connect())];
                foreach (RawPeer client in clients) client.Send(Get);
                while (Descriptor.Duplicate(0) is >= 0 and var descriptor) taken.Add(descriptor);
            }

            ProxyBench.Until(() => bench.Plane.Http[0].Counters.AcceptFailures > 0, "accepting did not fail");
        }
        finally
        {
            foreach (int descriptor in taken) Descriptor.Close(descriptor);
            LowerDescriptorLimit(limit);
        }

        foreach (RawPeer client in clients)
        {
            Assert.Equal("hello", client.ReadResponse().Text);
            client.Dispose();
        }
    }

    [Fact]
    public void DescriptorsRunOut_MessageWithDescriptors_ArrivesWithoutThem()
    {
        Assert.Equal(Errno.None, DescriptorSocket.TryCreatePair(out int first, out int second));
        (int read, int write) = Files.CreatePipe();
        Assert.Equal(3, DescriptorSocket.Send(first, "abc"u8, [write, write, write]));
        Descriptor.Close(write);
        var taken = new List<int>();
        byte[] buffer = new byte[16];
        int[] received = new int[4];
        int limit = LowerDescriptorLimit(Descriptors() + 200);
        try
        {
            while (Descriptor.Duplicate(0) is >= 0 and var descriptor) taken.Add(descriptor);
            // Room for one of the three.
            Descriptor.Close(taken[^1]);
            taken.RemoveAt(taken.Count - 1);

            Assert.Equal(3, DescriptorSocket.Receive(second, buffer, received, out int count));

            Assert.Equal(DescriptorSocket.Lost, count);
            Assert.Equal(Errno.EMFILE, DescriptorSocket.TryCreatePair(out _, out _));
        }
        finally
        {
            foreach (int descriptor in taken) Descriptor.Close(descriptor);
            LowerDescriptorLimit(limit);
        }

        // The one that fitted is closed too: the pipe has no writer.
        Assert.Equal(0, Descriptor.Read(read, buffer));
        foreach (int descriptor in new[] { first, second, read }) Descriptor.Close(descriptor);
    }

    [Fact]
    public async Task ConnectionLimit_HoldsOverShardsAndOthersWaitTheirTurn()
    {
        using ScriptedServer server = ScriptedServer.Saying("hello");
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address), shards: 2, maxConnections: 4);
        List<RawPeer> clients = [.. Enumerable.Range(0, 20).Select(_ => bench.Connect())];
        foreach (RawPeer client in clients) client.Send(Get);
        ProxyBench.Until(() => bench.Plane.Http.Sum(http => http.Counters.AcceptPauses) > 0, "accepting did not pause");
        while (clients.Count > 0)
        {
            // However the kernel spread them: four are served whatever shard they are on.
            ProxyBench.Until(() => clients.Count(client => client.Socket.Available > 0) >= Math.Min(4, clients.Count), "places stay free");
            RawPeer[] served = [.. clients.Where(client => client.Socket.Available > 0)];
            Assert.InRange(bench.Plane.Http.Sum(http => http.Open), served.Length, 4);
            foreach (RawPeer client in served)
            {
                Assert.Equal("hello", client.ReadResponse().Text);
                client.Dispose();
                clients.Remove(client);
            }
        }
    }

    /// <summary>
    /// One round of requests allocates nothing on the shard's thread. The log takes another chunk when its writer comes late, which is no
    /// garbage of requests: what those leave is in every round.
    /// </summary>
    private static void AssertFreeOfGarbage(ProxyBench bench, Action round)
    {
        long least = long.MaxValue;
        for (int rounds = 0; rounds < 5 && least > 0; rounds++)
        {
            long before = bench.OnShard(_ => GC.GetAllocatedBytesForCurrentThread());
            round();
            least = Math.Min(least, bench.OnShard(_ => GC.GetAllocatedBytesForCurrentThread()) - before);
        }

        Assert.Equal(0, least);
    }

    private static void Run(ProxyBench bench, int requests, bool keepAlive)
    {
        using RawPeer client = bench.Connect();
        for (int i = 0; i < requests; i++)
        {
            if (keepAlive)
            {
                client.Send(Get);
                Assert.Equal(1024, client.ReadResponse().Body.Length);
            }
            else
            {
                Assert.Equal(1024, bench.Get().Body.Length);
            }
        }
    }

    /// <summary>Every way a connection can end: by the client, by us, with a reset, in the middle of a head, in the middle of a body.</summary>
    private static void Churn(ProxyBench bench, int connections) => Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, worker =>
    {
        for (int i = worker; i < connections; i += 4)
        {
            using RawPeer client = bench.Connect();
            switch (i / 4 % 8)
            {
                case 0:
                    Assert.Equal("hello", Ask(client, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
                    break;
                case 1:
                    client.Send("GET / HT");
                    break;
                case 2:
                    client.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf");
                    break;
                case 3:
                    client.Send(Get);
                    break;
                case 4:
                    break;
                default:
                    Assert.Equal("hello", Ask(client, Get));
                    break;
            }

            if (i / 4 % 3 > 0) client.Reset();
        }
    });

    private static string Ask(RawPeer client, string request)
    {
        client.Send(request);
        return client.ReadResponse().Text;
    }

    private static int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    private static long ResidentKilobytes()
    {
        GC.Collect();
        string line = File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
    }

    /// <summary>Sets the soft limit of this process; returns what it was.</summary>
    private static int LowerDescriptorLimit(int limit)
    {
        (ulong soft, ulong hard) = ResourceLimits.Descriptors;
        using var process = Process.Start("prlimit", ["--pid", Environment.ProcessId.ToString(), $"--nofile={limit}:{hard}"]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return (int)soft;
    }
}

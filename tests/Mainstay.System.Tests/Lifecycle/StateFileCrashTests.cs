using System.Diagnostics;
using System.Globalization;
using Mainstay.Core.Balancing;
using Mainstay.Core.Health;
using Mainstay.Engine.Probing;

namespace Mainstay.System.Tests.Lifecycle;

/// <summary>The state file and processes that are killed while they write it.</summary>
public sealed class StateFileCrashTests : IDisposable
{
    private const int Kills = 40;

    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void WriterKilledAtAnyMoment_FileIsWholeEveryTime()
    {
        var store = new HealthStateStore(_directory);
        var random = new Random(1);
        long last = 0;
        for (int kill = 0; kill < Kills; kill++)
        {
            using Process writer = Process.Start(Environment.ProcessPath ?? "", ["write-state", _directory, $"{last}"]);
            // Until it has written once more, then at any moment of the next ones.
            while (Last(store) <= last) Assert.False(writer.HasExited, "the writer ended by itself");
            Thread.SpinWait(random.Next(2_000_000));
            writer.Kill();
            writer.WaitForExit();

            long now = Last(store);
            Assert.True(now > last, $"after kill {kill} the file says {now}, before it {last}");
            last = now;
        }
    }

    /// <summary>What the killed process does: writes numbered states, large enough to take a while, until it dies.</summary>
    public static int Write(string directory, long number)
    {
        var store = new HealthStateStore(directory);
        while (true)
        {
            number++;
            var known = new LastKnown(ServerState.Unknown, "", ServerOrder.Drain, $"{number} " + new string('x', 100));
            string? error = store.Save([.. Enumerable.Range(0, 500).Select(i => new KeptServer("pool", $"server-{i}", known))], DateTimeOffset.UtcNow);
            if (error is not null) return 1;
        }
    }

    /// <summary>The number of the state in the file, which all its servers have; 0 before the first.</summary>
    private static long Last(HealthStateStore store)
    {
        IReadOnlyList<KeptServer> servers = store.Load(DateTimeOffset.UtcNow, out string note);
        Assert.Equal("", note);
        if (servers.Count == 0) return 0;
        Assert.Equal(500, servers.Count);
        return long.Parse(Assert.Single(servers.Select(server => server.Known.OrderReason.Split(' ')[0]).Distinct()), CultureInfo.InvariantCulture);
    }
}

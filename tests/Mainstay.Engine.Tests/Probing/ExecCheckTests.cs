using System.Globalization;
using Mainstay.Core.Balancing;
using Mainstay.Core.Config;
using Mainstay.Core.Health;
using Mainstay.Engine.Probing;

namespace Mainstay.Engine.Tests.Probing;

public sealed class ExecCheckTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mainstay-exec").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("exit 0", ServerState.Up, "exit code 0")]
    [InlineData("echo fine; exit 0", ServerState.Up, "exit code 0: \"fine\"")]
    [InlineData("echo replica lags >&2; exit 3", ServerState.Down, "exit code 3: \"replica lags\"")]
    [InlineData("kill -9 $$", ServerState.Down, "signal 9")]
    public async Task Exec_ExitCodeAndFirstLine_AreTheResult(string script, ServerState state, string text)
    {
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(Shell(script), ProberBench.Loopback(8080));
        Assert.Equal((state, text), (health.State, health.LastCheck));
    }

    [Fact]
    public async Task Exec_KnowsTheServerItIsAbout()
    {
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(
            Shell("echo $MAINSTAY_POOL $MAINSTAY_SERVER $MAINSTAY_ADDRESS $MAINSTAY_PORT"), ProberBench.Loopback(8080));
        Assert.Equal("exit code 0: \"app s1 127.0.0.1 8080\"", health.LastCheck);
    }

    [Fact]
    public async Task Exec_ThatDoesNotExist_IsNoEvidence()
    {
        using var bench = new ProberBench();
        ServerHealth health = await bench.CheckOnceAsync(
            ProberBench.Of(CheckKind.Exec) with { Command = ["/no/such/program"] }, ProberBench.Loopback(8080));
        Assert.Equal((ServerState.Unknown, CheckCause.Unable), (health.State, health.LastCause));
        Assert.Contains("no such file or directory", health.LastCheck, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Exec_BeyondItsTime_IsKilledWithItsGrandchildren()
    {
        string pids = Path.Combine(_folder, "pids");
        using var bench = new ProberBench();
        string script = $"sh -c 'sleep 1000 & echo $! >> {pids}; wait' & echo $! >> {pids}; echo $$ >> {pids}; echo working; wait";
        CheckSnapshot check = Shell(script) with { Timeout = TimeSpan.FromSeconds(1), Interval = TimeSpan.FromMinutes(10) };
        ServerHealth health = await bench.CheckOnceAsync(check, ProberBench.Loopback(8080));
        Assert.Equal((ServerState.Down, "timeout after 1s: /bin/sh killed; it said \"working\""), (health.State, health.LastCheck));
        int[] started = [.. File.ReadAllLines(pids).Select(line => int.Parse(line, CultureInfo.InvariantCulture))];
        Assert.Equal(3, started.Length);
        await ProberBench.UntilAsync(() => !started.Any(IsRunning), $"still running: {string.Join(", ", started.Where(IsRunning))}");
    }

    [Fact]
    public async Task Exec_ChildrenLeftBehindByAGoodEnd_AreKilledToo()
    {
        string pids = Path.Combine(_folder, "pids");
        using var bench = new ProberBench();
        CheckSnapshot check = Shell($"sleep 1000 & echo $! > {pids}; exit 0") with { Interval = TimeSpan.FromMinutes(10) };
        ServerHealth health = await bench.CheckOnceAsync(check, ProberBench.Loopback(8080));
        Assert.Equal(ServerState.Up, health.State);
        int left = int.Parse(File.ReadAllText(pids), CultureInfo.InvariantCulture);
        await ProberBench.UntilAsync(() => !IsRunning(left), "the child that was left behind is still running");
    }

    [Fact]
    public async Task Exec_ThatWritesWithoutEnd_IsBounded()
    {
        using var bench = new ProberBench();
        CheckSnapshot check = Shell("while :; do echo yes; done") with { Timeout = TimeSpan.FromMilliseconds(600), Interval = TimeSpan.FromMinutes(10) };
        ServerHealth health = await bench.CheckOnceAsync(check, ProberBench.Loopback(8080));
        Assert.Equal("timeout after 600ms: /bin/sh killed; it said \"yes\"", health.LastCheck);
    }

    private static CheckSnapshot Shell(string script) => ProberBench.Of(CheckKind.Exec) with
    {
        Command = ["/bin/sh", "-c", script],
        Timeout = TimeSpan.FromSeconds(5),
    };

    /// <summary>A zombie that waits for its reaper (init, in a container perhaps nobody) has ended.</summary>
    private static bool IsRunning(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..][0] is not 'Z' and not 'X';
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}

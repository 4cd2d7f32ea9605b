using System.Net;
using System.Net.Sockets;
using Mainstay.Configuration;
using Mainstay.Core.Config;
using Mainstay.Demo;
using Mainstay.Linux.Processes;
using Mainstay.System.Tests.Daemon;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Demo;

public class DemoTests
{
    [Fact]
    public void Demo_ForTenSeconds_PlaysEverySceneAndLosesNothing()
    {
        using var demo = new DemoProcess("--for", "10s");

        int code = demo.WaitForExit();

        string output = demo.Output;
        Assert.True(code == 0, output);
        Assert.All(Script.Scenes, scene => Assert.Contains($"ok   {scene.Title}", output, StringComparison.Ordinal));
        Assert.Contains(" answered, 0 lost.", output, StringComparison.Ordinal);
        Assert.Contains("web1 is down after", output, StringComparison.Ordinal);
        Assert.Contains("web2 is down after", output, StringComparison.Ordinal);
        Assert.Contains("timeout after 250ms", output, StringComparison.Ordinal);
        Assert.Contains("web3 is down after", output, StringComparison.Ordinal);
        Assert.Contains("HTTP 500", output, StringComparison.Ordinal);
        Assert.Contains("web1 is draining", output, StringComparison.Ordinal);
        Assert.Contains($"in place of worker {demo.Worker}", output, StringComparison.Ordinal);
        Assert.False(RunningKeeper.IsRunning(demo.Keeper));
    }

    [Fact]
    public void Demo_PreferredPortTaken_TakesAnother_AndAnInterruptLeavesNothingRunning()
    {
        using var other = new TcpListener(IPAddress.Loopback, DemoConfiguration.PreferredPort);
        try
        {
            other.Start();
        }
        catch (SocketException)
        {
            // It is taken by somebody else: just as well.
        }

        using var demo = new DemoProcess();
        demo.WaitForOutput("web1 crashes");
        (int port, int keeper, int worker) = (demo.Port, demo.Keeper, demo.Worker);
        Assert.NotEqual(DemoConfiguration.PreferredPort, port);

        RunningKeeper.Signal(demo.Pid, 2 /* SIGINT */);

        Assert.Equal(0, demo.WaitForExit());
        Assert.Contains("ended before its script was", demo.Output, StringComparison.Ordinal);
        Assert.False(RunningKeeper.IsRunning(keeper));
        Assert.False(RunningKeeper.IsRunning(worker));
        using var again = new TcpListener(IPAddress.Loopback, port);
        again.Start();
    }

    [Fact]
    public void Demo_KilledWithoutWarning_ItsProcessesEndByThemselves()
    {
        using var demo = new DemoProcess("--for", "60s");
        demo.WaitForOutput("and worker ");
        (int keeper, int worker) = (demo.Keeper, demo.Worker);
        string configuration = File.ReadAllText($"/proc/{keeper}/cmdline").Split('\0').Single(argument => argument.EndsWith(".yaml"));

        RunningKeeper.Signal(demo.Pid, ChildProcess.SignalKill);

        demo.WaitFor(() => !RunningKeeper.IsRunning(keeper) && !RunningKeeper.IsRunning(worker), "keeper and worker to end");
        Directory.Delete(Path.GetDirectoryName(configuration) ?? "", recursive: true);
    }

    [Fact]
    public void PrintConfig_IsAcceptedByCheck_WithoutAWarning()
    {
        (int code, string yaml, _) = RunningDaemon.Run("demo", "--print-config");
        string file = Path.Combine(Directory.CreateTempSubdirectory("mainstay-").FullName, "my.yaml");
        File.WriteAllText(file, yaml);

        (int checkCode, string output, string error) = RunningDaemon.Run("check", "-c", file);

        Directory.Delete(Path.GetDirectoryName(file) ?? "", recursive: true);
        Assert.Equal((0, 0, ""), (code, checkCode, error));
        Assert.Contains("1 pool with 3 servers", output, StringComparison.Ordinal);
    }

    [Fact]
    public void PrintConfig_PoolsAndServices_AreThoseThatTheDemoRuns()
    {
        Snapshot printed = Compile(DemoConfiguration.ForPeople(8080, [8081, 8082, 8083]));
        Snapshot run = Compile(DemoConfiguration.ForDemo(8080, [8081, 8082, 8083], "/tmp/demo"));

        Snapshot sameProcess = printed with { Node = run.Node, Admin = run.Admin, Process = run.Process, AccessLog = run.AccessLog };
        Assert.Empty(SnapshotDiff.Compare(sameProcess, run));
    }

    [Fact]
    public void PrintConfig_ChecksAndTimes_AreWhatTheDetectionTimeIsReckonedWith()
    {
        CheckSnapshot check = Compile(DemoConfiguration.ForPeople(8080, [8081, 8082, 8083])).Pools[0].Check
            ?? throw new InvalidOperationException("no check");

        Assert.Equal(
            (Detection.Interval, Detection.FastInterval, Detection.Timeout, Detection.Rise, Detection.Fall),
            (check.Interval, check.FastInterval, check.Timeout, check.Rise, check.Fall));
    }

    [Theory]
    [InlineData("3s")]
    [InlineData("2h")]
    [InlineData("soon")]
    [InlineData("-10s")]
    public void Demo_ForALengthThatMakesNoSense_SaysWhatWouldBeRight(string length)
    {
        (int code, _, string error) = RunningDaemon.Run("demo", $"--for={length}");

        Assert.Equal(2, code);
        Assert.Contains("from 8s to 1h, such as 10s or 2m", error, StringComparison.Ordinal);
    }

    private static Snapshot Compile(string yaml) =>
        ConfigurationFile.Parse(global::System.Text.Encoding.UTF8.GetBytes(yaml), "demo.yaml", new ConfigEnvironment()).Snapshot
        ?? throw new InvalidOperationException("the demo's configuration is wrong");
}

using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Mainstay.Linux.Processes;

namespace Mainstay.System.Tests.Lifecycle;

public class StartAndStopTests
{
    [Fact]
    public void Start_ConfigurationWithErrors_TellsEachAndExitsWithOne()
    {
        using var keeper = new RunningKeeper();
        keeper.Configure("one", "error first mistake", "error second mistake");

        keeper.Start();

        Assert.Equal(1, keeper.WaitForExit());
        string[] lines = keeper.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Collection(
            lines,
            line => Assert.EndsWith("mainstay.conf: first mistake", line),
            line => Assert.EndsWith("mainstay.conf: second mistake", line));
        Assert.All(lines, line => Assert.StartsWith("mainstay: ", line));
    }

    [Fact]
    public void Start_NoConfigurationFile_SaysSoAndExitsWithOne()
    {
        using var keeper = new RunningKeeper();

        keeper.Start();

        Assert.Equal(1, keeper.WaitForExit());
        Assert.Contains("mainstay.conf: no such file or directory", keeper.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_PortTakenByAnotherProgram_SaysWhichAndExitsWithOne()
    {
        using var keeper = new RunningKeeper();
        keeper.Configure("one");
        using var other = new TcpListener(IPAddress.Loopback, keeper.Port);
        other.Start();

        keeper.Start();

        Assert.Equal(1, keeper.WaitForExit());
        Assert.Equal($"mainstay: cannot listen on 127.0.0.1:{keeper.Port}: address already in use (EADDRINUSE)\n", keeper.Output);
    }

    [Fact]
    public void Start_SecondInstanceOnTheSamePort_IsRefusedAlthoughSocketsAreShared()
    {
        using RunningKeeper first = RunningKeeper.StartAndServe();
        using var second = new RunningKeeper();
        second.Configure("two", $"listen 127.0.0.1:{first.Port}");

        second.Start();

        Assert.Equal(1, second.WaitForExit());
        Assert.Contains($"cannot listen on 127.0.0.1:{first.Port}: address already in use", second.Output, StringComparison.Ordinal);
        Assert.EndsWith(" one", first.TryAsk("who"));
    }

    [Fact]
    public void Start_SecondInstanceWithTheSameStateDirectory_IsRefused()
    {
        using RunningKeeper first = RunningKeeper.StartAndServe();
        using var second = new RunningKeeper { StateDirectory = first.Sub("state") };
        second.Configure("two");

        second.Start();

        Assert.Equal(1, second.WaitForExit());
        Assert.Contains("another instance uses", second.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Start_SocketFileLeftBehind_IsReplaced_AndOneInUseIsNot()
    {
        using var first = new RunningKeeper();
        string path = first.Sub("web.sock");
        using (var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            // Bound and gone without unlinking: what a killed instance leaves.
            left.Bind(new UnixDomainSocketEndPoint(path));
            File.Move(path, path + ".kept");
        }

        File.Move(path + ".kept", path);
        first.Configure("one", $"listen unix:{path}");
        first.Start();
        first.WaitUntilServing();
        using var second = new RunningKeeper();
        second.Configure("two", $"listen unix:{path}");

        second.Start();

        Assert.Equal(1, second.WaitForExit());
        Assert.Contains($"cannot listen on unix:{path}: address already in use", second.Output, StringComparison.Ordinal);
        first.Signal(ChildProcess.SignalTerminate);
        Assert.Equal(0, first.WaitForExit());
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void Start_UnixListener_IsForEveryoneWhateverTheUmask()
    {
        using var keeper = new RunningKeeper();
        string path = keeper.Sub("web.sock");
        keeper.Configure("one", $"listen unix:{path}");

        keeper.Start("/bin/sh", "-c", "umask 0077; exec \"$@\"", "sh");
        keeper.WaitUntilServing();

        Assert.Equal("rw-rw-rw-", Mode(path));
    }

    private static string Mode(string path)
    {
        var mode = File.GetUnixFileMode(path);
        return string.Concat(Enumerable.Range(0, 9).Select(bit => ((int)mode & (0x100 >> bit)) != 0 ? "rwxrwxrwx"[bit] : '-'));
    }

    [Fact]
    public void Terminate_WithWorkUnderWay_EndsItAndTakesNoNew()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        using var held = new EchoClient(keeper.Port);
        Assert.Equal("held", held.Ask("hold"));

        keeper.Signal(ChildProcess.SignalTerminate);

        keeper.WaitFor(() => keeper.TryAsk("who") is null, "the port to be closed");
        Assert.EndsWith(" one", held.Ask("finish"));
        Assert.Equal(0, keeper.WaitForExit());
    }

    [Fact]
    public void Terminate_WorkThatDoesNotEnd_IsCutAtTheDeadline()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe("one", "drain 300");
        int worker = keeper.WorkerPid();
        using var held = new EchoClient(keeper.Port);
        Assert.Equal("held", held.Ask("hold"));

        keeper.Signal(ChildProcess.SignalTerminate);

        Assert.Equal(0, keeper.WaitForExit());
        Assert.False(RunningKeeper.IsRunning(worker));
    }

    [Fact]
    public void Terminate_Twice_LeavesNow()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe("one", "drain 600000");
        using var held = new EchoClient(keeper.Port);
        Assert.Equal("held", held.Ask("hold"));
        keeper.Signal(ChildProcess.SignalTerminate);
        keeper.WaitForOutput("draining");

        keeper.Signal(ChildProcess.SignalTerminate);

        Assert.Equal(0, keeper.WaitForExit());
    }

    [Fact]
    public void Start_AsRoot_WorkerHasNoPrivilegesLeftInAnyThread()
    {
        Assert.SkipUnless(Credentials.IsRoot, "needs root: a worker that is started without it has no privileges to lose");
        using RunningKeeper keeper = RunningKeeper.StartAndServe();

        string[] threads = Directory.GetDirectories($"/proc/{keeper.WorkerPid()}/task");

        Assert.NotEmpty(threads);
        foreach (string thread in threads)
        {
            var status = File.ReadLines(Path.Combine(thread, "status")).Select(line => line.Split('\t')).ToDictionary(line => line[0], line => line[1..]);
            Assert.DoesNotContain("0", status["Uid:"]);
            Assert.DoesNotContain("0", status["Gid:"]);
            Assert.All(new[] { "CapInh:", "CapPrm:", "CapEff:", "CapAmb:" }, set => Assert.Equal("0000000000000000", status[set][0]));
            Assert.Equal("1", status["NoNewPrivs:"][0]);
        }
    }
}

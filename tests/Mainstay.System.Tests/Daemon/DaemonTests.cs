using Mainstay.Linux.Processes;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Daemon;

/// <summary>What the first user sees: two servers, one dies, nobody notices.</summary>
public class DaemonTests
{
    [Fact]
    public void Server_Dies_TheOtherAnswersEveryRequest()
    {
        using var daemon = new RunningDaemon();
        HashSet<string?> before = [.. Enumerable.Range(0, 20).Select(_ => daemon.TryGet())];
        Assert.Equal(["one", "two"], before.Order());

        daemon.One.Dispose();

        // From the first request on: a connection that is refused is tried on the other server.
        Assert.All(Enumerable.Range(0, 50).Select(_ => daemon.TryGet()), answer => Assert.Equal("two", answer));
    }

    [Fact]
    public void Worker_Killed_NextRequestIsAnswered()
    {
        using var daemon = new RunningDaemon();
        int worker = daemon.WorkerPid();

        RunningKeeper.Signal(worker, ChildProcess.SignalKill);

        // It may reach the listening socket before the new worker does, and waits there.
        daemon.WaitFor(() => daemon.TryGet() is not null, "an answer");
        daemon.WaitFor(() => daemon.WorkerPid() != worker && daemon.TryGet() is not null, "the new worker");
    }

    [Fact]
    public void Worker_NobodyCanReadItsMemoryByADiagnosticsSocket()
    {
        using var daemon = new RunningDaemon();
        Assert.Empty(Directory.GetFiles(Path.GetTempPath(), $"dotnet-diagnostic-{daemon.WorkerPid()}-*"));
    }

    [Fact]
    public void Terminate_Idle_ExitsWithZero()
    {
        using var daemon = new RunningDaemon();

        RunningKeeper.Signal(daemon.Pid, ChildProcess.SignalTerminate);

        Assert.Equal(0, daemon.WaitForExit());
        Assert.False(File.Exists(daemon.AdminSocket));
    }
}

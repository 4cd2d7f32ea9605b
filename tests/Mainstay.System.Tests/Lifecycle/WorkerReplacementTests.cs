using Mainstay.Linux.Processes;

namespace Mainstay.System.Tests.Lifecycle;

public class WorkerReplacementTests
{
    [Fact]
    public void Worker_Killed_IsReplacedAndServesWhatWaitedInTheQueue()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int first = keeper.WorkerPid();
        // Stopped first, so that the connection is still in the listening socket's queue when the worker dies.
        RunningKeeper.Signal(first, RunningKeeper.Stop);
        using var queued = new EchoClient(keeper.Port);
        queued.Send("who");

        RunningKeeper.Signal(first, ChildProcess.SignalKill);

        string? answer = queued.Read();
        Assert.EndsWith(" one", answer);
        Assert.NotEqual(first, keeper.WorkerPid());
        keeper.WaitForOutput("ended unexpectedly (signal 9)");
    }

    [Fact]
    public void Worker_KilledAfterAnEditThatIsNotInForce_IsReplacedWithTheConfigurationInForce()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        keeper.Configure("two");
        keeper.Signal(RunningKeeper.Hangup);
        keeper.WaitFor(() => keeper.TryAsk("who") is { } answer && answer.EndsWith(" two", StringComparison.Ordinal), "the reload");
        keeper.Configure("three", "error a slip of the hand");
        keeper.Signal(RunningKeeper.Hangup);
        keeper.WaitForOutput("the configuration was not changed");
        int first = keeper.WorkerPid();

        RunningKeeper.Signal(first, ChildProcess.SignalKill);

        keeper.WaitFor(() => !RunningKeeper.IsRunning(first), "the worker's end");
        keeper.WaitUntilServing();
        Assert.EndsWith(" two", keeper.TryAsk("who"));
    }

    [Fact]
    public void Worker_ThatDiesAgainAndAgain_IsReplacedMoreSlowlyButAlways()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        for (int i = 0; i < 3; i++)
        {
            int pid = keeper.WorkerPid();
            keeper.TryAsk("die");
            keeper.WaitFor(() => !RunningKeeper.IsRunning(pid), "the worker's end");
            keeper.WaitUntilServing();
        }

        keeper.WaitForOutput("ended unexpectedly (exit code 9); its sockets are kept, a new one starts in 0.2 s");
    }

    [Fact]
    public void Worker_Stopped_IsKilledAndReplaced()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int first = keeper.WorkerPid();

        RunningKeeper.Signal(first, RunningKeeper.Stop);

        keeper.WaitFor(() => !RunningKeeper.IsRunning(first), "the stopped worker's end");
        keeper.WaitUntilServing();
        Assert.NotEqual(first, keeper.WorkerPid());
        keeper.WaitForOutput("has stalled");
    }

    [Fact]
    public void Worker_WithAPlaneThatHangs_IsKilledAndReplaced()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int first = keeper.WorkerPid();

        Assert.Equal("stalled", keeper.TryAsk("stall"));

        keeper.WaitFor(() => !RunningKeeper.IsRunning(first), "the hanging worker's end");
        keeper.WaitUntilServing();
    }

    [Fact]
    public void Keeper_Killed_WorkerEndsItsWorkAndLeavesThePort()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int worker = keeper.WorkerPid();
        using var held = new EchoClient(keeper.Port);
        Assert.Equal("held", held.Ask("hold"));

        keeper.Signal(ChildProcess.SignalKill);

        keeper.WaitFor(() => keeper.TryAsk("who") is null, "the port to be free");
        Assert.Equal($"{worker} one", held.Ask("finish"));
        keeper.WaitFor(() => !RunningKeeper.IsRunning(worker), "the worker to leave");
    }

    [Fact]
    public void Upgrade_NewWorkerServes_OldOneEndsItsWork()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int first = keeper.WorkerPid();
        using var held = new EchoClient(keeper.Port);
        Assert.Equal("held", held.Ask("hold"));

        keeper.Signal(RunningKeeper.UserSignal2);

        keeper.WaitForOutput("draining");
        keeper.WaitFor(() => keeper.WorkerPid() != first, "the new worker to serve alone");
        Assert.Equal($"{first} one", held.Ask("finish"));
        keeper.WaitFor(() => !RunningKeeper.IsRunning(first), "the old worker to leave");
    }

    [Fact]
    public void Upgrade_ToAWorkerThatCannotStart_LeavesTheOldOneServing()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int first = keeper.WorkerPid();
        keeper.Configure("two", "error this is wrong");

        keeper.Signal(RunningKeeper.UserSignal2);

        keeper.WaitForOutput("the old one goes on");
        Assert.Equal($"{first} one", keeper.TryAsk("who"));
    }
}

using System.Net;
using System.Net.Sockets;

namespace Mainstay.System.Tests.Lifecycle;

public class ReloadTests
{
    [Fact]
    public void Reload_ChangedConfiguration_SameWorkerFollowsAndKeepsItsConnections()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int worker = keeper.WorkerPid();
        using var held = new EchoClient(keeper.Port);
        Assert.Equal("held", held.Ask("hold"));
        keeper.Configure("two");

        keeper.Signal(RunningKeeper.Hangup);

        keeper.WaitFor(() => keeper.TryAsk("who") == $"{worker} two", "the new answer");
        Assert.Equal($"{worker} two", held.Ask("finish"));
    }

    [Fact]
    public void Reload_ListenersAddedAndDropped_AreOpenedAndClosed()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int added = RunningKeeper.FreePort();
        keeper.Configure("two", $"listen 127.0.0.1:{added}");
        keeper.Signal(RunningKeeper.Hangup);
        keeper.WaitFor(() => keeper.TryAsk("who", added) is not null, "the added listener");

        keeper.Configure("three");
        keeper.Signal(RunningKeeper.Hangup);

        keeper.WaitFor(() => keeper.TryAsk("who", added) is null, "the dropped listener to be closed");
        keeper.WaitFor(() => CanListen(added), "the keeper to let the port go");
        Assert.EndsWith(" three", keeper.TryAsk("who"));
    }

    [Fact]
    public void Reload_StartedByNohup_IsDoneAllTheSame()
    {
        using var keeper = new RunningKeeper();
        keeper.Configure("one");
        keeper.Start("nohup");
        keeper.WaitUntilServing();
        keeper.Configure("two");

        keeper.Signal(RunningKeeper.Hangup);

        keeper.WaitFor(() => keeper.TryAsk("who")?.EndsWith(" two", StringComparison.Ordinal) == true, "the new answer");
    }

    [Fact]
    public void Reload_WithErrors_LeavesTheOldConfigurationInForce()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        keeper.Configure("two", "error not like this");

        keeper.Signal(RunningKeeper.Hangup);

        keeper.WaitForOutput("not like this");
        keeper.WaitForOutput("the configuration was not changed");
        Assert.EndsWith(" one", keeper.TryAsk("who"));
    }

    [Fact]
    public void Reload_PortTaken_LetsGoOfWhatWasOpenedForIt()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int taken = ((IPEndPoint)other.LocalEndpoint).Port, free = RunningKeeper.FreePort();
        keeper.Configure("two", $"listen 127.0.0.1:{free}", $"listen 127.0.0.1:{taken}");

        keeper.Signal(RunningKeeper.Hangup);

        keeper.WaitForOutput($"cannot listen on 127.0.0.1:{taken}");
        keeper.WaitFor(() => CanListen(free), "the keeper to let the port go");
        Assert.EndsWith(" one", keeper.TryAsk("who"));
    }

    [Fact]
    public void Reload_FileIsGone_IsReportedAndChangesNothing()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        File.Delete(keeper.Sub("mainstay.conf"));

        keeper.Signal(RunningKeeper.Hangup);

        keeper.WaitForOutput("cannot read the configuration");
        Assert.EndsWith(" one", keeper.TryAsk("who"));
    }

    private static bool CanListen(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}

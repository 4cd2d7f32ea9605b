using System.Diagnostics;
using System.Globalization;
using Mainstay.Linux.Processes;

namespace Mainstay.System.Tests.Lifecycle;

/// <summary>Keeper or worker may have no more descriptors: nothing that runs ends for it, and it passes.</summary>
public class DescriptorLimitTests
{
    [Fact]
    public void WorkerHasNone_ReloadWithAListenerMore_IsRefusedAndLaterTaken()
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int worker = keeper.WorkerPid();
        int port = RunningKeeper.FreePort();
        keeper.Configure("two", $"listen 127.0.0.1:{port}");

        Limit(worker, WithSoManyFree(worker, 0));
        keeper.Signal(RunningKeeper.Hangup);

        keeper.WaitForOutput("this process has no descriptors left (EMFILE)");
        keeper.WaitForOutput("the configuration was not changed");
        Limit(worker, 1000);
        Assert.Equal($"{worker} one", keeper.TryAsk("who"));
        keeper.Signal(RunningKeeper.Hangup);
        keeper.WaitFor(() => keeper.TryAsk("who", port) == $"{worker} two", "the listener of the second reload");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void KeeperHasFew_WorkerDies_IsReplacedAsSoonAsThereAreEnough(int left)
    {
        using RunningKeeper keeper = RunningKeeper.StartAndServe();
        int worker = keeper.WorkerPid();

        Limit(keeper.Pid, WithSoManyFree(keeper.Pid, left));
        RunningKeeper.Signal(worker, ChildProcess.SignalKill);

        // What is missing, if anything: the link's two ends, a copy for the child, the child's pidfd.
        bool Failed() => keeper.Output.Contains("cannot start a worker", StringComparison.Ordinal);
        keeper.WaitFor(() => Failed() || (left > 0 && keeper.Output.Split("serves").Length > 2), "the attempt to start a worker");
        Limit(keeper.Pid, 1000);
        keeper.WaitFor(() => keeper.TryAsk("who") is { } answer && !answer.StartsWith($"{worker} ", StringComparison.Ordinal), "the new worker");
    }

    private static string IdOf(int pid, string kind) =>
        File.ReadLines($"/proc/{pid}/status").First(line => line.StartsWith(kind, StringComparison.Ordinal)).Split('\t')[1];

    /// <summary>A limit below which so many numbers are free.</summary>
    private static int WithSoManyFree(int pid, int free)
    {
        HashSet<int> used = [.. Directory.GetFiles($"/proc/{pid}/fd").Select(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))];
        int limit = 3;
        for (; free > 0; limit++)
            if (!used.Contains(limit)) free--;
        return limit;
    }

    /// <summary>Of a process of this user or, when this one is root, of the user that workers become.</summary>
    private static void Limit(int pid, int descriptors)
    {
        string[] prlimit = ["prlimit", "--pid", $"{pid}", $"--nofile={descriptors}:"];
        (string user, string group) = (IdOf(pid, "Uid:"), IdOf(pid, "Gid:"));
        string[] command = user == $"{Credentials.EffectiveUser}"
            ? prlimit
            : ["setpriv", $"--reuid={user}", $"--regid={group}", "--clear-groups", .. prlimit];
        using Process process = Process.Start(command[0], command[1..]);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}

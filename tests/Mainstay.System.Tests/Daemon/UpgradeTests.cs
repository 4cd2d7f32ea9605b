using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Mainstay.Linux.Processes;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Daemon;

/// <summary>An upgrade with work under way: whom the admin socket belongs to, and what becomes of an operator's orders.</summary>
public sealed class UpgradeTests
{
    [Fact]
    public async Task Upgrade_FirstWorkerStillDrains_TheAdminSocketIsTheSecondOnes()
    {
        using var daemon = new RunningDaemon();
        int first = StatusPid(daemon);
        using var kept = new KeptAdminConnection(daemon.AdminPort);
        Assert.Contains($"\"workerPid\":{first}", kept.GetStatus(), StringComparison.Ordinal);
        daemon.One.Hold();
        daemon.Two.Hold();
        Task<string?> held = Task.Run(daemon.TryGet, TestContext.Current.CancellationToken);
        daemon.WaitFor(() => daemon.One.IsHolding || daemon.Two.IsHolding, "the request to reach a server");

        RunningKeeper.Signal(daemon.Pid, RunningKeeper.UserSignal2);

        daemon.WaitFor(() => daemon.Output.Contains("draining:", StringComparison.Ordinal), "the first worker to drain");
        daemon.WaitFor(() => kept.IsClosed(), "the connection to the first worker's admin plane to end");
        int[] answered = [StatusPid(daemon), .. Enumerable.Range(0, 20).Select(_ => PidOverTcp(daemon))];
        (int code, _, _) = RunningDaemon.Run("pool", "drain", "app", "one", "--socket", daemon.AdminSocket);
        Assert.True(RunningKeeper.IsRunning(first), "the first worker left although a request was under way");
        Assert.Equal(0, code);
        Assert.DoesNotContain(first, answered);
        daemon.One.Go();
        daemon.Two.Go();
        Assert.NotNull(await held);
        daemon.WaitFor(() => !RunningKeeper.IsRunning(first), "the first worker to leave");
        Assert.Equal("draining", StateOf(daemon, "one"));
        RestartedWorkerKeepsIt(daemon);
    }

    [Fact]
    public void Upgrade_OrderWhileTheSecondWorkerStarts_IsGivenToThatOne()
    {
        using var daemon = new RunningDaemon();
        int first = StatusPid(daemon);
        // A server that hangs makes the first round of checks take its timeout.
        using var hung = new TcpListener(IPAddress.Loopback, 0);
        hung.Start();
        daemon.Configure($"# \n", $"- {{ name: hung, address: \"127.0.0.1:{((IPEndPoint)hung.LocalEndpoint).Port}\" }}");

        RunningKeeper.Signal(daemon.Pid, RunningKeeper.UserSignal2);
        daemon.WaitFor(() => daemon.Output.Contains("upgrade: starting", StringComparison.Ordinal), "the upgrade to begin");
        daemon.WaitFor(
            () => daemon.Admin(HttpMethod.Post, "/api/pools/app/servers/one/drain").Status == HttpStatusCode.ServiceUnavailable,
            "the first worker to take no orders");
        (int code, string output, _) = RunningDaemon.Run("pool", "drain", "app", "one", "--reason", "now", "--socket", daemon.AdminSocket);

        Assert.Equal((0, "app/one: draining\n"), (code, output));
        Assert.NotEqual(first, StatusPid(daemon));
        Assert.Equal("draining", StateOf(daemon, "one"));
    }

    [Fact]
    public void Upgrade_SecondWorkerFails_TheFirstTakesOrdersAgain()
    {
        using var daemon = new RunningDaemon();
        int first = StatusPid(daemon);
        daemon.Configure("nonsense: 1");

        RunningKeeper.Signal(daemon.Pid, RunningKeeper.UserSignal2);
        daemon.WaitFor(() => daemon.Output.Contains("the old one goes on", StringComparison.Ordinal), "the upgrade to fail");
        (int code, _, _) = RunningDaemon.Run("pool", "drain", "app", "one", "--socket", daemon.AdminSocket);

        Assert.Equal(0, code);
        Assert.Equal(first, StatusPid(daemon));
        daemon.Configure();
        RestartedWorkerKeepsIt(daemon);
    }

    /// <summary>The order is on the disk too, whoever wrote the state file last.</summary>
    private static void RestartedWorkerKeepsIt(RunningDaemon daemon)
    {
        int worker = StatusPid(daemon);
        RunningKeeper.Signal(worker, ChildProcess.SignalKill);
        daemon.WaitFor(() => !RunningKeeper.IsRunning(worker), "the worker's end");
        Assert.Equal("draining", StateOf(daemon, "one"));
    }

    private static int PidOverTcp(RunningDaemon daemon)
    {
        using JsonDocument report = JsonDocument.Parse(daemon.Admin(HttpMethod.Get, "/api/status", ("Connection", "close")).Body);
        return report.RootElement.GetProperty("workerPid").GetInt32();
    }

    private static int StatusPid(RunningDaemon daemon) => Status(daemon).RootElement.GetProperty("workerPid").GetInt32();

    private static string? StateOf(RunningDaemon daemon, string server) => Status(daemon).RootElement.GetProperty("pools")[0]
        .GetProperty("servers").EnumerateArray().First(row => row.GetProperty("name").GetString() == server).GetProperty("state").GetString();

    private static JsonDocument Status(RunningDaemon daemon)
    {
        (int code, string output, string error) = RunningDaemon.Run("status", "--json", "--socket", daemon.AdminSocket);
        Assert.True(code == 0, error);
        return JsonDocument.Parse(output);
    }

    /// <summary>A connection to the admin plane that stays open between requests, as a scraper's does.</summary>
    private sealed class KeptAdminConnection : IDisposable
    {
        private readonly TcpClient _client = new();

        public KeptAdminConnection(int port) => _client.Connect(IPAddress.Loopback, port);

        public string GetStatus()
        {
            _client.GetStream().Write("GET /api/status HTTP/1.1\r\nHost: localhost\r\n\r\n"u8);
            byte[] answer = new byte[64 * 1024];
            int length = 0;
            while (!answer.AsSpan(0, length).EndsWith("\r\n0\r\n\r\n"u8))
                length += _client.GetStream().Read(answer, length, answer.Length - length);
            return Encoding.UTF8.GetString(answer, 0, length);
        }

        public bool IsClosed() => _client.Client.Poll(0, SelectMode.SelectRead) && _client.Available == 0;

        public void Dispose() => _client.Dispose();
    }
}

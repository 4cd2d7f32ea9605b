using System.Diagnostics;
using Mainstay.Linux.Processes;
using Mainstay.System.Tests.Daemon;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Protection;

/// <summary>The real program under the tools that people attack it with, and the ones they use it with.</summary>
public class ProtectionTests
{
    [Fact]
    public void Bans_AddedByHand_HoldOverAWorkersDeathUntilRemoved()
    {
        using var daemon = new RunningDaemon();
        Assert.Equal("200", CurlFrom(daemon, "127.0.0.2"));
        (int code, string output, _) = RunningDaemon.Run("bans", "add", "127.0.0.0/29", "--for", "1h", "--reason", "a test", "--socket", daemon.AdminSocket);
        Assert.Equal((0, true), (code, output.StartsWith("127.0.0.0/29: banned until ", StringComparison.Ordinal)));
        Assert.Equal("000", CurlFrom(daemon, "127.0.0.2"));
        Assert.Equal("200", CurlFrom(daemon, "127.0.0.9"));

        int worker = daemon.WorkerPid();
        string state = Path.Combine(Path.GetDirectoryName(daemon.ConfigurationPath)!, "state", "bans");
        daemon.WaitFor(() => File.Exists(state) && File.ReadAllText(state).Contains("127.0.0.0/29"), "the state file");
        RunningKeeper.Signal(worker, ChildProcess.SignalKill);
        daemon.WaitFor(() => daemon.WorkerPid() != worker && CurlFrom(daemon, "127.0.0.9") == "200", "the new worker");
        Assert.Equal("000", CurlFrom(daemon, "127.0.0.2"));
        (code, output, _) = RunningDaemon.Run("bans", "list", "--json", "--socket", daemon.AdminSocket);
        Assert.Equal(0, code);
        Assert.Contains("\"range\":\"127.0.0.0/29\",\"action\":\"reset\"", output);

        Assert.Equal(1, RunningDaemon.Run("bans", "remove", "192.0.2.7", "--socket", daemon.AdminSocket).Code);
        Assert.Equal(0, RunningDaemon.Run("bans", "remove", "127.0.0.0/29", "--socket", daemon.AdminSocket).Code);
        Assert.Equal("200", CurlFrom(daemon, "127.0.0.2"));
        Assert.Equal(1, RunningDaemon.Run("bans", "add", "nonsense", "--socket", daemon.AdminSocket).Code);
    }

    /// <summary>Slow heads, slow bodies and slow readers, more than there are connections for one address.</summary>
    [Theory]
    [InlineData("-H")]
    [InlineData("-B")]
    [InlineData("-X")]
    public async Task Slowhttptest_AgainstLimits_OthersAreServedAndMemoryIsBounded(string attack)
    {
        using var daemon = new RunningDaemon();
        daemon.Configure("    timeouts: { head: 2s }\n    protect: { connections-per-address: 50, slow-clients: { send-rate: 1KiB, read-rate: 1KiB, grace: 1s } }");
        Assert.True(RunningDaemon.Run("check", "-c", daemon.ConfigurationPath).Code == 0);
        RunningKeeper.Signal(daemon.Pid, 1);
        daemon.WaitFor(() => daemon.Admin(HttpMethod.Get, "/api/status").Body.Contains("\"configuration\":2"), "the reload");
        using Process attacker = Start("slowhttptest", attack, "-c", "500", "-r", "200", "-i", "1", "-l", "8", "-x", "10", "-u", $"http://127.0.0.1:{daemon.Port}/");
        Task drain = attacker.StandardOutput.ReadToEndAsync();
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed.TotalSeconds < 6) Assert.Equal("200", CurlFrom(daemon, "127.0.0.2"));
        long memory = long.Parse(File.ReadLines($"/proc/{daemon.WorkerPid()}/status").First(line => line.StartsWith("VmRSS")).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]);
        Assert.InRange(memory, 1, 400 * 1024);
        attacker.Kill();
        await attacker.WaitForExitAsync();
        await drain;
        Assert.Contains("mainstay_http_turned_away_total{service=\"web\",cause=\"too-many\"}", daemon.Admin(HttpMethod.Get, "/metrics").Body);
    }

    [Fact]
    public void Htpasswd_FileOfTheRealTool_LetsCurlIn()
    {
        using var daemon = new RunningDaemon();
        string users = Path.Combine(Path.GetDirectoryName(daemon.ConfigurationPath)!, "users");
        using (Process htpasswd = Start("htpasswd", "-cbB", users, "ada", "secret")) htpasswd.WaitForExit();
        using (Process htpasswd = Start("htpasswd", "-bm", users, "bob", "secret")) htpasswd.WaitForExit();
        File.SetUnixFileMode(users, (UnixFileMode)0b110_100_100);
        daemon.Configure($"      - {{ match: {{ path: /x }}, to: app }}\nauth: {{ staff: {{ basic: {users} }} }}");
        File.WriteAllText(daemon.ConfigurationPath, File.ReadAllText(daemon.ConfigurationPath).Replace("- { to: app }", "- { to: app, auth: staff }"));
        RunningKeeper.Signal(daemon.Pid, 1);
        daemon.WaitFor(() => CurlFrom(daemon, "127.0.0.1") == "401", "the reload");
        Assert.Equal("200", CurlFrom(daemon, "127.0.0.1", "-u", "ada:secret"));
        Assert.Equal("200", CurlFrom(daemon, "127.0.0.1", "-u", "bob:secret"));
        Assert.Equal("401", CurlFrom(daemon, "127.0.0.1", "-u", "ada:wrong"));
    }

    private static string CurlFrom(RunningDaemon daemon, string address, params string[] more)
    {
        using Process curl = Start(
            "curl", ["-s", "-m", "5", "-o", "/dev/null", "-w", "%{http_code}", "--interface", address, .. more, $"http://127.0.0.1:{daemon.Port}/"]);
        string status = curl.StandardOutput.ReadToEnd();
        curl.WaitForExit();
        return status;
    }

    private static Process Start(string program, params string[] arguments)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })
                ?? throw new InvalidOperationException("not started");
        }
        catch (global::System.ComponentModel.Win32Exception)
        {
            Assert.Skip($"{program} is not installed");
            throw;
        }
    }
}

using System.Diagnostics;
using System.Text.Json;
using Mainstay.Linux.Processes;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Daemon;

/// <summary>The real program on a machine that lacks something: in namespaces of its own, which takes root.</summary>
public sealed class NamespaceTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-").FullName;

    public NamespaceTests() => File.SetUnixFileMode(_directory, (UnixFileMode)0b111_101_101);

    private string AdminSocket => Path.Combine(_directory, "admin.sock");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void PingGroupRangeClosed_IcmpChecksUseRawSocketsOpenedAsRoot()
    {
        NeedRoot();
        // A new network namespace lets nobody open ping sockets (net.ipv4.ping_group_range is "1 0").
        using Process daemon = Start(
            "icmp", "-n", "ip link set lo up; [ \"$(tr '\\t' ' ' </proc/sys/net/ipv4/ping_group_range)\" = '1 0' ] || exit 9");

        JsonElement server = WaitForServer(daemon, "icmp", state => state == "up");

        Assert.Contains("echo reply", server.GetProperty("lastCheck").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void LibsslMissing_IsSaidAtTheCheck_AndEverythingElseWorks()
    {
        NeedRoot();
        const string hide = "for file in $(ldconfig -p | sed -n 's/.*lib\\(ssl\\|crypto\\)\\.so\\.3 .*=> //p'); do mount --bind /dev/null \"$(readlink -f \"$file\")\" || exit 9; done";
        string configuration = Configure("tls");
        (int code, string output) = Run("unshare", "-m", "sh", "-c", $"{hide}; exec \"$@\"", "sh", Program, "check", "-c", configuration);
        Assert.Contains("pools.tls.check: OpenSSL 3 is not installed", output, StringComparison.Ordinal);
        Assert.Equal(1, code);

        using Process daemon = Start("tls", "-mn", $"ip link set lo up; {hide}");
        JsonElement server = WaitForServer(daemon, "tls", _ => true, said => said.Contains("OpenSSL", StringComparison.Ordinal));
        Assert.Contains("install it with", server.GetProperty("lastCheck").GetString(), StringComparison.Ordinal);
        WaitForServer(daemon, "plain", state => state == "up");
    }

    private static string Program => Path.Combine(AppContext.BaseDirectory, "mainstay");

    private static void NeedRoot() => Assert.SkipUnless(Credentials.IsRoot, "needs root: it makes namespaces");

    /// <summary>One pool with that check, and one whose check always passes.</summary>
    private string Configure(string kind)
    {
        string path = Path.Combine(_directory, "mainstay.yaml");
        File.WriteAllText(
            path,
            $$"""
            admin: { socket: {{AdminSocket}} }
            access-log: { format: none }
            process: { state-directory: {{_directory}}/state, drain-timeout: 1s }
            pools:
              {{kind}}: { check: {{kind}}, servers: [{ name: one, address: "127.0.0.1:9" }] }
              plain: { check: { exec: [/bin/true] }, servers: [{ name: one, address: "127.0.0.1:9" }] }
            http: { web: { listen: "127.0.0.1:{{RunningKeeper.FreePort()}}", routes: [{ to: plain }] } }
            """);
        return path;
    }

    private Process Start(string kind, string namespaces, string preparation)
    {
        string script = $"{preparation}; exec \"$@\"";
        return Process.Start("unshare", [namespaces, "sh", "-c", script, "sh", Program, "run", "-c", Configure(kind)]);
    }

    private JsonElement WaitForServer(Process daemon, string pool, Func<string, bool> isState, Func<string, bool>? hasSaid = null)
    {
        try
        {
            for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(30) && !daemon.HasExited;)
            {
                (int code, string output) = Run(Program, "status", "--json", "--socket", AdminSocket);
                if (code != 0) continue;
                JsonElement server = JsonDocument.Parse(output).RootElement.GetProperty("pools").EnumerateArray()
                    .First(row => row.GetProperty("name").GetString() == pool).GetProperty("servers")[0];
                if (isState(Text("state")) && (hasSaid?.Invoke(Text("lastCheck")) ?? true)) return server;

                string Text(string name) => server.GetProperty(name).GetString() ?? "";
            }

            Assert.Fail($"server of pool {pool} does not become what it should be");
            return default;
        }
        finally
        {
            if (pool == "plain" || hasSaid is null) Stop(daemon);
        }
    }

    private static void Stop(Process daemon)
    {
        if (daemon.HasExited) return;
        RunningKeeper.Signal(daemon.Id, ChildProcess.SignalTerminate);
        daemon.WaitForExit();
    }

    private static (int Code, string Output) Run(params string[] command)
    {
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("not started");
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }
}

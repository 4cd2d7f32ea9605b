using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Mainstay.Admin;
using Mainstay.System.Tests.Daemon;

namespace Mainstay.System.Tests.Admin;

public class AdminTests(RunningDaemon daemon) : IClassFixture<RunningDaemon>
{
    [Fact]
    public void Status_Running_ShowsEveryServer()
    {
        (int code, string output, _) = RunningDaemon.Run("status", "--socket", daemon.AdminSocket);

        Assert.Equal(0, code);
        Assert.Contains($"http web on 127.0.0.1:{daemon.Port}:", output, StringComparison.Ordinal);
        Assert.Matches(@"\n  one +up +1 ", output);
        Assert.Matches(@"\n  two +up +1 ", output);
    }

    [Fact]
    public void Status_Json_IsOneDocument()
    {
        (int code, string output, _) = RunningDaemon.Run("status", "--json", "--socket", daemon.AdminSocket);

        Assert.Equal(0, code);
        using JsonDocument report = JsonDocument.Parse(output);
        JsonElement pool = report.RootElement.GetProperty("pools")[0];
        Assert.Equal("primary", pool.GetProperty("tier").GetString());
        Assert.Equal("up", pool.GetProperty("servers")[0].GetProperty("state").GetString());
    }

    [Fact]
    public void Api_Answer_IsPlainTextThatEndsItsLine()
    {
        (_, string status) = daemon.Admin(HttpMethod.Get, "/api/status");
        (_, string refusal) = daemon.Admin(HttpMethod.Post, "/api/pools/app/servers/nope/drain");

        Assert.EndsWith("}\n", status);
        Assert.Contains("'nope'", refusal, StringComparison.Ordinal);
        Assert.EndsWith("}\n", refusal);
    }

    [Fact]
    public void Socket_IsForTheUserThatStartedItOnly() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(daemon.AdminSocket));

    [Fact]
    public void Check_OfTheConfigurationThatRuns_FindsItsPortsNotTaken()
    {
        (int code, _, string error) = RunningDaemon.Run("check", daemon.ConfigurationPath);

        Assert.DoesNotContain("taken", error, StringComparison.Ordinal);
        Assert.Equal(0, code);
    }

    [Fact]
    public void Start_SaysWhatIsServed()
    {
        Assert.Contains($"http web on 127.0.0.1:{daemon.Port}", daemon.Output, StringComparison.Ordinal);
        Assert.Contains("pool app: 2 servers, least-request, checked by http", daemon.Output, StringComparison.Ordinal);
        Assert.Contains(daemon.AdminSocket, daemon.Output, StringComparison.Ordinal);
        Assert.Contains($"configuration {daemon.ConfigurationPath}", daemon.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Metrics_Scraped_AreWellFormedAndEachFamilyIsOnce()
    {
        daemon.TryGet();

        (HttpStatusCode status, string text) = daemon.Admin(HttpMethod.Get, "/metrics");

        Assert.Equal(HttpStatusCode.OK, status);
        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.Matches(
            """^(# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+(\{[a-z_]+="([^"\\]|\\.)*"(,[a-z_]+="([^"\\]|\\.)*")*\})? (NaN|[+-]?Inf|-?[0-9.]+(E[+-]?[0-9]+)?))$""", line));
        IEnumerable<string> families = lines.Where(line => line.StartsWith("# TYPE", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]);
        Assert.Equal(families.Distinct(), families);
        Assert.Matches("""mainstay_server_up\{pool="app",server="one"\} 1""", text);
        Assert.DoesNotMatch(new Regex("""mainstay_server_requests_total\{pool="app",server="one"\} 0\n"""), text);
    }

    [Fact]
    public void Pool_DrainAndEnable_NewRequestsGoElsewhereAndComeBack()
    {
        (int code, string output, _) = RunningDaemon.Run("pool", "drain", "app", "one", "--reason", "deploy", "--socket", daemon.AdminSocket);
        Assert.Equal((0, "app/one: draining\n"), (code, output));
        daemon.WaitFor(() => Enumerable.Range(0, 10).All(_ => daemon.TryGet() == "two"), "all requests to go to the other server");

        (code, _, _) = RunningDaemon.Run("pool", "enable", "app", "one", "--socket", daemon.AdminSocket);

        Assert.Equal(0, code);
        daemon.WaitFor(() => daemon.TryGet() == "one", "requests to come back");
    }

    [Theory]
    [InlineData("nope", "one")]
    [InlineData("app", "nope")]
    [InlineData("a/../b", "%2e")]
    public void Pool_UnknownServer_IsANo(string pool, string server)
    {
        (int code, _, string error) = RunningDaemon.Run("pool", "drain", pool, server, "--socket", daemon.AdminSocket);

        Assert.Equal(1, code);
        Assert.StartsWith("mainstay: ", error);
    }

    [Fact]
    public void Reload_BrokenFile_TellsTheErrorsAndChangesNothing()
    {
        daemon.Configure("nonsense: 1");
        try
        {
            (HttpStatusCode status, string body) = daemon.Admin(HttpMethod.Post, "/api/reload");

            Assert.Equal(HttpStatusCode.Conflict, status);
            ReloadOutcome? outcome = JsonSerializer.Deserialize(body, AdminJson.Default.ReloadOutcome);
            Assert.Contains($"{daemon.ConfigurationPath}:", Assert.Single(outcome?.Errors ?? []), StringComparison.Ordinal);
        }
        finally
        {
            daemon.Configure();
        }

        Assert.Equal(HttpStatusCode.OK, daemon.Admin(HttpMethod.Post, "/api/reload").Status);
        Assert.NotNull(daemon.TryGet());
    }

    [Fact]
    public void Diff_ChangedFile_TellsWhatAReloadWouldChange()
    {
        string changed = Path.GetTempFileName();
        File.WriteAllText(changed, File.ReadAllText(daemon.ConfigurationPath).Replace("fall: 2", "fall: 7", StringComparison.Ordinal));

        (int same, string nothing, _) = RunningDaemon.Run("diff", "-c", daemon.ConfigurationPath, "--socket", daemon.AdminSocket);
        (int code, string output, _) = RunningDaemon.Run("diff", "-c", changed, "--socket", daemon.AdminSocket);

        Assert.Equal((0, "Nothing changes.\n"), (same, nothing));
        Assert.Equal(0, code);
        Assert.Contains("pools.app.check.fall: 2 -> 7", output, StringComparison.Ordinal);
        File.Delete(changed);
    }

    [Fact]
    public void Configuration_OverTcp_IsNotTold() =>
        Assert.Equal(HttpStatusCode.NotFound, daemon.Admin(HttpMethod.Get, "/api/configuration").Status);

    [Theory]
    [InlineData("Host", "attacker.example")]
    [InlineData("Origin", "http://attacker.example")]
    [InlineData("Origin", "null")]
    public void TcpListener_RequestOfAForeignSite_IsRefused(string header, string value) =>
        Assert.Equal(HttpStatusCode.Forbidden, daemon.Admin(HttpMethod.Post, "/api/reload", (header, value)).Status);

    [Theory]
    [InlineData("GET", "/nothing", HttpStatusCode.NotFound)]
    [InlineData("GET", "/api/reload", HttpStatusCode.MethodNotAllowed)]
    [InlineData("POST", "/metrics", HttpStatusCode.MethodNotAllowed)]
    [InlineData("POST", "/api/pools/app/servers/one/explode", HttpStatusCode.NotFound)]
    public void Request_NotOfThisApi_IsRefused(string method, string path, HttpStatusCode expected) =>
        Assert.Equal(expected, daemon.Admin(new HttpMethod(method), path).Status);

    [Theory]
    [InlineData("127.0.0.1:9900", "", true)]
    [InlineData("localhost", "", true)]
    [InlineData("[::1]:9900", "http://[::1]:9900", true)]
    [InlineData("127.0.0.1:9900", "http://127.0.0.1:8080", false)]
    [InlineData("127.0.0.1.example:9900", "", false)]
    [InlineData("", "", false)]
    public void BrowserGuard_HostAndOrigin_AllowsOwnPagesOnly(string host, string origin, bool allowed) =>
        Assert.Equal(allowed, BrowserGuard.Allows(host, origin));
}

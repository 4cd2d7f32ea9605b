using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Mainstay.Commands;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Configuration;

public sealed class CheckCommandTests : IDisposable
{
    private static readonly int Port = RunningKeeper.FreePort();

    private static readonly string Minimal = $$"""
        process: { state-directory: /tmp }
        admin: { socket: /tmp/mainstay-check.sock }
        pools: { app: { check: tcp, servers: ["127.0.0.1:8001"] } }
        http: { web: { listen: "127.0.0.1:{{Port}}", routes: [{ to: app }] } }

        """;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("mainstay-check-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public void Run_GoodFile_SaysWhatItIsAndExitsWithZero()
    {
        (int exit, string output, string error) = Run(Minimal);
        Assert.Equal(0, exit);
        Assert.EndsWith($"site.yaml: ok (1 pool with 1 server; 1 http service on 127.0.0.1:{Port})\n", output);
        Assert.Equal("", error);
    }

    [Fact]
    public void Run_Errors_AreAllPrintedWithTheirPlaceAndExitWithOne()
    {
        (int exit, string output, string error) = Run("node: a b\npols: {}\nhttp: { web: { listen: 80 } }\n");
        Assert.Equal(1, exit);
        Assert.EndsWith("site.yaml: 4 errors\n", output);
        Assert.Contains("site.yaml:1:7: node:", error);
        Assert.Contains("site.yaml:2:1: unknown key \"pols\" (did you mean \"pools\"?)", error);
        Assert.Contains("site.yaml:3:24: http.web.listen: \"80\" has no port", error);
        Assert.Contains("site.yaml:3:14: http.web: routes is missing", error);
    }

    [Fact]
    public void Run_Json_HasEveryErrorForPrograms()
    {
        (int exit, string output, string error) = Run("nod: x\n", json: true);
        Assert.Equal(1, exit);
        Assert.Equal("", error);
        JsonNode report = JsonNode.Parse(output)!;
        Assert.False((bool)report["ok"]!);
        JsonNode first = Assert.Single(report["errors"]!.AsArray())!;
        Assert.Equal((1, 1), ((int)first["line"]!, (int)first["column"]!));
        Assert.Contains("did you mean \"node\"?", (string)first["message"]!);
        Assert.Single(report["warnings"]!.AsArray());
        Assert.Empty(report["machine"]!.AsArray());
    }

    [Fact]
    public void Run_NoSuchFile_SaysSo()
    {
        using StringWriter output = new(), error = new();
        Assert.Equal(1, CheckCommand.Run("/nonexistent/site.yaml", json: false, output, error));
        Assert.Contains("/nonexistent/site.yaml:1:1: cannot be read: no such file", error.ToString());
    }

    [Fact]
    public void Run_LogDirectoryMissing_IsAnErrorOfThisMachine()
    {
        (int exit, string output, string error) = Run(Minimal + "access-log: /nonexistent/access.log\n");
        Assert.Equal(1, exit);
        Assert.Contains("cannot run on this machine", output);
        Assert.Contains("On this machine:\n  access-log.file: the directory /nonexistent does not exist\n", error);
    }

    [Fact]
    public void Run_PortOfAnotherProgram_IsAnErrorOfThisMachine()
    {
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int taken = ((IPEndPoint)other.LocalEndpoint).Port;

        (int exit, _, string error) = Run(Minimal.Replace($":{Port}", $":{taken}", StringComparison.Ordinal));

        Assert.Equal(1, exit);
        Assert.Contains($"http.web.listen: 127.0.0.1:{taken} is taken by another program", error);
    }

    [Fact]
    public void Run_ListenerOnAnAddressOfAnotherMachine_IsOnlyAWarning()
    {
        (int exit, _, string error) = Run(Minimal.Replace("listen: \"127.0.0.1", "listen: \"192.0.2.77", StringComparison.Ordinal));
        Assert.Equal(0, exit);
        Assert.Contains("warning: http.web.listen: 192.0.2.77 is on no interface of this machine", error);
    }

    [Fact]
    public void Run_NameThatDoesNotResolve_IsOnlyAWarning()
    {
        // RFC 6761 section 6.4: names below .invalid never resolve.
        (int exit, _, string error) = Run(Minimal.Replace("127.0.0.1:8001", "app.invalid:8001", StringComparison.Ordinal));
        Assert.Equal(0, exit);
        Assert.Contains("warning: pools.app.servers.app.invalid:8001: app.invalid does not resolve", error);
    }

    [Fact]
    public void Run_SecretFromAFileNextToIt_IsRead()
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "token"), "Bearer s3cret\n");
        string yaml = Minimal.Replace("check: tcp", "check: { http: /, headers: { Authorization: { file: token } } }", StringComparison.Ordinal);
        (int exit, _, string error) = Run(yaml);
        Assert.Equal("", error);
        Assert.Equal(0, exit);

        (exit, _, error) = Run(yaml.Replace("file: token", "file: tokens", StringComparison.Ordinal));
        Assert.Equal(1, exit);
        Assert.Contains("pools.app.check.headers.Authorization:", error);
        Assert.Contains("/tokens cannot be read: no such file", error);
    }

    [Fact]
    public void Run_SecretThatIsRefused_IsNotRepeated()
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "token"), "s3cret\nsecond line\n");
        (int exit, string output, string error) = Run(Minimal.Replace("check: tcp", "check: { http: /, headers: { Authorization: { file: token } } }", StringComparison.Ordinal));
        Assert.Equal(1, exit);
        Assert.DoesNotContain("s3cret", output + error);
    }

    private (int Exit, string Output, string Error) Run(string yaml, bool json = false)
    {
        string path = Path.Combine(_directory.FullName, "site.yaml");
        File.WriteAllText(path, yaml);
        using StringWriter output = new(), error = new();
        int exit = CheckCommand.Run(path, json, output, error);
        return (exit, output.ToString(), error.ToString());
    }
}

using System.Text.Json.Nodes;
using Mainstay.Commands;
using Mainstay.Configuration;
using Mainstay.Core.Config;

namespace Mainstay.System.Tests.Configuration;

public class DiffTests
{
    private const string Before = """
        pools:
          app:
            check: { http: /, headers: { Authorization: Bearer old } }
            servers: [{ name: a, address: "10.0.0.1:80" }, { name: b, address: "10.0.0.2:80" }]
          old: { check: tcp, servers: ["10.0.0.9:80"] }
        http:
          web:
            listen: ["0.0.0.0:80", "0.0.0.0:81"]
            routes:
              - { name: api, match: { path: /api }, to: app }
              - { match: { path: /old }, to: old }
              - { to: app }
        """;

    [Theory]
    [InlineData("check: { http: /,", "check: { http: /healthz,", "~ pools.app.check.http: / -> /healthz")]
    [InlineData("check: { http: /,", "balance: rr\n    check: { http: /,", "~ pools.app.balance.algorithm: least-request -> rr")]
    [InlineData("10.0.0.2:80", "10.0.0.3:80", "~ pools.app.servers.b.address: 10.0.0.2:80 -> 10.0.0.3:80")]
    [InlineData("name: b", "name: c", "+ pools.app.servers.c: 10.0.0.2:80|- pools.app.servers.b: 10.0.0.2:80")]
    [InlineData("0.0.0.0:81", "0.0.0.0:82", "+ http.web.listen: 0.0.0.0:82|- http.web.listen: 0.0.0.0:81")]
    [InlineData("path: /api", "path: /API", "~ http.web.routes.1: { name: api, match: { path: [/api] }, to: app } -> { name: api, match: { path: [/API] }, to: app }")]
    [InlineData("      - { name: api, match: { path: /api }, to: app }\n", "", "- http.web.routes.1: { name: api, match: { path: [/api] }, to: app }")]
    [InlineData("    routes:\n", "    limits: { body: 1MiB }\n    routes:\n", "~ http.web.limits.body: 0 -> 1MiB")]
    [InlineData("Bearer old", "Bearer new", "~ pools.app.check.headers.Authorization: (hidden) -> (hidden)")]
    [InlineData("pools:", "process: { shards: 2 }\npools:", "~ process.shards: 0 -> 2")]
    public void Compare_OneChange_IsNamed(string text, string replacement, string expected)
    {
        string[] lines = Compare(Before, Before.ReplaceLineEndings("\n").Replace(text, replacement, StringComparison.Ordinal));
        Assert.Equal(expected.Split('|'), lines);
    }

    [Fact]
    public void Compare_RoutesInAnotherOrder_IsOneMove()
    {
        const string First = "      - { name: api, match: { path: /api }, to: app }\n", Second = "      - { match: { path: /old }, to: old }\n";
        string after = Before.ReplaceLineEndings("\n").Replace(First + Second, Second + First, StringComparison.Ordinal);
        Assert.Equal(["~ http.web.routes: another order"], Compare(Before, after));
    }

    [Fact]
    public void Compare_SameMeaningWrittenOtherwise_IsNoChange()
    {
        string after = Before.ReplaceLineEndings("\n").Replace("old: { check: tcp,", "old: { balance: { algorithm: least-request }, check: { tcp: true, interval: 1000ms },", StringComparison.Ordinal);
        Assert.Equal(["Nothing changes."], Compare(Before, after));
    }

    [Fact]
    public void Compare_PoolsAndServices_ComeAndGoByName()
    {
        const string After = """
            pools: { app: { check: tcp, servers: ["10.0.0.1:80"] }, fresh: { check: tcp, servers: ["10.0.0.5:80"] } }
            http: { other: { listen: "0.0.0.0:90", routes: [{ to: app }] } }
            """;
        string[] lines = Compare(Before, After);
        Assert.Contains(lines, l => l.StartsWith("+ pools.fresh:", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("- pools.old:", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("+ http.other:", StringComparison.Ordinal));
        Assert.Contains(lines, l => l.StartsWith("- http.web:", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, l => l.Contains("Bearer"));
    }

    [Fact]
    public void Run_Json_HasKindPlaceAndEffect()
    {
        using var file = new TemporaryFile(Before.Replace("10.0.0.2:80", "10.0.0.3:80", StringComparison.Ordinal));
        using StringWriter output = new(), error = new();
        Assert.Equal(0, DiffCommand.Run(Loaded(Before), file.Path, json: true, output, error));
        JsonNode change = Assert.Single(JsonNode.Parse(output.ToString())!.AsArray())!;
        Assert.Equal("changed", (string)change["kind"]!);
        Assert.Equal("pools.app.servers.b.address", (string)change["place"]!);
        Assert.NotEqual("", (string)change["effect"]!);
    }

    [Fact]
    public void Run_NewFileIsWrong_PrintsTheErrors()
    {
        using var file = new TemporaryFile("pols: {}\n");
        using StringWriter output = new(), error = new();
        Assert.Equal(1, DiffCommand.Run(Configurations.Valid(Before), file.Path, json: false, output, error));
        Assert.Contains(":1:1: unknown key \"pols\"", error.ToString());
    }

    /// <summary>As this machine and user reads it.</summary>
    private static Snapshot Loaded(string yaml)
    {
        using var file = new TemporaryFile(yaml);
        return ConfigurationFile.Load(file.Path).Snapshot!;
    }

    private static string[] Compare(string before, string after)
    {
        using var output = new StringWriter();
        DiffCommand.WriteText(SnapshotDiff.Compare(Configurations.Valid(before), Configurations.Valid(after)), output);
        return [.. output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => !l.StartsWith(' '))];
    }

    private sealed class TemporaryFile : IDisposable
    {
        public TemporaryFile(string content) => File.WriteAllText(Path, content);

        public string Path { get; } = global::System.IO.Path.Combine(global::System.IO.Path.GetTempPath(), $"mainstay-{Guid.NewGuid():N}.yaml");

        public void Dispose() => File.Delete(Path);
    }
}

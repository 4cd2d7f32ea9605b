using System.Text.Json;
using Mainstay.Core.Config;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http;

/// <summary>What the access log says about requests that really went through.</summary>
public sealed class AccessLogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mainstay-log").FullName;

    private string Path => $"{_folder}/access.log";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Json_OneLineForEachRequest_WithItsOutcome()
    {
        using var server = new ScriptedServer(peer =>
        {
            while (peer.ReadRequest() is { } request)
            {
                if (request.StartLine.Contains("/die", StringComparison.Ordinal)) return;
                peer.Send(ScriptedServer.Ok("hello"));
            }
        });
        Snapshot snapshot = BenchConfig.Of(server.Address) with { AccessLog = new AccessLogSnapshot(AccessLogFormat.Json, Path) };
        await using (ProxyBench bench = await ProxyBench.StartAsync(snapshot))
        {
            bench.Ask("GET /a%22b?q='x' HTTP/1.1\r\nHost: x\r\nUser-Agent: t\\\"\u00e9\r\nConnection: close\r\n\r\n");
            bench.Ask("POST /die HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi");
            bench.Ask("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
            bench.Ask("GET / HTTP/1.1\r\nHost : x\r\n\r\n");
        }

        JsonElement[] lines = [.. File.ReadLines(Path).Select(line => JsonDocument.Parse(line).RootElement)];
        Assert.Equal(4, lines.Length);
        Assert.Equal(("GET", 200, "none", "completed"), Summary(lines[0]));
        Assert.Equal(("POST", 502, "server", "closed"), Summary(lines[1]));
        Assert.Equal(("POST", 400, "client", "rejected"), Summary(lines[2]));
        Assert.Equal("invalid-chunk-size", lines[2].GetProperty("reject").GetString());
        Assert.Equal((400, "client", "space-before-colon"), (lines[3].GetProperty("status").GetInt32(), Text(lines[3], "ended_by"), Text(lines[3], "reject")));
        Assert.Equal(("web-1", "app", "127.0.0.1"), (Text(lines[0], "route"), Text(lines[0], "pool"), Text(lines[0], "client")));
        Assert.True(lines[0].GetProperty("total_us").GetInt64() >= 0);
    }

    [Fact]
    public async Task Combined_LinesHaveTheUsualForm()
    {
        using ScriptedServer server = ScriptedServer.Saying("hello");
        Snapshot snapshot = BenchConfig.Of(server.Address) with { AccessLog = new AccessLogSnapshot(AccessLogFormat.Combined, Path) };
        await using (ProxyBench bench = await ProxyBench.StartAsync(snapshot)) bench.Get("/x");
        Assert.Matches("^127\\.0\\.0\\.1 - - \\[\\d\\d/\\w{3}/\\d{4}:\\d\\d:\\d\\d:\\d\\d \\+0000\\] \"GET /x HTTP/1\\.1\" 200 \\d+ \"-\" \"-\"\n$", File.ReadAllText(Path));
    }

    [Fact]
    public async Task RefusedRequests_AreLoggedAsFarAsTheyCame()
    {
        using ScriptedServer server = ScriptedServer.Saying("hello");
        Snapshot snapshot = BenchConfig.Of(server.Address) with { AccessLog = new AccessLogSnapshot(AccessLogFormat.Combined, Path) };
        await using (ProxyBench bench = await ProxyBench.StartAsync(snapshot))
        {
            bench.Ask("GET /a\"b\u0001 HTTP/1.1\r\nHost: x\r\n\r\n");
            bench.Ask("GET /fine HTTP/1.1\r\nHost : x\r\n\r\n");
            bench.Ask("\u0016\u0003\u0001\u0002");
            // A refusal is logged after its answer.
            bench.Settle();
            await bench.ApplyAsync(snapshot with { AccessLog = new AccessLogSnapshot(AccessLogFormat.Json, Path + ".json") });
            bench.Ask("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n");
        }

        string[] lines = File.ReadAllLines(Path);
        Assert.Contains("] \"GET /a\\\"b\\x01 HTTP/1.1\" 400 ", lines[0], StringComparison.Ordinal);
        Assert.Contains("] \"GET /fine HTTP/1.1\" 400 ", lines[1], StringComparison.Ordinal);
        Assert.Contains("] \"\\x16\\x03\\x01", lines[2], StringComparison.Ordinal);
        Assert.Equal("GET /a b HTTP/1.1", Text(JsonDocument.Parse(File.ReadAllText(Path + ".json")).RootElement, "line"));
    }

    /// <summary>Lines that came while the writer was writing were lost at the end, or written in the next format's file.</summary>
    [Fact]
    public async Task ReloadToAnotherFileAndEnd_LoseNoLine()
    {
        using ScriptedServer server = ScriptedServer.Saying("hello");
        Snapshot snapshot = BenchConfig.Of(server.Address);
        const int files = 10, requests = 50;
        await using (ProxyBench bench = await ProxyBench.StartAsync(snapshot))
        {
            using RawPeer client = bench.Connect();
            for (int file = 0; file < files; file++)
            {
                await bench.ApplyAsync(snapshot with { AccessLog = new AccessLogSnapshot(AccessLogFormat.Json, $"{Path}.{file}") });
                for (int i = 0; i < requests; i++)
                {
                    client.Send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
                    client.ReadResponse();
                }

                bench.Settle();
            }
        }

        for (int file = 0; file < files; file++) Assert.Equal(requests, File.ReadLines($"{Path}.{file}").Count());
    }

    private static (string?, int, string?, string?) Summary(JsonElement line) =>
        (Text(line, "method"), line.GetProperty("status").GetInt32(), Text(line, "ended_by"), Text(line, "cause"));

    private static string? Text(JsonElement line, string name) => line.GetProperty(name).GetString();
}

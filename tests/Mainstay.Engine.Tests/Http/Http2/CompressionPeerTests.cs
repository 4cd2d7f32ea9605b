using System.Diagnostics;
using System.Runtime.CompilerServices;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.Http2;

/// <summary>Field compression against another implementation, in both directions, over one connection.</summary>
public sealed class CompressionPeerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Fields_OfAnotherImplementation_ArriveAndComeBack(int seed)
    {
        using ScriptedServer server = ScriptedServer.Answering(Echo);
        await using ProxyBench bench = await ProxyBench.StartAsync(BenchConfig.Of(server.Address));
        (int code, string output) = await RunAsync(bench.Port.ToString(), seed.ToString(), "300");
        Assert.True(code == 0, output);
        Assert.Equal("ok\n", output);
    }

    /// <summary>The fields that came, as lines; those that begin with x- also as fields.</summary>
    private static string Echo(Message request)
    {
        string[] lines = [.. request.Fields.Select(field => $"{field.Name}: {field.Value}")];
        string body = string.Join('\n', lines);
        string fields = string.Concat(lines.Where(line => line.StartsWith("x-", StringComparison.Ordinal)).Select(line => line + "\r\n"));
        return $"HTTP/1.1 200 OK\r\n{fields}Content-Length: {body.Length}\r\n\r\n{body}";
    }

    private static async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo("/usr/bin/python3", [Script(), .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, await output + await error);
    }

    private static string Script([CallerFilePath] string caller = "") => Path.Combine(Path.GetDirectoryName(caller)!, "hpack_peer.py");
}

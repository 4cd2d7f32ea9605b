using System.Diagnostics;
using Mainstay.System.Tests.Daemon;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Http2;

/// <summary>The real program between clients and servers that others wrote: curl, nghttp, h2load, gRPC.</summary>
public sealed class PeerTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-").FullName;
    private readonly List<Process> _started = [];
    private readonly int _port = RunningKeeper.FreePort();

    [Fact]
    public void Curl_PriorKnowledge_GetsAndPosts()
    {
        using var server = new WebServer("one");
        Serve("http1", server.Port);
        Assert.Equal("one 2", Run("curl", "-sS", "--http2-prior-knowledge", "-w", " %{http_version}", Url));
        Assert.Equal("one 1.1", Run("curl", "-sS", "-w", " %{http_version}", Url));
        Assert.Equal("404 2", Run("curl", "-sS", "-o", "/dev/null", "--http2-prior-knowledge", "-w", "%{http_code} %{http_version}", Url + "none"));
    }

    [Fact]
    public void Nghttp_ManyStreamsOnOneConnection_AllAnswered()
    {
        using var server = new WebServer("one");
        Serve("http1", server.Port);
        string told = Run("nghttp", "-nv", "-m", "20", Url);
        Assert.Equal(20, told.Split(":status: 200").Length - 1);
    }

    [Fact]
    public void H2load_ThousandsOfRequests_NoneFails()
    {
        using var server = new WebServer("one");
        Serve("http1", server.Port);
        string told = Run("h2load", "-n", "5000", "-c", "10", "-m", "50", Url);
        Assert.Contains("5000 succeeded, 0 failed, 0 errored, 0 timeout", told, StringComparison.Ordinal);
    }

    [Fact]
    public void Grpc_EveryKindOfCall_AsIfNobodyWereBetween()
    {
        if (!HasGrpc()) Assert.Skip("needs python3-grpcio");
        int port = RunningKeeper.FreePort();
        Process server = Start("/usr/bin/python3", Script, "serve", port.ToString());
        Assert.Equal("ready", server.StandardOutput.ReadLine());
        Serve("h2", port);
        Assert.Equal(
            [
                "unary: hello",
                "unary-large: True",
                "empty: True",
                "server-stream: 499500",
                "client-stream: 499500",
                "bidi: ONE TWO THREE",
                @"metadata: yes first last b'\x00\xff'",
                "status: FAILED_PRECONDITION not now: 100 % {'why': 'because'}",
                "unknown: UNIMPLEMENTED Method not found! {}",
                "deadline: DEADLINE_EXCEEDED Deadline Exceeded {}",
                "deadline-seen: deadline",
                "parallel: 124750",
            ],
            Run("/usr/bin/python3", Script, "call", _port.ToString()).TrimEnd().Split('\n'));

        // The calls that the client gave up were given up at the server.
        Assert.Equal("cancelled", server.StandardOutput.ReadLine());
    }

    [Fact]
    public void Grpc_NoServerThere_IsUnavailableWithAReason()
    {
        if (!HasGrpc()) Assert.Skip("needs python3-grpcio");
        Serve("h2", RunningKeeper.FreePort());
        string told = Run("/usr/bin/python3", "-c", $"""
            import grpc
            try:
                grpc.insecure_channel("127.0.0.1:{_port}").unary_unary("/a/b")(b"", timeout=20)
            except grpc.RpcError as error:
                print(error.code().name, error.details())
            """);
        Assert.Equal("UNAVAILABLE connect-refused", told.Trim());
    }

    public void Dispose()
    {
        foreach (Process process in _started)
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
            process.WaitForExit();
            process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }

    private string Url => $"http://127.0.0.1:{_port}/";

    private static string Script => Path.Combine(RepositoryPaths.Root, "tests/Mainstay.System.Tests/Http2/grpc_peer.py");

    private static bool HasGrpc() => Run("/usr/bin/python3", "-c", "import importlib.util; print(importlib.util.find_spec('grpc') is not None)").Trim() == "True";

    /// <summary>The program between this port and that server's.</summary>
    private void Serve(string protocol, int serverPort)
    {
        string configuration = Path.Combine(_directory, "mainstay.yaml");
        File.WriteAllText(
            configuration,
            $$"""
            admin: { socket: {{_directory}}/admin.sock }
            process: { state-directory: {{_directory}}/state }
            access-log: { file: {{_directory}}/access.log }
            pools: { app: { protocol: {{protocol}}, servers: ["127.0.0.1:{{serverPort}}"] } }
            http:
              web:
                listen: "127.0.0.1:{{_port}}"
                routes:
                  - { match: { path: =/none }, respond: 404 }
                  - { to: app }
            """);
        File.SetUnixFileMode(_directory, (UnixFileMode)0b111_111_111);
        Process daemon = Start(RunningDaemon.Program, "run", "-c", configuration);
        while (daemon.StandardError.ReadLine() is { } line)
        {
            if (!line.Contains("serves", StringComparison.Ordinal)) continue;
            _ = daemon.StandardError.ReadToEndAsync();
            return;
        }

        Assert.Fail("the daemon ended");
    }

    private Process Start(string program, params string[] arguments)
    {
        Process process = Begin(program, arguments);
        _started.Add(process);
        return process;
    }

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Begin(program, arguments);
        process.StandardInput.Close();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program}: {output}{errors.Result}");
        return output;
    }

    private static Process Begin(string program, string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;
}

using System.Diagnostics;
using System.Text;
using Mainstay.System.Tests.Daemon;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Examples;

/// <summary>examples/three-tier.yaml as it stands, but for addresses, ports and paths of this machine: with curl and h2load.</summary>
public sealed class ThreeTierTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _home = Directory.CreateTempSubdirectory("mainstay-site-").FullName;
    private readonly WebServer[] _servers = [.. new[] { "app1", "app2", "cache1", "cache2" }.Select(name => new WebServer(name))];
    private readonly int _plain = RunningKeeper.FreePort();
    private readonly int _secure = RunningKeeper.FreePort();
    private readonly StringBuilder _output = new();
    private Process? _daemon;

    public void Dispose()
    {
        if (_daemon is not null)
        {
            _daemon.Kill(entireProcessTree: true);
            _daemon.WaitForExit();
            _daemon.Dispose();
        }

        foreach (WebServer server in _servers) server.Dispose();
        Directory.Delete(_home, recursive: true);
    }

    [Fact]
    public void Site_EveryKindOfVisitor_GetsWhatTheExampleSays()
    {
        Start();
        Assert.StartsWith("301 https://www.example.com/shop?a=1", Curl($"http://www.example.com:{_plain}/shop?a=1", "-w", "%{http_code} %{redirect_url}"));
        Assert.Equal("body { }", Curl($"https://www.example.com:{_secure}/static/site.css", "--compressed"));
        Assert.StartsWith("cache", Curl($"https://www.example.com:{_secure}/shop", "-A", "Somebot/1.0"));

        // A visitor stays with his server, over either protocol.
        string jar = At("jar");
        string first = Curl($"https://www.example.com:{_secure}/shop", "-c", jar);
        Assert.StartsWith("app", first);
        foreach (string protocol in (string[])["--http1.1", "--http2"])
            for (int i = 0; i < 4; i++) Assert.Equal(first, Curl($"https://www.example.com:{_secure}/shop", "-b", jar, protocol));

        // Its server goes; the visitor moves and stays there.
        _servers.Single(server => server.Name == first).Dispose();
        string moved = Curl($"https://www.example.com:{_secure}/shop", "-b", jar, "-c", jar);
        Assert.True(moved.StartsWith("app", StringComparison.Ordinal) && moved != first, moved);
        Assert.Equal(moved, Curl($"https://www.example.com:{_secure}/shop", "-b", jar));
    }

    [Fact]
    public void Site_TooManyRequestsOfOneAddress_AreSlowedDownAndNothingElse()
    {
        Start();
        string report = Run("h2load", "-n", "400", "-c", "2", "-m", "10", $"https://127.0.0.1:{_secure}/static/site.css");
        Assert.Matches("400 done", report);
        Assert.Matches("[1-9][0-9]* 2xx, 0 3xx, [1-9][0-9]* 4xx, 0 5xx", report);
    }

    private string At(string name) => Path.Combine(_home, name);

    private void Start()
    {
        File.SetUnixFileMode(_home, (UnixFileMode)0b111_101_101);
        Directory.CreateDirectory(At("site"));
        File.WriteAllText(At("site/site.css"), "body { }");
        Run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-keyout", At("site.key"), "-out", At("site.pem"), "-subj", "/CN=www.example.com", "-addext", "subjectAltName=DNS:www.example.com");
        File.WriteAllText(At("site.yaml"), Localize(File.ReadAllText(RepositoryPaths.Of("examples", "three-tier.yaml"))));
        var start = new ProcessStartInfo(RunningDaemon.Program, ["run", "-c", At("site.yaml")]) { RedirectStandardError = true, RedirectStandardOutput = true };
        _daemon = Process.Start(start)!;
        _daemon.ErrorDataReceived += (_, line) => _output.AppendLine(line.Data);
        _daemon.OutputDataReceived += (_, _) => { };
        _daemon.BeginErrorReadLine();
        _daemon.BeginOutputReadLine();
        var clock = Stopwatch.StartNew();
        while (!Curl($"https://www.example.com:{_secure}/shop").StartsWith("app", StringComparison.Ordinal))
        {
            Assert.True(clock.Elapsed < s_patience && !_daemon.HasExited, $"the site does not come up:\n{_output}");
            Thread.Sleep(50);
        }
    }

    /// <summary>IPv6 listeners go, since not every machine has it; everything else stays.</summary>
    private string Localize(string example)
    {
        (string From, string To)[] here =
        [
            ("\"0.0.0.0:80\", \"[::]:80\"", $"\"127.0.0.1:{_plain}\""),
            ("      - { address: \"[::]:443\", tls: site }\n", ""),
            ("0.0.0.0:443", $"127.0.0.1:{_secure}"),
            ("admin: { listen: \"127.0.0.1:9900\" }", $"admin: {{ socket: {At("admin.sock")} }}\nprocess: {{ state-directory: {At("state")} }}"),
            ("/var/log/mainstay", _home),
            ("/etc/mainstay", _home),
            ("/srv/site", At("site")),
            ("10.0.0.11:8080", $"127.0.0.1:{_servers[0].Port}"),
            ("10.0.0.12:8080", $"127.0.0.1:{_servers[1].Port}"),
            ("10.0.0.21:3128", $"127.0.0.1:{_servers[2].Port}"),
            ("10.0.0.22:3128", $"127.0.0.1:{_servers[3].Port}"),
        ];
        foreach ((string from, string to) in here)
        {
            Assert.Contains(from, example);
            example = example.Replace(from, to, StringComparison.Ordinal);
        }

        return example;
    }

    private string Curl(string url, params string[] more) => Run(
        "curl",
        ["-sS", "--max-time", "20", "--cacert", At("site.pem"), "--resolve", $"www.example.com:{_secure}:127.0.0.1", "--resolve",
            $"www.example.com:{_plain}:127.0.0.1", .. more, url]);

    private static string Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        _ = error.Result;
        return output;
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Mainstay.System.Tests.Lifecycle;

namespace Mainstay.System.Tests.Daemon;

/// <summary>The real program with two servers behind it, as a user runs it. Disposing it ends everything.</summary>
public sealed class RunningDaemon : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-").FullName;
    private readonly StringBuilder _output = new();
    private readonly Process _process;
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(20) };

    public RunningDaemon()
    {
        File.SetUnixFileMode(_directory, (UnixFileMode)0b111_101_101);
        Configure();
        _process = Start("run", "-c", ConfigurationPath);
        _process.ErrorDataReceived += (_, line) =>
        {
            lock (_output) _output.AppendLine(line.Data);
        };
        _process.OutputDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        WaitFor(() => TryGet() is "one" or "two", "the daemon to serve");
    }

    internal WebServer One { get; } = new("one");
    internal WebServer Two { get; } = new("two");
    public int Port { get; } = RunningKeeper.FreePort();
    public int AdminPort { get; } = RunningKeeper.FreePort();
    public string AdminSocket => Path.Combine(_directory, "admin.sock");
    public string ConfigurationPath => Path.Combine(_directory, "mainstay.yaml");

    /// <summary>The program under test.</summary>
    public static string Program => Path.Combine(AppContext.BaseDirectory, "mainstay");

    /// <summary>Of the keeper.</summary>
    public int Pid => _process.Id;

    internal string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>Runs a command to its end: exit code, standard output, standard error.</summary>
    public static (int Code, string Output, string Error) Run(params string[] arguments)
    {
        using Process command = Start(arguments);
        Task<string> error = command.StandardError.ReadToEndAsync();
        string output = command.StandardOutput.ReadToEnd();
        command.WaitForExit();
        return (command.ExitCode, output, error.Result);
    }

    /// <summary>Writes the configuration file, with these lines at its end, and this line among the servers.</summary>
    public void Configure(string more = "", string server = "") => File.WriteAllText(
        ConfigurationPath,
        $$"""
        admin: { socket: {{AdminSocket}}, listen: "127.0.0.1:{{AdminPort}}" }
        process: { state-directory: {{_directory}}/state, drain-timeout: 5s }
        pools:
          app:
            check: { http: /, interval: 200ms, timeout: 2s, rise: 1, fall: 2 }
            servers:
              - { name: one, address: "127.0.0.1:{{One.Port}}" }
              - { name: two, address: "127.0.0.1:{{Two.Port}}" }
              {{server}}
        http:
          web:
            listen: "127.0.0.1:{{Port}}"
            routes:
              - { to: app }
        {{more}}
        """);

    /// <summary>The name of the server that answered; null when none did.</summary>
    public string? TryGet()
    {
        try
        {
            using HttpResponseMessage response = _http.GetAsync($"http://127.0.0.1:{Port}/").GetAwaiter().GetResult();
            return response.IsSuccessStatusCode ? response.Content.ReadAsStringAsync().GetAwaiter().GetResult() : null;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }

    /// <summary>An answer of the admin plane's TCP address.</summary>
    public (HttpStatusCode Status, string Body) Admin(HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, $"http://127.0.0.1:{AdminPort}{path}");
        foreach ((string name, string value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using HttpResponseMessage response = _http.Send(request);
        return (response.StatusCode, response.Content.ReadAsStringAsync().GetAwaiter().GetResult());
    }

    public int WorkerPid()
    {
        string children = File.ReadAllText($"/proc/{Pid}/task/{Pid}/children");
        return int.Parse(children.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^1], CultureInfo.InvariantCulture);
    }

    public void WaitFor(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Deadline && !_process.HasExited, $"waited in vain for {what}; the daemon wrote:\n{Output}");
            Thread.Sleep(20);
        }
    }

    public int WaitForExit()
    {
        Assert.True(_process.WaitForExit(Deadline), $"the daemon did not end; it wrote:\n{Output}");
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _http.Dispose();
        One.Dispose();
        Two.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(Program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        return Process.Start(start) ?? throw new InvalidOperationException("not started");
    }
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.System.Tests.Lifecycle;

/// <summary>A keeper process of a test with its worker, its own directory and ports. Disposing it kills what is left.</summary>
internal sealed class RunningKeeper : IDisposable
{
    public const int Hangup = 1, Stop = 19, UserSignal2 = 12;

    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-").FullName;
    private readonly StringBuilder _output = new();
    private Process? _process;

    public RunningKeeper()
    {
        // The worker of a root keeper is another user and has to get to its state directory.
        File.SetUnixFileMode(_directory, (UnixFileMode)0b111_101_101);
    }

    public string StateDirectory { get; init; } = "";

    public int Port { get; } = FreePort();

    public int Pid => Process.Id;

    /// <summary>What the keeper and its workers wrote to standard error so far.</summary>
    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    private Process Process => _process ?? throw new InvalidOperationException("not started");

    private string Configuration => Path.Combine(_directory, "mainstay.conf");

    public static RunningKeeper StartAndServe(string answer = "one", params string[] lines)
    {
        var keeper = new RunningKeeper();
        keeper.Configure(answer, lines);
        keeper.Start();
        keeper.WaitUntilServing();
        return keeper;
    }

    public static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }

    /// <summary>Writes the configuration file: this keeper's port and state directory, and these lines.</summary>
    public void Configure(string answer, params string[] lines)
    {
        string state = StateDirectory.Length > 0 ? StateDirectory : Path.Combine(_directory, "state");
        File.WriteAllLines(Configuration, [$"listen 127.0.0.1:{Port}", $"state {state}", $"answer {answer}", .. lines]);
    }

    public string Sub(string name) => Path.Combine(_directory, name);

    /// <param name="launcher">A program that becomes the keeper, such as nohup, with its first arguments.</param>
    public void Start(params string[] launcher)
    {
        string[] command = [.. launcher, Environment.ProcessPath ?? "", "keeper", Configuration];
        var start = new ProcessStartInfo(command[0], command[1..]);
        start.RedirectStandardError = true;
        _process = Process.Start(start) ?? throw new InvalidOperationException("not started");
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null) return;
            lock (_output) _output.AppendLine(line.Data);
        };
        _process.BeginErrorReadLine();
    }

    public void WaitUntilServing() => WaitFor(() => TryAsk("who") is not null, "the worker to serve");

    /// <summary>The exit code, once it has ended.</summary>
    public int WaitForExit()
    {
        Assert.True(Process.WaitForExit(Deadline), $"the keeper did not end; it wrote:\n{Output}");
        Process.WaitForExit();
        return Process.ExitCode;
    }

    public void WaitFor(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Deadline, $"waited in vain for {what}; keeper and worker wrote:\n{Output}");
            Thread.Sleep(20);
        }
    }

    public void WaitForOutput(string text) => WaitFor(() => Output.Contains(text, StringComparison.Ordinal), $"'{text}'");

    public void Signal(int signal) => Signal(Pid, signal);

    public static void Signal(int pid, int signal)
    {
        using Process kill = Process.Start("/bin/kill", [$"-{signal}", pid.ToString(CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }

    /// <summary>Answer of whoever listens on this keeper's port; null when nobody does or the connection breaks.</summary>
    public string? TryAsk(string line, int? port = null)
    {
        try
        {
            using var client = new EchoClient(port ?? Port);
            return client.Ask(line);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            return null;
        }
    }

    public int WorkerPid()
    {
        string answer = TryAsk("who") ?? throw new InvalidOperationException("nobody serves");
        return int.Parse(answer.Split(' ')[0], CultureInfo.InvariantCulture);
    }

    public static bool IsRunning(int pid)
    {
        // A zombie that its parent has not reaped has ended all the same.
        try
        {
            return !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        if (_process is not null)
        {
            // The worker leaves by itself when the keeper is gone.
            if (!_process.HasExited) _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
            _process.Dispose();
        }

        Directory.Delete(_directory, recursive: true);
    }
}

/// <summary>One connection to the echo plane.</summary>
internal sealed class EchoClient : IDisposable
{
    private readonly TcpClient _client = new() { ReceiveTimeout = 30_000 };
    private readonly StreamReader _reader;

    public EchoClient(int port)
    {
        _client.Connect(IPAddress.Loopback, port);
        _reader = new StreamReader(_client.GetStream());
    }

    /// <summary>The answer, or null when the connection ended.</summary>
    public string? Ask(string line)
    {
        Send(line);
        return Read();
    }

    public void Send(string line) => _client.GetStream().Write(Encoding.UTF8.GetBytes(line + "\n"));

    public string? Read() => _reader.ReadLine();

    public void Dispose()
    {
        _reader.Dispose();
        _client.Dispose();
    }
}

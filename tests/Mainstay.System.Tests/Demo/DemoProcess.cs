using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Mainstay.System.Tests.Demo;

/// <summary>A demo of the real program, its output in a pipe. Disposing it kills what is left.</summary>
internal sealed partial class DemoProcess : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(120);

    private readonly Process _process;
    private readonly StringBuilder _output = new();

    public DemoProcess(params string[] arguments)
    {
        var start = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "mainstay"), ["demo", .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _process = Process.Start(start) ?? throw new InvalidOperationException("not started");
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Pid => _process.Id;

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    public int Port => Number(PortText());

    public int Keeper => Number(KeeperText());

    /// <summary>The first one.</summary>
    public int Worker => Number(WorkerText());

    public void WaitForOutput(string text) => WaitFor(() => Output.Contains(text, StringComparison.Ordinal), $"'{text}'");

    public void WaitFor(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Deadline, $"waited in vain for {what}; the demo wrote:\n{Output}");
            Thread.Sleep(20);
        }
    }

    public int WaitForExit()
    {
        Assert.True(_process.WaitForExit(Deadline), $"the demo did not end; it wrote:\n{Output}");
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private int Number(Regex pattern) => int.Parse(pattern.Match(Output).Groups[1].ValueSpan, CultureInfo.InvariantCulture);

    private void Append(string? line)
    {
        if (line is null) return;
        lock (_output) _output.AppendLine(line);
    }

    [GeneratedRegex(@"http://127\.0\.0\.1:(\d+)/ is served")]
    private static partial Regex PortText();

    [GeneratedRegex(@"keeper (\d+) and")]
    private static partial Regex KeeperText();

    [GeneratedRegex(@"and worker (\d+)\.")]
    private static partial Regex WorkerText();
}

using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace Mainstay.System.Tests.Rules;

/// <param name="Title">The heading above it.</param>
/// <param name="Service">Keys of an http service.</param>
/// <param name="Root">Keys of the top level.</param>
/// <param name="Steps">Commands with the lines that have to be in their output, in order.</param>
public sealed record Recipe(string Title, string Service, string Root, IReadOnlyList<(string Command, IReadOnlyList<string> Expected)> Steps);

/// <summary>The examples of docs/rules.md: a yaml block and the console block behind it.</summary>
internal static partial class Recipes
{
    private static readonly string[] s_rootKeys = ["maps:", "lists:"];

    public static IReadOnlyList<Recipe> Read()
    {
        string text = File.ReadAllText(RepositoryPaths.Of("docs", "rules.md"));
        return [.. Block().Matches(text).Select(match => Parse(match.Groups["title"].Value, match.Groups["yaml"].Value, match.Groups["console"].Value))];
    }

    private static Recipe Parse(string title, string yaml, string console)
    {
        StringBuilder service = new(), root = new();
        StringBuilder current = service;
        foreach (string line in yaml.Split('\n'))
        {
            if (line.Length > 0 && !char.IsWhiteSpace(line[0]) && line[0] != '-' && line[0] != '#') current = s_rootKeys.Any(line.StartsWith) ? root : service;
            current.Append(line).Append('\n');
        }

        var steps = new List<(string, IReadOnlyList<string>)>();
        foreach (string step in console.Split("$ ", StringSplitOptions.RemoveEmptyEntries))
        {
            string[] lines = step.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            steps.Add((lines[0], [.. lines.Skip(1).Where(line => line != "...")]));
        }

        return new Recipe(title, service.ToString(), root.ToString(), steps);
    }

    [GeneratedRegex("^#+ (?<title>[^\n]+)\n(?:(?!^#)[^\n]*\n)*?```yaml\n(?<yaml>.*?)```\n(?:(?!^#)[^\n]*\n)*?```console\n(?<console>.*?)```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}

/// <summary>The real program with one service for each recipe, and servers that echo.</summary>
public sealed class CookbookKitchen : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-").FullName;
    private readonly Dictionary<string, EchoServer> _servers = new[] { "app", "canary", "shadow", "images" }.ToDictionary(name => name, name => new EchoServer(name));
    private readonly IReadOnlyList<Recipe> _recipes = Recipes.Read();
    private readonly int[] _ports;
    private readonly Process _daemon;
    private readonly StringBuilder _output = new();

    public CookbookKitchen()
    {
        File.SetUnixFileMode(_directory, (UnixFileMode)0b111_101_101);
        _ports = FreePorts(_recipes.Count);
        Configure();
        _daemon = Start(Path.Combine(AppContext.BaseDirectory, "mainstay"), ["run", "-c", ConfigurationPath]);
        _daemon.ErrorDataReceived += (_, line) =>
        {
            lock (_output) _output.AppendLine(line.Data);
        };
        _daemon.BeginErrorReadLine();
        WaitFor(() => Run(0, "curl -s -o /dev/null http://www.example.com/").Code == 0, "the daemon to serve");
    }

    public string ConfigurationPath => Path.Combine(_directory, "mainstay.yaml");

    public string Socket => Path.Combine(_directory, "admin.sock");

    public int Count => _recipes.Count;

    public string Sub(string name) => Path.Combine(_directory, name);

    public int RequestsOf(string server) => _servers[server].Requests;

    /// <summary>Runs every step of a recipe and compares.</summary>
    public void Cook(string title)
    {
        int number = _recipes.Select((recipe, i) => (recipe.Title, i)).First(pair => pair.Title == title).i;
        foreach ((string command, IReadOnlyList<string> expected) in _recipes[number].Steps)
        {
            string output = "";
            bool asExpected = false;

            // What is told to the daemon may take a moment until every part of it has seen it.
            for (var clock = Stopwatch.StartNew(); !asExpected && clock.Elapsed < TimeSpan.FromSeconds(5);)
            {
                output = Run(number, command).Output;
                asExpected = HasInOrder(output, expected);
                if (!asExpected) Thread.Sleep(50);
            }

            Assert.True(asExpected, $"{title}\n$ {command}\n{output}\nexpected, in this order:\n{string.Join('\n', expected)}\nthe daemon wrote:\n{Log}");
        }
    }

    /// <summary>A command of a recipe: curl reaches the recipe's service under any name, mainstay the daemon.</summary>
    public (int Code, string Output) Run(int recipe, string command)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "mainstay");
        string shell = command
            .Replace("curl ", $"curl --max-time 10 --connect-to ::127.0.0.1:{_ports[recipe]} ", StringComparison.Ordinal)
            .Replace("/etc/mainstay/", _directory + "/", StringComparison.Ordinal);
        if (shell.StartsWith("mainstay ", StringComparison.Ordinal)) shell = $"{program} {shell[9..].Replace(" web", $" web{recipe}", StringComparison.Ordinal)} --socket {Socket}";
        using Process process = Start("/bin/sh", ["-c", shell]);
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, (output + error.Result).ReplaceLineEndings("\n"));
    }

    public void Dispose()
    {
        if (!_daemon.HasExited) _daemon.Kill(entireProcessTree: true);
        _daemon.WaitForExit();
        _daemon.Dispose();
        foreach (EchoServer server in _servers.Values) server.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>All at once, so that none is given twice.</summary>
    private static int[] FreePorts(int count)
    {
        TcpListener[] probes = [.. Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0))];
        foreach (TcpListener probe in probes) probe.Start();
        int[] ports = [.. probes.Select(probe => ((IPEndPoint)probe.LocalEndpoint).Port)];
        foreach (TcpListener probe in probes) probe.Dispose();
        return ports;
    }

    private string Log
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>The files that recipes name lie in the test's directory; what they hold stands in the page.</summary>
    private void Configure()
    {
        var yaml = new StringBuilder();
        yaml.Append(CultureInfo.InvariantCulture, $"node: lb1\nadmin: {{ socket: {Socket} }}\nprocess: {{ state-directory: {_directory}/state }}\npools:\n");
        foreach ((string name, EchoServer server) in _servers) yaml.Append(CultureInfo.InvariantCulture, $"  {name}: {{ servers: [\"127.0.0.1:{server.Port}\"] }}\n");
        foreach (IGrouping<string, string> root in _recipes.Where(r => r.Root.Length > 0).SelectMany(r => Sections(r.Root)).GroupBy(s => s.Key, s => s.Value))
            yaml.Append(root.Key).Append('\n').AppendJoin("", root);
        yaml.Append("http:\n");
        for (int i = 0; i < _recipes.Count; i++)
        {
            yaml.Append(CultureInfo.InvariantCulture, $"  web{i}:\n    listen: 127.0.0.1:{_ports[i]}\n");
            foreach (string line in _recipes[i].Service.Split('\n')) yaml.Append("    ").Append(line).Append('\n');
        }

        foreach ((string name, string content) in CookbookFiles.Read()) File.WriteAllText(Sub(name), content);
        File.WriteAllText(ConfigurationPath, yaml.ToString().Replace("/etc/mainstay/", _directory + "/", StringComparison.Ordinal));
    }

    private static IEnumerable<KeyValuePair<string, string>> Sections(string root)
    {
        string key = "";
        foreach (string line in root.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!char.IsWhiteSpace(line[0])) key = line;
            else yield return KeyValuePair.Create(key, line + "\n");
        }
    }

    private void WaitFor(Func<bool> condition, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(clock.Elapsed < Deadline && !_daemon.HasExited, $"waited in vain for {what}; the daemon wrote:\n{Log}\n{File.ReadAllText(ConfigurationPath)}");
            Thread.Sleep(20);
        }
    }

    private static bool HasInOrder(string output, IReadOnlyList<string> expected)
    {
        int at = 0;
        foreach (string line in output.Split('\n'))
            if (at < expected.Count && line.TrimEnd('\r', ' ') == expected[at]) at++;
        return at == expected.Count;
    }

    private static Process Start(string program, string[] arguments) => Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    }) ?? throw new InvalidOperationException("not started");
}

/// <summary>The files that the page shows: a `text` block whose first line names the file.</summary>
internal static partial class CookbookFiles
{
    public static IEnumerable<(string Name, string Content)> Read() => Block()
        .Matches(File.ReadAllText(RepositoryPaths.Of("docs", "rules.md")))
        .Select(match => (match.Groups["name"].Value, match.Groups["content"].Value));

    [GeneratedRegex("`/etc/mainstay/(?<name>[a-z.-]+)`[^\n]*:\n\n```text\n(?<content>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}

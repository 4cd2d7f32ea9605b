using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Health;

namespace Mainstay.Core.Tests.Health;

/// <summary>
/// Stories in testdata/*.txt: lines are what happens, indented lines what the machine did about it. With MAINSTAY_REWRITE=1 the indented
/// lines are written anew, to be read in the diff.
/// </summary>
public class HealthTranscriptTests
{
    public static TheoryData<string> Stories() => [.. Directory.GetFiles(Folder(), "*.txt").Select(path => Path.GetFileName(path)).Order()];

    [Theory]
    [MemberData(nameof(Stories))]
    public void Story_IsToldAsWritten(string name)
    {
        string path = Path.Combine(Folder(), name);
        string written = File.ReadAllText(path);
        string told = Tell(written);
        if (Environment.GetEnvironmentVariable("MAINSTAY_REWRITE") == "1") File.WriteAllText(path, told);
        else Assert.Equal(written, told);
    }

    private static string Tell(string story)
    {
        var output = new StringBuilder();
        HealthBench? bench = null;
        int seen = 0;
        foreach (string line in story.TrimEnd('\n').Split('\n'))
        {
            if (line.StartsWith("  ", StringComparison.Ordinal)) continue;
            output.Append(line).Append('\n');
            if (line.Length == 0 || line[0] == '#') continue;
            string[] words = line.Split(' ', 2);
            string rest = words.Length > 1 ? words[1] : "";
            if (words[0] == "policy") (bench, seen) = (new HealthBench(ReadPolicy(rest)), 0);
            else Perform(bench ?? throw new InvalidDataException("a story begins with its policy"), words[0], rest);
            seen = Report(bench, seen, output);
        }

        return output.ToString();
    }

    private static void Perform(HealthBench bench, string verb, string rest)
    {
        switch (verb)
        {
            case "start": bench.Start(ReadKnown(rest), rest == "joining"); break;
            case "answers": bench.Server = () => (TimeSpan.FromMilliseconds(3), CheckOutcome.Pass(CheckLayer.Application, rest)); break;
            case "fails":
                bench.Server = () => (TimeSpan.FromMilliseconds(3), new(CheckLayer.Application, CheckCause.Unexpected, rest));
                break;
            case "hangs": bench.Server = () => null; break;
            case "agent": bench.Server = () => (TimeSpan.FromMilliseconds(3), Core.Probing.AgentLine.Parse(Encoding.ASCII.GetBytes(rest))); break;
            case "operator": bench.Step(ReadOrder(rest)); break;
            case "policy-now": bench.Step(HealthInput.Changed(ReadPolicy(rest), checkChanged: false)); break;
            case "run": bench.Run(ReadSpan(rest)); break;
            default: throw new InvalidDataException($"unknown verb {verb}");
        }
    }

    private static int Report(HealthBench bench, int seen, StringBuilder output)
    {
        for (; seen < bench.Log.Count; seen++)
        {
            (Instant at, HealthEffect effect) = bench.Log[seen];
            string what = effect.Kind switch
            {
                HealthEffectKind.StartCheck => $"check {effect.Check}",
                HealthEffectKind.TimeOutCheck => $"check {effect.Check} timed out",
                HealthEffectKind.CancelCheck => $"check {effect.Check} cancelled",
                HealthEffectKind.StateChanged => $"{effect.State} at {effect.Share}/256: {effect.Reason}",
                HealthEffectKind.ShareChanged => $"share {effect.Share}/256",
                _ => "drain deadline passed",
            };
            output.Append(CultureInfo.InvariantCulture, $"  {(at - bench.Began).TotalSeconds,7:0.000}s  {what}\n");
        }

        return seen;
    }

    private static LastKnown? ReadKnown(string text) => text switch
    {
        "" or "joining" => null,
        "was up" => new LastKnown(ServerState.Up, "HTTP 200", ServerOrder.None, ""),
        "was down" => new LastKnown(ServerState.Down, "HTTP 503", ServerOrder.None, ""),
        "was drained" => new LastKnown(ServerState.Up, "HTTP 200", ServerOrder.Drain, "before the restart"),
        _ => throw new InvalidDataException(text),
    };

    private static HealthInput ReadOrder(string text)
    {
        string[] words = text.Split(' ', 2);
        ServerOrder order = words[0] switch
        {
            "drain" => ServerOrder.Drain,
            "maintenance" => ServerOrder.Maintenance,
            "enable" => ServerOrder.None,
            _ => throw new InvalidDataException(text),
        };
        return HealthInput.Operator(order, words.Length > 1 ? words[1] : "");
    }

    private static HealthPolicy ReadPolicy(string text)
    {
        Dictionary<string, string> values = text.Split(' ').Select(pair => pair.Split('=')).ToDictionary(pair => pair[0], pair => pair[1]);
        return new HealthPolicy
        {
            Interval = ReadSpan(values["interval"]),
            FastInterval = ReadSpan(values["fast"]),
            Timeout = ReadSpan(values["timeout"]),
            Rise = int.Parse(values["rise"], CultureInfo.InvariantCulture),
            Fall = int.Parse(values["fall"], CultureInfo.InvariantCulture),
            SlowStart = ReadSpan(values.GetValueOrDefault("slow-start", "0s")),
            DrainTimeout = ReadSpan(values.GetValueOrDefault("drain", "0s")),
        };
    }

    private static TimeSpan ReadSpan(string text) => text.EndsWith("ms", StringComparison.Ordinal)
        ? TimeSpan.FromMilliseconds(int.Parse(text[..^2], CultureInfo.InvariantCulture))
        : TimeSpan.FromSeconds(int.Parse(text[..^1], CultureInfo.InvariantCulture));

    private static string Folder([CallerFilePath] string file = "") => Path.Combine(Path.GetDirectoryName(file)!, "testdata");
}

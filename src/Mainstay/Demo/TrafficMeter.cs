using System.Collections.Immutable;

namespace Mainstay.Demo;

/// <summary>What one server answered lately, as its client saw it.</summary>
/// <param name="Share">0..1 of all answers.</param>
/// <param name="P50">Zero = it answered nothing lately.</param>
internal readonly record struct Traffic(double PerSecond, double Share, TimeSpan P50, TimeSpan P99)
{
    /// <summary>p50 and p99 of these durations, which are sorted by it.</summary>
    public static (TimeSpan P50, TimeSpan P99) Quantiles(List<TimeSpan> durations)
    {
        if (durations.Count == 0) return default;
        durations.Sort();
        return (durations[(int)((durations.Count - 1) * 0.5)], durations[(int)((durations.Count - 1) * 0.99)]);
    }
}

/// <summary>The last answers, by the server that gave them. Any thread.</summary>
internal sealed class TrafficMeter
{
    /// <summary>Long enough to be a steady number, short enough to show a change at once.</summary>
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly Queue<(TimeSpan At, int Server, TimeSpan Took)> _answers = new();
    private readonly ImmutableArray<string> _servers;

    public TrafficMeter(IEnumerable<string> servers) => _servers = [.. servers];

    public void OnAnswer(TimeSpan at, string server, TimeSpan took)
    {
        lock (_gate)
        {
            _answers.Enqueue((at, _servers.IndexOf(server), took));
            Forget(at);
        }
    }

    /// <summary>In the servers' order, and of all together.</summary>
    public (ImmutableArray<Traffic> Servers, Traffic All) Read(TimeSpan now)
    {
        lock (_gate)
        {
            Forget(now);
            double seconds = Math.Clamp(now.TotalSeconds, 0.1, Window.TotalSeconds);
            List<TimeSpan>[] each = [.. _servers.Select(_ => new List<TimeSpan>())];
            foreach ((_, int server, TimeSpan took) in _answers)
            {
                if (server >= 0) each[server].Add(took);
            }

            return ([.. each.Select(durations => Of(durations, seconds))], Of([.. _answers.Select(answer => answer.Took)], seconds));
        }
    }

    private Traffic Of(List<TimeSpan> durations, double seconds)
    {
        (TimeSpan p50, TimeSpan p99) = Traffic.Quantiles(durations);
        return new Traffic(durations.Count / seconds, (double)durations.Count / Math.Max(1, _answers.Count), p50, p99);
    }

    private void Forget(TimeSpan now)
    {
        while (_answers.TryPeek(out (TimeSpan At, int, TimeSpan) oldest) && now - oldest.At > Window) _answers.Dequeue();
    }
}

using System.Globalization;

namespace Mainstay.Demo;

/// <summary>Lines, for a pipe or a log: each thing that happens, with its time.</summary>
internal sealed class PlainView(TextWriter output) : IDemoView
{
    private readonly Lock _gate = new();

    public void Tell(TimeSpan at, string text, bool isScene)
    {
        lock (_gate)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{at.TotalSeconds,6:0.0}s  {(isScene ? "" : "  -> ")}{text}"));
            output.Flush();
        }
    }

    public void Conclude(IEnumerable<(string Text, Tone Tone)> lines)
    {
        foreach ((string text, _) in lines) output.WriteLine(text);
    }

    public async Task RunAsync(Func<Frame> read, CancellationToken stop) =>
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}

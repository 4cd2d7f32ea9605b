using System.Collections.Immutable;

namespace Mainstay.Demo;

/// <summary>One of the servers at one moment.</summary>
/// <param name="State">As <c>mainstay status</c> says it: up, down, draining, maintenance or unknown.</param>
/// <param name="Reason">Why it is in that state.</param>
internal sealed record ServerRow(string Name, string State, string Reason, string LastCheck, Traffic Traffic);

/// <summary>Everything there is to show at one moment.</summary>
/// <param name="Elapsed">Since the script's beginning.</param>
/// <param name="Worker">Its pid; 0 while there is none.</param>
internal sealed record Frame(
    TimeSpan Elapsed,
    TimeSpan Length,
    string Address,
    int Keeper,
    int Worker,
    string Narration,
    ImmutableArray<ServerRow> Servers,
    Traffic Traffic,
    ImmutableArray<ActResult> Acts)
{
    public long Answered => Acts.Sum(act => act.Answered);

    public long WhileNoticing => Acts.Sum(act => act.WhileNoticing);

    public long Lost => Acts.Sum(act => act.Lost);

    public long Retried => Acts.Sum(act => act.Retried);
}

/// <summary>Shows the demo while it plays.</summary>
internal interface IDemoView
{
    /// <summary>Something happened; <paramref name="isScene"/>: a scene began or its fault was taken back, else what came of it.</summary>
    void Tell(TimeSpan at, string text, bool isScene);

    /// <summary>Shows frames until cancelled.</summary>
    Task RunAsync(Func<Frame> read, CancellationToken stop);

    /// <summary>The last word, after the frames.</summary>
    void Conclude(IEnumerable<(string Text, Tone Tone)> lines);
}

using System.Globalization;

namespace Mainstay.Demo;

internal enum Tone
{
    Plain,
    Heading,
    Good,
    Bad,
    Warning,
}

/// <summary>What happened, in words that fit 80 columns.</summary>
internal static class Summary
{
    /// <summary>Of the columns that <see cref="Cells"/> fills.</summary>
    public static readonly IReadOnlyList<(string Title, int Width)> Columns =
        [("noticed", 8), ("back", 8), ("answered", 9), ("failed until noticed", 21), ("lost", 6)];

    /// <summary>Times: until the balancer knew of the fault, and from its end until the server was in again. Counts: see the result.</summary>
    public static string[] Cells(ActResult result)
    {
        Act act = result.Act;
        return
        [
            act.NoticedAt is { } noticed ? Seconds(noticed - act.BeganAt) : "",
            act.BackAt is { } back ? Seconds(back - (act.HealedAt ?? act.BeganAt)) : "",
            Count(result.Answered),
            Count(result.WhileNoticing),
            Count(result.Lost),
        ];
    }

    /// <summary>All of a demo's end: the acts, the verdict and what to do next.</summary>
    /// <param name="isWhole">The script was played to its end.</param>
    public static IEnumerable<(string Text, Tone Tone)> Lines(Frame frame, IReadOnlyList<(string Reason, int Count)> reasons, bool isWhole)
    {
        yield return ("", Tone.Plain);
        yield return (Row("     What happened", [.. Columns.Select(column => column.Title)]), Tone.Heading);
        foreach (ActResult result in frame.Acts)
        {
            bool isGood = result.Lost == 0;
            yield return (Row($"{(isGood ? "ok  " : "LOST")} {result.Act.Scene.Title}", Cells(result)), isGood ? Tone.Plain : Tone.Bad);
        }

        yield return ("", Tone.Plain);
        yield return ($"{Count(frame.Answered)} requests answered, {Count(frame.Lost)} lost.", frame.Lost == 0 ? Tone.Good : Tone.Bad);
        if (frame.WhileNoticing > 0)
            yield return ($"{Count(frame.WhileNoticing)} failed before the checks had noticed the fault that hit them.", Tone.Warning);
        if (reasons.Count > 0) yield return ($"Failed with: {string.Join(", ", reasons.Select(r => $"{r.Reason} ({Count(r.Count)})"))}.", Tone.Plain);
        if (frame.Retried > 0)
            yield return ($"{Count(frame.Retried)} were answered at the client's second try: its idle connection was gone.", Tone.Plain);
        if (!isWhole) yield return ("The demo was ended before its script was.", Tone.Plain);
        yield return ("", Tone.Plain);
        yield return ("Next: your own servers", Tone.Heading);
        yield return ("  ./mainstay demo --print-config > my.yaml    put your servers' addresses in it", Tone.Plain);
        yield return ("  ./mainstay check -c my.yaml                 what is wrong with it, if anything", Tone.Plain);
        yield return ("  ./mainstay run -c my.yaml", Tone.Plain);
    }

    private static string Row(string title, string[] cells) =>
        (title.PadRight(27) + string.Concat(cells.Select((cell, i) => cell.PadLeft(Columns[i].Width)))).TrimEnd();

    private static string Seconds(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.00} s");

    private static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);
}

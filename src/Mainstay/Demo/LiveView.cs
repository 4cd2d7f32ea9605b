using System.Globalization;
using Mainstay.Engine.Control;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Mainstay.Demo;

/// <summary>The demo in a terminal: drawn anew several times a second in 80 columns and 22 lines, with more beside where there is room.</summary>
internal sealed class LiveView(IAnsiConsole console) : IDemoView
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    /// <summary>From here on there is room for the reason beside the last check.</summary>
    private const int Wide = 108;

    private const int Narrowest = 60;

    private static readonly (string Title, int Width, bool IsNumber)[] LastNarrow = [("check", 0, false)];
    private static readonly (string Title, int Width, bool IsNumber)[] LastWide = [("last check", 20, false), ("reason", 0, false)];

    private readonly Symbols _symbols = new(console.Profile.Capabilities.Unicode);

    /// <summary>The frames say it.</summary>
    public void Tell(TimeSpan at, string text, bool isScene)
    {
    }

    public async Task RunAsync(Func<Frame> read, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            int window = Console.WindowWidth;
            // Lines are filled up to two columns before the window's edge: a terminal that shows Ctrl-C as ^C behind the last line must not
            // begin a new one, or the lines would not be found again to be cleared.
            console.Profile.Width = Math.Max(Narrowest, window - 2);
            await console.Live(Draw(read())).AutoClear(true).Overflow(VerticalOverflow.Crop).StartAsync(async context =>
            {
                while (!stop.IsCancellationRequested && Console.WindowWidth == window)
                {
                    context.UpdateTarget(Draw(read()));
                    await Task.Delay(Period, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }).ConfigureAwait(false);
            // In a window of another width the terminal has broken the lines anew.
            if (!stop.IsCancellationRequested) console.Clear(home: true);
        }
    }

    public void Conclude(IEnumerable<(string Text, Tone Tone)> lines)
    {
        console.Profile.Width = Math.Max(Narrowest, Console.WindowWidth);
        foreach ((string text, Tone tone) in lines) console.Write(new Text(text + "\n", StyleOf(tone)));
    }

    public IRenderable Draw(Frame frame)
    {
        int width = Math.Max(Narrowest, console.Profile.Width);
        return new Rows(Header(frame, width), Narration(frame), new Padder(Servers(frame, width - 1), new Padding(1, 0, 0, 0)), Client(frame), Acts(frame));
    }

    private Markup Header(Frame frame, int width)
    {
        string worker = frame.Worker > 0 ? $"worker {frame.Worker}" : $"{_symbols.Broken} no worker";
        string time = frame.Elapsed < frame.Length
            ? $"{Math.Floor(frame.Elapsed.TotalSeconds):0} s of {frame.Length.TotalSeconds:0} s"
            : "Ctrl-C ends";
        string processes = $"keeper {frame.Keeper}, ";
        int gap = width - ($" Mainstay  http://{frame.Address}/  {processes}{worker}".Length + time.Length + 1);
        return new Markup(
            $" [bold]Mainstay[/]  [blue]http://{frame.Address}/[/]  [grey]{processes}[/]"
            + $"[{(frame.Worker > 0 ? "grey" : "red")}]{worker}[/]"
            + $"{new string(' ', Math.Max(1, gap))}[grey]{time}[/]");
    }

    private static Panel Narration(Frame frame) => new(new Markup($"[bold]{Markup.Escape(frame.Narration)}[/]"))
    {
        Border = BoxBorder.Rounded,
        BorderStyle = new Style(Color.Grey),
        Expand = true,
        Height = 4,
        Padding = new Padding(1, 0),
    };

    private Table Servers(Frame frame, int width)
    {
        bool isWide = width >= Wide;
        int bar = isWide ? 20 : 6;
        (string Title, int Width, bool IsNumber)[] columns =
        [
            ("server", 6, false), ("state", 10, false), ("req/s", 5, true), ("share", bar + 5, false), ("p50 ms", 6, true),
            ("p99 ms", 6, true),
            .. isWide ? LastWide : LastNarrow,
        ];
        // Every column has a gap of one to either side, the first to its right only; the last one takes what is left.
        columns[^1].Width = width - columns.Sum(column => column.Width + 2);
        Table table = new Table().NoBorder();
        foreach ((string title, int columnWidth, bool isNumber) in columns)
        {
            TableColumn column = new TableColumn($"[grey]{title}[/]").NoWrap().Padding(1, 0, 1, 0).Width(columnWidth);
            table.AddColumn(isNumber ? column.RightAligned() : column);
        }

        foreach (ServerRow server in frame.Servers) table.AddRow(Cells(server, bar, isWide, columns[6].Width, columns[^1].Width));
        return table;
    }

    private string[] Cells(ServerRow server, int bar, bool isWide, int checkWidth, int reasonWidth)
    {
        (string sign, string colour) = _symbols.OfState(server.State);
        // Where there is room for one of them: while all is well what the check saw, else why it is not.
        string check = isWide || server.State == "up" || server.Reason.Length == 0 ? server.LastCheck : server.Reason;
        string[] cells =
        [
            $"[bold]{server.Name}[/]",
            $"[{colour}]{sign} {Markup.Escape(server.State)}[/]",
            Number(server.Traffic.PerSecond),
            $"[{colour}]{_symbols.Bar(server.Traffic.Share, bar)}[/] {server.Traffic.Share * 100,3:0}%",
            Milliseconds(server.Traffic.P50),
            Milliseconds(server.Traffic.P99),
            Fit(check, checkWidth),
        ];
        return isWide ? [.. cells, Fit(server.Reason, reasonWidth)] : cells;
    }

    private Markup Client(Frame frame)
    {
        string lost = frame.Lost == 0 ? $"[green]{_symbols.Done} 0 lost[/]" : $"[red]{_symbols.Broken} {Number(frame.Lost)} lost[/]";
        return new Markup(
            $"\n [bold]client[/]   {Number(frame.Traffic.PerSecond)} req/s   p99 {Milliseconds(frame.Traffic.P99)} ms   "
            + $"[bold]{Number(frame.Answered)} answered   {lost}[/]\n");
    }

    private Rows Acts(Frame frame)
    {
        string titles = string.Concat(Summary.Columns.Select(column => column.Title.PadLeft(column.Width)));
        IEnumerable<IRenderable> acts = Script.Scenes.Select((scene, i) => (IRenderable)(i < frame.Acts.Length
            ? Act(frame.Acts[i], isPlaying: i == frame.Acts.Length - 1 && frame.Elapsed < frame.Length)
            : new Markup($" [grey]{_symbols.Waiting} {scene.Title}[/]")));
        return new Rows([new Markup($"[grey]{"   scene",-25}{titles}[/]"), .. acts]);
    }

    private Markup Act(ActResult result, bool isPlaying)
    {
        (string sign, string colour) = result.Lost > 0 ? (_symbols.Broken, "red") : isPlaying ? (_symbols.Playing, "blue") : (_symbols.Done, "green");
        string[] cells = [.. Summary.Cells(result).Select((cell, i) => cell.PadLeft(Summary.Columns[i].Width))];
        string failed = result.WhileNoticing > 0 ? "yellow" : "grey", lost = result.Lost > 0 ? "red" : "green";
        return new Markup(
            $" [{colour}]{sign}[/] {result.Act.Scene.Title,-22}{cells[0]}{cells[1]}{cells[2]}[{failed}]{cells[3]}[/][{lost}]{cells[4]}[/]");
    }

    private string Fit(string text, int width) => $"[grey]{Markup.Escape(_symbols.Fit(OperatorLog.Escape(text), width))}[/]";

    private static Style StyleOf(Tone tone) => tone switch
    {
        Tone.Heading => new Style(decoration: Decoration.Bold),
        Tone.Good => new Style(Color.Green, decoration: Decoration.Bold),
        Tone.Bad => new Style(Color.Red, decoration: Decoration.Bold),
        Tone.Warning => new Style(Color.Yellow),
        _ => Style.Plain,
    };

    private static string Number(double number) => number.ToString("#,0", CultureInfo.InvariantCulture);

    private static string Milliseconds(TimeSpan time) =>
        time == TimeSpan.Zero ? "-" : time.TotalMilliseconds.ToString(time.TotalMilliseconds < 100 ? "0.0" : "#,0", CultureInfo.InvariantCulture);
}

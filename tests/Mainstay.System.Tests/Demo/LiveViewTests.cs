using System.Collections.Immutable;
using Mainstay.Demo;
using Spectre.Console;

namespace Mainstay.System.Tests.Demo;

public class LiveViewTests
{
    private static readonly Traffic s_busy = new(12345, 1, TimeSpan.FromMilliseconds(4.6), TimeSpan.FromSeconds(9));

    [Theory]
    [InlineData(78)]
    [InlineData(100)]
    [InlineData(118)]
    [InlineData(200)]
    public void Draw_LongestTexts_StayWithinTheWindow(int width)
    {
        string[] lines = Draw(width, ColorSystemSupport.NoColors);

        Assert.All(lines, line => Assert.True(line.Length <= width, line));
        // With the three lines above it, it fits 24.
        Assert.True(lines.Length <= 21, string.Join('\n', lines));
    }

    [Fact]
    public void Draw_WithoutColours_EveryStateHasItsSignAndItsWord()
    {
        string text = string.Join('\n', Draw(78, ColorSystemSupport.NoColors));

        Assert.Contains("● up", text, StringComparison.Ordinal);
        Assert.Contains("✖ down", text, StringComparison.Ordinal);
        Assert.Contains("◐ draining", text, StringComparison.Ordinal);
        Assert.Contains("✖ 7 lost", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Draw_TextsOfServers_CannotWriteToTheTerminal()
    {
        string text = string.Join('\n', Draw(200, ColorSystemSupport.NoColors));

        Assert.DoesNotContain('\x1b', text);
        Assert.Contains("\\x1b[2J [red]", text, StringComparison.Ordinal);
    }

    private static string[] Draw(int width, ColorSystemSupport colours)
    {
        using var output = new StringWriter();
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = AnsiSupport.No,
            ColorSystem = colours,
            Out = new AnsiConsoleOutput(output),
        });
        (console.Profile.Width, console.Profile.Capabilities.Unicode) = (width, true);
        console.Write(new LiveView(console).Draw(FrameOfEverything()));
        return output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    private static Frame FrameOfEverything()
    {
        ImmutableArray<ServerRow> servers =
        [
            new("web1", "up", "HTTP 200, 2 good results in a row", "HTTP 200 in 1234.5 ms", s_busy),
            new("web2", "down", "timeout after 250ms waiting for the status line, 2 bad results in a row", "\x1b[2J [red]", default),
            new("web3", "draining", "drained by the operator: the demo's script", "HTTP 200 in 0.4 ms", s_busy),
        ];
        ImmutableArray<ActResult> acts =
        [
            .. Script.Scenes.Select(scene => new ActResult(
                new Act(scene, TimeSpan.Zero, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(99.99), TimeSpan.FromSeconds(99.99)), 123456, 12345, 0, 3)),
        ];
        acts = acts.SetItem(1, acts[1] with { Lost = 7 });
        return new Frame(
            TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(3600), "127.0.0.1:18080", 4194304, 4194304, Script.Scenes[2].Narration, servers, s_busy, acts);
    }
}

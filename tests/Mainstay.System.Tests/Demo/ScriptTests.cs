using System.Collections.Immutable;
using Mainstay.Demo;

namespace Mainstay.System.Tests.Demo;

public class ScriptTests
{
    [Theory]
    [InlineData(8)]
    [InlineData(10)]
    [InlineData(60)]
    [InlineData(3600)]
    public void For_AnyLength_ScenesFollowEachOtherAndFillIt(int seconds)
    {
        TimeSpan length = TimeSpan.FromSeconds(seconds);

        ImmutableArray<ScheduledScene> script = Script.For(length);

        Assert.Equal(TimeSpan.Zero, script[0].Begins);
        Assert.Equal(length, script[^1].Ends);
        Assert.All(script, scene => Assert.True(scene.Begins < scene.Ends && scene.Heals <= scene.Ends && scene.Begins < scene.Heals));
        Assert.All(script.Zip(script.Skip(1)), pair => Assert.Equal(pair.First.Ends, pair.Second.Begins));
    }

    [Fact]
    public void For_TenSeconds_BeginsAndHealsWhenTheScriptSays()
    {
        ImmutableArray<ScheduledScene> script = Script.For(TimeSpan.FromSeconds(10));

        Assert.Equal(
            [
                (Fault.None, 0, 600, 600), (Fault.Crash, 600, 1600, 2400), (Fault.Hang, 2400, 4000, 4800), (Fault.Errors, 4800, 5800, 6600),
                (Fault.Drain, 6600, 7400, 7800), (Fault.KillWorker, 7800, 10000, 10000),
            ],
            script.Select(s => (s.Scene.Fault, Milliseconds(s.Begins), Milliseconds(s.Heals), Milliseconds(s.Ends))));
    }

    [Fact]
    public void Shortest_EveryFaultLastsLongerThanTheChecksNeed()
    {
        // The allowance for a busy machine is not part of what the checks need.
        TimeSpan allowance = TimeSpan.FromMilliseconds(500);
        foreach (ScheduledScene scene in Script.For(Script.Shortest).Where(scene => scene.Scene.IsChecked))
            Assert.True(scene.Heals - scene.Begins >= Detection.Limit(scene.Scene.Fault) - allowance, scene.Scene.Title);
    }

    [Fact]
    public void Limit_OfEachFault_IsWhatTheConfiguredChecksNeed()
    {
        // An interval and its jitter until the first bad check, then the second one: 100 ms and jitter after the first, or a second timeout.
        Assert.Equal(TimeSpan.FromMilliseconds((300 * 1.05) + (100 * 1.05) + 500), Detection.Limit(Fault.Crash));
        Assert.Equal(TimeSpan.FromMilliseconds((300 * 1.05) + (100 * 1.05) + 500), Detection.Limit(Fault.Errors));
        Assert.Equal(TimeSpan.FromMilliseconds((300 * 1.05) + 250 + 250 + 500), Detection.Limit(Fault.Hang));
        Assert.Equal(TimeSpan.Zero, Detection.Limit(Fault.Drain));
    }

    [Fact]
    public void Scenes_Narrations_FitTwoLinesOfAnEightyColumnTerminal()
    {
        Assert.All(
            Script.Scenes.SelectMany(scene => new[] { scene.Narration, scene.Recovery }), text => Assert.True(Lines(text, 74) <= 2, text));
    }

    private static int Milliseconds(TimeSpan time) => (int)Math.Round(time.TotalMilliseconds);

    private static int Lines(string text, int width)
    {
        int lines = 1, column = 0;
        foreach (string word in text.Split(' '))
        {
            if (column > 0 && column + 1 + word.Length > width) (lines, column) = (lines + 1, 0);
            column += word.Length + (column > 0 ? 1 : 0);
        }

        return lines;
    }
}

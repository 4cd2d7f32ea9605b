using Mainstay.Engine.Control;

namespace Mainstay.Engine.Tests.Control;

public class OperatorLogTests
{
    [Theory]
    [InlineData("plain text, größer", "plain text, größer")]
    [InlineData("two\nlines\r", @"two\x0alines\x0d")]
    [InlineData("\u001b[31mred", @"\x1b[31mred")]
    [InlineData("a\u202Eb\u2028c", @"a\u202eb\u2028c")]
    [InlineData("\u0085\0", @"\x85\x00")]
    public void Escape_TextFromOutside_IsOneLineThatTheTerminalShowsAsItIs(string text, string expected) =>
        Assert.Equal(expected, OperatorLog.Escape(text));

    [Fact]
    public void Escape_Endless_IsCut() => Assert.InRange(OperatorLog.Escape(new string('\n', 1_000_000)).Length, 4096, 4200);
}

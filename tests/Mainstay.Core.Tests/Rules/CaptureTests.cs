using System.Text.RegularExpressions;
using Mainstay.Core.Rules.Captures;

namespace Mainstay.Core.Tests.Rules;

/// <summary>Groups are where .NET's backtracking engine finds them, and a match is one of its linear engine too.</summary>
public class CaptureTests
{
    private const RegexOptions Options = RegexOptions.NonBacktracking | RegexOptions.CultureInvariant | RegexOptions.Singleline;

    private static readonly string[] Atoms =
        ["a", "b", "c", ".", "[ab]", "[^a]", @"\d", @"\w", @"[\d-]", "[b-d0]", "é", @"\.", "/", "(?:ab|a)", @"\x61", "ba"];

    private static readonly string[] Counts = ["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}?", "{2,}"];

    [Theory]
    [InlineData("^/(.*)$", "/a/b")]
    [InlineData("^/old/([0-9]+)(?:/(.*))?$", "/old/17")]
    [InlineData("^/old/([0-9]+)(?:/(.*))?$", "/old/17/x")]
    [InlineData(@"(?<name>[^.]+)\.(php|html?)$", "/a/index.html")]
    [InlineData(@"^(?<a>x)(y)(?<b>z)$", "xyz")]
    [InlineData("(a|ab)(c|bcd)(d*)", "abcd")]
    [InlineData("(a+?)(a*)", "aaa")]
    [InlineData(@"(\w+)\b", "foo bar")]
    [InlineData("(?i:A)(b)", "ab")]
    [InlineData("(?i)(K)", "\u212a")]
    [InlineData("é(.)", "xéy")]
    [InlineData("([]a]+)", "b]a")]
    [InlineData("a{,2}(b)", "a{,2}b")]
    [InlineData("(x)$", "x\n")]
    public void TryMatch_OneExpression_FindsTheSameGroups(string expression, string text) => AssertSame(expression, text);

    [Fact]
    public void TryMatch_RandomExpressions_FindTheSameGroupsAsDotNet()
    {
        var random = new Random(7);
        int matched = 0;
        for (int i = 0; i < 3000; i++)
        {
            string expression = Random(random, depth: 3);
            string text = string.Concat(Enumerable.Range(0, random.Next(12)).Select(_ => "abcd01./é"[random.Next(9)]));
            if (AssertSame(expression, text)) matched++;
        }

        Assert.InRange(matched, 500, 2900);
    }

    [Theory]
    [InlineData(@"\p{L}(a)")]
    [InlineData("[a-z-[b]](c)")]
    [InlineData("(?x: a )(b)")]
    [InlineData("((((a{20}){20}){20}){20})")]
    public void TryCompile_WhatItDoesNotKnow_IsSaid(string expression)
    {
        Assert.False(CaptureProgram.TryCompile(expression, ignoreCase: false, out _, out string problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void TryMatch_TextThatBacktrackingDiesOf_TakesLinearTime()
    {
        Assert.True(CaptureProgram.TryCompile("^(a|a)*(a|a)*b$", ignoreCase: false, out CaptureProgram program, out _));
        Assert.False(new CaptureMatcher(program).TryMatch(new string('a', 8000)));
    }

    [Fact]
    public void TryCompile_RandomTexts_NeverThrow()
    {
        var random = new Random(11);
        string[] pieces = ["(", ")", "[", "]", "{", "}", "\\", "?", "<", ">", "a", "-", "^", "*", "|", "#", "i", ":", "x", "1", ",", "'"];
        for (int i = 0; i < 20_000; i++)
        {
            string text = string.Concat(Enumerable.Range(0, random.Next(10)).Select(_ => pieces[random.Next(pieces.Length)]));
            if (!IsValid(text)) continue;
            if (CaptureProgram.TryCompile(text, ignoreCase: false, out CaptureProgram program, out _)) new CaptureMatcher(program).TryMatch("a-x1");
        }
    }

    private static bool IsValid(string expression)
    {
        try
        {
            _ = new Regex(expression, Options);
            return true;
        }
        catch (Exception problem) when (problem is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    private static bool AssertSame(string expression, string text)
    {
        Assert.True(CaptureProgram.TryCompile(expression, ignoreCase: false, out CaptureProgram program, out string problem), $"{expression}: {problem}");
        Match expected = new Regex(expression, Options & ~RegexOptions.NonBacktracking).Match(text);
        Assert.Equal(expected.Success, new Regex(expression, Options).IsMatch(text));
        var matcher = new CaptureMatcher(program);
        Assert.True(expected.Success == matcher.TryMatch(text), $"{expression} on {text}: {expected.Success}");
        if (!expected.Success) return false;
        Assert.Equal(expected.Groups.Count - 1, program.Groups);
        for (int group = 0; group <= program.Groups; group++)
        {
            bool found = matcher.TryGetGroup(group, out int start, out int length);
            string want = expected.Groups[group].Success ? $"{expected.Groups[group].Index}+{expected.Groups[group].Length}" : "none";
            Assert.True(want == (found ? $"{start}+{length}" : "none"), $"{expression} on {text}, group {group}: {want}, not {start}+{length}");
        }

        return true;
    }

    /// <summary>Groups are never repeated while they can be empty: what the last round of such a loop captures is a matter of taste.</summary>
    private static string Random(Random random, int depth)
    {
        int parts = random.Next(1, 4);
        string text = "";
        for (int i = 0; i < parts; i++)
        {
            int kind = depth == 0 ? 9 : random.Next(10);
            text += kind switch
            {
                0 or 1 => $"({Random(random, depth - 1)})",
                2 => $"(?:{Random(random, depth - 1)}|{Random(random, depth - 1)})",
                3 => $"(?<n{random.Next(1_000_000)}>{Random(random, depth - 1)})",
                4 => $"({Atoms[random.Next(Atoms.Length)]})" + Counts[random.Next(Counts.Length)],
                5 => random.Next(6) switch { 0 => "^", 1 => "$", 2 => @"\b", _ => "a" },
                _ => Atoms[random.Next(Atoms.Length)] is var atom && (atom.Length == 1 || atom[0] is '[' or '\\' or '(') ? atom + Counts[random.Next(Counts.Length)] : "ba",
            };
        }

        return text;
    }
}

using System.Text.RegularExpressions;

namespace Mainstay.System.Tests.Configuration;

public class LoggingPageTests
{
    private static readonly string s_page = File.ReadAllText(Path.Combine(RepositoryPaths.Root, "docs", "logging.md"));

    /// <summary>Names stand in the first column of the page's table.</summary>
    public static TheoryData<string> Variables => [.. Regex.Matches(s_page, @"(?m)^\| `([^`]+)` \|").Select(match => match.Groups[1].Value)];

    [Theory]
    [MemberData(nameof(Variables))]
    public void EveryVariableOfThePage_IsKnown(string name)
    {
        string variable = name.Replace("NAME", "x-tenant", StringComparison.Ordinal);
        Assert.Empty(Configurations.Compile(Format(variable)).Errors);
    }

    [Fact]
    public void EveryKnownVariable_IsOnThePage()
    {
        // An unknown one lists all that are known, where none is near.
        string message = Assert.Single(Configurations.Compile(Format("qqqqqqqqqqqqqqqqqqqq")).Errors).ToString();
        string list = message[(message.IndexOf("known: ", StringComparison.Ordinal) + 7)..^1];
        Assert.Equal(Variables.Select(row => row.Data.Replace("NAME", "", StringComparison.Ordinal)).Order(), list.Split(", ").Order());
    }

    private static string Format(string variable) =>
        $"access-log: {{ format: \"{{{variable}}}\" }}\nhttp: {{ web: {{ listen: \"127.0.0.1:8080\", routes: [{{ respond: 200 }}] }} }}\n";
}

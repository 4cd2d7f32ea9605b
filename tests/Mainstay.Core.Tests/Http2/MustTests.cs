using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Mainstay.Core.Tests.Http2;

/// <summary>testdata/musts.txt: what RFC 9113, RFC 7541 and their extensions demand, and the test that shows it.</summary>
public class MustTests
{
    private sealed record Must(string Section, string Requirement, string[] Tests);

    [Fact]
    public void EveryRequirement_NamesTestsThatExist()
    {
        HashSet<string> tests = Tests();
        string[] missing = [.. Table().SelectMany(m => m.Tests.Where(t => !tests.Contains(t)).Select(t => $"{m.Section}: {t}"))];
        Assert.True(missing.Length == 0, string.Join('\n', missing));
    }

    [Fact]
    public void EveryTestOfASection_StandsInTheTable()
    {
        HashSet<string> listed = [.. Table().SelectMany(m => m.Tests)];
        string[] unlisted = [.. Tests().Where(t => IsOfASection(t) && !listed.Contains(t)).Order()];
        Assert.True(unlisted.Length == 0, string.Join('\n', unlisted));
    }

    [Fact]
    public void EveryTest_IsNamedByTheSectionThatItStandsUnder()
    {
        foreach (Must must in Table().Where(m => !m.Section.StartsWith("9110", StringComparison.Ordinal)))
        {
            string[] parts = must.Section.Split(' ');
            string prefix = (parts[0] == "9113" ? "Section" : $"Rfc{parts[0]}_") + parts[1].Replace('.', '_') + "_";
            string[] wrong = [.. must.Tests.Where(t => IsOfASection(t) && !t.StartsWith(prefix, StringComparison.Ordinal))];
            Assert.True(wrong.Length == 0, $"{must.Section}: {string.Join(", ", wrong)}");
        }
    }

    private static bool IsOfASection(string test) =>
        test.StartsWith("Section", StringComparison.Ordinal) || test.StartsWith("Rfc", StringComparison.Ordinal);

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "tests are not trimmed")]
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "tests are not trimmed")]
    private static HashSet<string> Tests() =>
    [
        .. typeof(MustTests).Assembly.GetTypes().Where(t => t.Namespace == typeof(MustTests).Namespace)
            .SelectMany(t => t.GetMethods()).Where(m => m.GetCustomAttribute<FactAttribute>() is not null).Select(m => m.Name),
    ];

    /// <summary>Lines of "section | requirement | test, test"; '#' begins a comment.</summary>
    private static List<Must> Table([CallerFilePath] string caller = "")
    {
        string path = Path.Combine(Path.GetDirectoryName(caller)!, "testdata", "musts.txt");
        List<Must> table = [.. File.ReadLines(path).Where(line => line.Length > 0 && line[0] != '#').Select(Parse)];
        Assert.True(table.Count > 100, "the table is gone");
        return table;
    }

    private static Must Parse(string line)
    {
        string[] parts = line.Split('|', StringSplitOptions.TrimEntries);
        Assert.True(parts.Length == 3, line);
        return new Must(parts[0], parts[1], parts[2].Split(',', StringSplitOptions.TrimEntries));
    }
}

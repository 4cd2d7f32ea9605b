using System.Runtime.CompilerServices;

namespace Mainstay.Core.Tests.Balancing;

/// <summary>
/// The pick sequences in testdata/*.txt: what every algorithm does, as a story to read. With MAINSTAY_REWRITE=1 in the
/// environment the files are written anew from what the code does now; the difference is then for a human to judge.
/// </summary>
public class GoldenPicksTests
{
    public static TheoryData<string> Stories =>
        [.. Directory.GetFiles(Folder(), "*.txt").Select(file => Path.GetFileNameWithoutExtension(file)).Order()];

    [Theory]
    [MemberData(nameof(Stories))]
    public void Story_Told_ComesOutAsWritten(string name)
    {
        string file = Path.Combine(Folder(), name + ".txt");
        string written = File.ReadAllText(file);
        string told = PickStory.Tell(written);
        if (Environment.GetEnvironmentVariable("MAINSTAY_REWRITE") == "1") File.WriteAllText(file, told);
        else Assert.Equal(written, told);
    }

    private static string Folder([CallerFilePath] string source = "") => Path.Combine(Path.GetDirectoryName(source) ?? "", "testdata");
}

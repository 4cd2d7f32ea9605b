using System.Text;
using Mainstay.Configuration;
using Mainstay.Core.Config;

namespace Mainstay.System.Tests.Configuration;

/// <summary>
/// Every testdata/NAME.yaml has its NAME.txt: all errors and warnings, word by word. MAINSTAY_REWRITE=1 rewrites them.
/// </summary>
public class GoldenErrorTests
{
    private static readonly string Folder = RepositoryPaths.Of("tests", "Mainstay.System.Tests", "Configuration", "testdata");

    public static TheoryData<string> Names => [.. Directory.GetFiles(Folder, "*.yaml").Select(f => Path.GetFileNameWithoutExtension(f)).Order()];

    [Theory]
    [MemberData(nameof(Names))]
    public void Compile_File_SaysExactlyThis(string name)
    {
        byte[] bytes = File.ReadAllBytes(Path.Combine(Folder, $"{name}.yaml"));
        string actual = Transcript(Configurations.Compile(bytes, $"{name}.yaml"));
        string golden = Path.Combine(Folder, $"{name}.txt");
        if (RepositoryPaths.Rewrite) File.WriteAllText(golden, actual);
        Assert.Equal(File.ReadAllText(golden), actual);
    }

    private static string Transcript(ConfigResult result)
    {
        var text = new StringBuilder();
        foreach (ConfigDiagnostic error in result.Errors) text.Append($"error   {error}\n");
        foreach (ConfigDiagnostic warning in result.Warnings) text.Append($"warning {warning}\n");
        return text.Append(result.Snapshot is null ? "refused\n" : "accepted\n").ToString();
    }
}

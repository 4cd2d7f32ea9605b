using System.Text.RegularExpressions;

namespace Mainstay.System.Tests.House;

/// <summary>The working copy that these tests were built from.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>C# files that people wrote below a folder, by path from the root.</summary>
    public static IEnumerable<(string Path, string Text)> Sources(string folder) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !Regex.IsMatch(file, "/(bin|obj)/"))
            .Select(file => (Path.GetRelativePath(Root, file), File.ReadAllText(file)));

    private static string FindRoot()
    {
        string? directory = AppContext.BaseDirectory;
        while (directory is not null && !File.Exists(Path.Combine(directory, "Mainstay.slnx"))) directory = Path.GetDirectoryName(directory);
        return directory ?? throw new InvalidOperationException("these tests run from their place in a working copy");
    }
}

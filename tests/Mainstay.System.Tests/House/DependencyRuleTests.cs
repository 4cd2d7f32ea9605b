using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Mainstay.System.Tests.House;

/// <summary>Arrows point down only (docs/architecture.md).</summary>
public class DependencyRuleTests
{
    /// <summary>What each project may know of the others.</summary>
    private static readonly Dictionary<string, string[]> AllowedReferences = new()
    {
        ["Mainstay.Core"] = [],
        ["Mainstay.Linux"] = ["Mainstay.Core"],
        ["Mainstay.Engine"] = ["Mainstay.Core", "Mainstay.Linux"],
        ["Mainstay"] = ["Mainstay.Engine"],
    };

    /// <summary>Folders of the engine that every plane stands on or reports to. Each other folder is a plane.</summary>
    private static readonly string[] EngineBase = ["Shards", "Tls", "Offload", "Pools", "Logging", "Control"];

    /// <summary>What one plane may use of another, with the reason.</summary>
    private static readonly (string From, string To, string Reason)[] PlaneExceptions =
    [
    ];

    [Fact]
    public void Projects_ReferToLowerOnesOnly()
    {
        foreach (string project in Directory.GetDirectories(Path.Combine(RepositoryPaths.Root, "src")))
        {
            string name = Path.GetFileName(project);
            Assert.True(AllowedReferences.TryGetValue(name, out string[]? allowed), $"say in this test what {name} may refer to");
            IEnumerable<string> references = XDocument.Load(Path.Combine(project, name + ".csproj"))
                .Descendants("ProjectReference")
                .Select(reference => Path.GetFileNameWithoutExtension((string?)reference.Attribute("Include") ?? ""));

            Assert.Subset(allowed.ToHashSet(), references.ToHashSet());
        }
    }

    [Fact]
    public void Core_RefersToNoPackageButItsAnalyzer()
    {
        XDocument core = XDocument.Load(Path.Combine(RepositoryPaths.Root, "src/Mainstay.Core/Mainstay.Core.csproj"));

        Assert.All(core.Descendants("PackageReference"), reference => Assert.Equal("all", (string?)reference.Attribute("PrivateAssets")));
    }

    [Fact]
    public void Projects_DoNotUseNamespacesOfHigherOnes()
    {
        foreach (string project in AllowedReferences.Keys.Where(project => project != "Mainstay"))
        {
            string[] others = [.. AllowedReferences.Keys.Where(other => other != "Mainstay" && other != project && !AllowedReferences[project].Contains(other))];
            foreach ((string path, string text) in Sources($"src/{project}"))
            {
                Assert.All(others, other => Assert.False(Uses(text, other), $"{path} uses {other}"));
            }
        }
    }

    [Fact]
    public void Planes_DoNotKnowEachOther()
    {
        string engine = Path.Combine(RepositoryPaths.Root, "src/Mainstay.Engine");
        string[] planes = [.. Directory.GetDirectories(engine).Select(path => Path.GetFileName(path)).Except(["bin", "obj", .. EngineBase])];
        foreach (string from in planes.Concat(EngineBase.Where(folder => Directory.Exists(Path.Combine(engine, folder)))))
        {
            foreach ((string path, string text) in Sources($"src/Mainstay.Engine/{from}"))
            {
                foreach (string to in planes.Where(to => to != from && !PlaneExceptions.Any(exception => (exception.From, exception.To) == (from, to))))
                    Assert.False(Uses(text, $"Mainstay.Engine.{to}"), $"{path} uses the plane {to}; planes stand on {string.Join(", ", EngineBase)}");
            }
        }
    }

    [Fact]
    public void UnsafeCodeAndNativeCalls_AreInLinuxOnly()
    {
        foreach (string project in AllowedReferences.Keys.Where(project => project != "Mainstay.Linux"))
        {
            Assert.DoesNotContain("AllowUnsafeBlocks", File.ReadAllText(Path.Combine(RepositoryPaths.Root, "src", project, project + ".csproj")), StringComparison.Ordinal);
            foreach ((string path, string text) in Sources($"src/{project}"))
                Assert.False(Regex.IsMatch(text, @"\[(DllImport|LibraryImport)\b|NativeLibrary\."), $"{path} calls native code; that belongs in Mainstay.Linux");
        }
    }

    /// <summary>C# files that people wrote below a folder, by path from the root.</summary>
    private static IEnumerable<(string Path, string Text)> Sources(string folder) =>
        Directory.EnumerateFiles(RepositoryPaths.Of(folder), "*.cs", SearchOption.AllDirectories)
            .Where(file => !Regex.IsMatch(file, "/(bin|obj)/"))
            .Select(file => (Path.GetRelativePath(RepositoryPaths.Root, file), File.ReadAllText(file)));

    private static bool Uses(string text, string name) => Regex.IsMatch(text, $@"(?<![\w.]){Regex.Escape(name)}(?![\w])");
}

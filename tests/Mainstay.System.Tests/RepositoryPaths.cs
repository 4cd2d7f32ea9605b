using System.Runtime.CompilerServices;

namespace Mainstay.System.Tests;

/// <summary>Files of the repository, found from where this file was compiled.</summary>
internal static class RepositoryPaths
{
    public static string Root { get; } = Path.GetFullPath(Path.Combine(SourceDirectory(), "..", ".."));

    /// <summary>Set to rewrite golden files and generated pages instead of comparing with them.</summary>
    public static bool Rewrite { get; } = Environment.GetEnvironmentVariable("MAINSTAY_REWRITE") == "1";

    public static string Of(params ReadOnlySpan<string> parts) => Path.Combine([Root, .. parts]);

    private static string SourceDirectory([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}

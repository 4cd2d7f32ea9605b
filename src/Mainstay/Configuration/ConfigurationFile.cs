using Mainstay.Core.Config;

namespace Mainstay.Configuration;

/// <summary>Reads a configuration file and compiles it.</summary>
internal static class ConfigurationFile
{
    /// <summary>Never throws for what is wrong with the file: that is in the result's errors, each with its position.</summary>
    public static ConfigResult Load(string path) => Load(path, LocalEnvironment.Create(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/"));

    public static ConfigResult Load(string path, ConfigEnvironment environment)
    {
        byte[] bytes;
        try
        {
            bytes = BoundedFile.Read(path, YamlReader.LargestFile + 1);
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return Failed(new ConfigDiagnostic(new SourcePosition(path, 1, 1), $"cannot be read: {BoundedFile.Reason(problem, path)}"));
        }

        return YamlReader.TryRead(bytes, path, out ConfigNode? root, out ConfigDiagnostic? error)
            ? ConfigCompiler.Compile(root!, environment)
            : Failed(error!);
    }

    /// <summary>For a file that somebody else has read.</summary>
    public static ConfigResult Parse(ReadOnlyMemory<byte> content, string path, ConfigEnvironment environment) =>
        YamlReader.TryRead(content.Span, path, out ConfigNode? root, out ConfigDiagnostic? error)
            ? ConfigCompiler.Compile(root!, environment)
            : Failed(error!);

    /// <summary>For text that is in no file.</summary>
    public static ConfigResult Parse(string text, string name, ConfigEnvironment environment) =>
        YamlReader.TryRead(text, name, out ConfigNode? root, out ConfigDiagnostic? error)
            ? ConfigCompiler.Compile(root!, environment)
            : Failed(error!);

    private static ConfigResult Failed(ConfigDiagnostic error) => new(null, [error], []);
}

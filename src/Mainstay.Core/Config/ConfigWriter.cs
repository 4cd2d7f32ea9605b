using Mainstay.Core.Config.Vocabulary;

namespace Mainstay.Core.Config;

/// <summary>Writes a snapshot as a configuration file: only what differs from the defaults, with a comment above each section.</summary>
public static class ConfigWriter
{
    /// <summary>
    /// YAML that compiles to an equal snapshot in the same environment. Secrets that came from files or the environment are written
    /// out: not for logs.
    /// </summary>
    public static string Write(Snapshot snapshot, ConfigEnvironment? environment = null)
    {
        ConfigNode root = RootSection.Section.Write(snapshot, new WriteOptions(environment ?? new ConfigEnvironment(), Defaults: false));
        return YamlText.Of((MappingNode)root);
    }
}

using Mainstay.Configuration;
using Mainstay.Core.Config;

namespace Mainstay.System.Tests.Configuration;

/// <summary>Compiles configurations in surroundings that are the same everywhere.</summary>
internal static class Configurations
{
    public static readonly ConfigEnvironment Surroundings = new() { HostName = "lb1", Secrets = Secret };

    public static ConfigResult Compile(string text) => ConfigurationFile.Parse(text, "test.yaml", Surroundings);

    public static ConfigResult Compile(byte[] bytes, string name) =>
        YamlReader.TryRead(bytes, name, out ConfigNode? root, out ConfigDiagnostic? error)
            ? ConfigCompiler.Compile(root!, Surroundings)
            : new ConfigResult(null, [error!], []);

    public static Snapshot Valid(string text)
    {
        ConfigResult result = Compile(text);
        Assert.Empty(result.Errors);
        return result.Snapshot!;
    }

    private static bool Secret(SecretSource source, string name, out string value)
    {
        value = name == "missing" ? $"{source} {name} is not there" : $"content of {name}";
        return name != "missing";
    }
}

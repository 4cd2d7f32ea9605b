using Mainstay.Configuration;
using Mainstay.Core.Config;

namespace Mainstay.Worker;

/// <summary>Compiles what the keeper opened.</summary>
internal sealed class WorkerConfiguration
{
    /// <summary>
    /// Of the first compilation: defaults depend on the user, and a worker that has given up root must not find others on reload.
    /// </summary>
    private ConfigEnvironment? _environment;

    public CompiledConfiguration Compile(string path, ReadOnlyMemory<byte> content)
    {
        _environment ??= LocalEnvironment.Create(Path.GetDirectoryName(path) ?? "/");
        ConfigResult result = ConfigurationFile.Parse(content, path, _environment);
        return new CompiledConfiguration(
            result.Snapshot, [.. result.Errors.Select(error => error.ToString())], [.. result.Warnings.Select(warning => warning.ToString())]);
    }
}

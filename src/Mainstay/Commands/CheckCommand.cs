using Mainstay.Configuration;
using Mainstay.Core.Config;

namespace Mainstay.Commands;

/// <summary><c>mainstay check -c FILE</c>: everything that is wrong with a configuration, without running it.</summary>
internal static class CheckCommand
{
    /// <summary>0: it can run. 1: it cannot, and every reason was printed.</summary>
    public static int Run(string path, bool json, TextWriter output, TextWriter error)
    {
        ConfigResult result = ConfigurationFile.Load(path);
        IReadOnlyList<MachineFinding> findings = result.Snapshot is { } snapshot ? MachineCheck.Inspect(snapshot) : [];
        bool good = result.Snapshot is not null && findings.All(f => !f.IsError);
        if (json) CheckReport.WriteJson(path, result, findings, good, output);
        else CheckReport.WriteText(path, result, findings, good, output, error);
        return good ? 0 : 1;
    }
}

namespace Mainstay.Keeper;

/// <summary>The program that workers run: this one, as it is on disk when a worker starts, so that an upgrade is a new worker.</summary>
/// <param name="Arguments">Before the verb.</param>
public sealed record WorkerProgram(string Path, IReadOnlyList<string> Arguments)
{
    /// <summary>
    /// The keeper's runtime settings (runtimeconfig.template.json) are for a tiny heap; these give the worker its own. Gen 0 of
    /// 16 MiB (hexadecimal): the control side rarely collects, and a collection stops every shard.
    /// </summary>
    public static IReadOnlyList<(string Name, string Value)> Environment { get; } =
    [
        ("DOTNET_TieredPGO", "1"),
        ("DOTNET_GCHeapHardLimit", "0"),
        ("DOTNET_GCgen0size", "1000000"),
        ("DOTNET_GCConserveMemory", "0"),
    ];

    /// <summary>Called early: afterwards the file may have been replaced, and the kernel would name the deleted one.</summary>
    public static WorkerProgram OfThisProcess()
    {
        string path = System.Environment.ProcessPath ?? throw new InvalidOperationException("the path of this program is unknown");
        // Started as "dotnet mainstay.dll", the worker has to be, too.
        bool isHost = System.IO.Path.GetFileName(path) == "dotnet";
        return new WorkerProgram(path, isHost ? [System.Environment.GetCommandLineArgs()[0]] : []);
    }
}

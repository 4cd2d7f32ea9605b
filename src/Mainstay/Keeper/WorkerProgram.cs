namespace Mainstay.Keeper;

/// <summary>The program that workers run: this one, as it is on disk when a worker starts, so that an upgrade is a new worker.</summary>
/// <param name="Arguments">Before the verb.</param>
public sealed record WorkerProgram(string Path, IReadOnlyList<string> Arguments)
{
    private static (string Name, string Value)[] Defaults => [("DOTNET_GCgen0size", "400000"), ("DOTNET_EnableDiagnostics", "0")];

    /// <summary>
    /// Runtime settings of the worker, where the user has set none. A first generation of 4 MiB (hexadecimal): the runtime would derive it
    /// from the processor's cache; a collection stops every shard, and the control side fills this in minutes. No diagnostics socket: it
    /// would let every process of the worker's user read its memory, private keys included.
    /// </summary>
    public static IReadOnlyList<(string Name, string Value)> Environment { get; } =
        [.. Defaults.Where(setting => System.Environment.GetEnvironmentVariable(setting.Name) is null)];

    /// <summary>Called early: afterwards the file may have been replaced, and the kernel would name the deleted one.</summary>
    public static WorkerProgram OfThisProcess()
    {
        string path = System.Environment.ProcessPath ?? throw new InvalidOperationException("the path of this program is unknown");
        // Started as "dotnet mainstay.dll", the worker has to be, too.
        bool isHost = System.IO.Path.GetFileName(path) == "dotnet";
        return new WorkerProgram(path, isHost ? [System.Environment.GetCommandLineArgs()[0]] : []);
    }
}

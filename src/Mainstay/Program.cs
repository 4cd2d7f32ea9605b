using System.Globalization;
using System.Runtime.CompilerServices;
using Mainstay.Commands;
using Mainstay.Keeper;
using Mainstay.Linux.Processes;
using Mainstay.Worker;

namespace Mainstay;

/// <summary>
/// Dispatches by hand what must start small: the keeper loads neither the command-line library nor YAML nor Kestrel, and a method is
/// compiled (and its assemblies loaded) only when it is called.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments) => arguments switch
    {
        ["run", "-c" or "--config", { Length: > 0 } file] => KeeperProcess.Run(file, WorkerProgram.OfThisProcess()),
        ["run", "-c", { Length: > 0 } file, "--parent", var parent] when int.TryParse(parent, NumberStyles.None, CultureInfo.InvariantCulture, out int pid) =>
            RunWithParent(file, pid),
        ["worker", "--link-fd", var link] when int.TryParse(link, NumberStyles.None, CultureInfo.InvariantCulture, out int fd) => RunWorker(fd),
        _ => RunCommand(arguments),
    };

    /// <summary>For a program that started this one for its own use: ends with it, however that one ends.</summary>
    private static int RunWithParent(string file, int parent) =>
        ParentProcess.TryEndWith(parent, ChildProcess.SignalTerminate) ? KeeperProcess.Run(file, WorkerProgram.OfThisProcess()) : ExitCode.No;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int RunWorker(int link) => WorkerProcess.Run(link, WorkerComposition.Create());

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int RunCommand(string[] arguments) => CommandLine.Invoke(arguments);
}

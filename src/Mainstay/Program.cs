using System.Globalization;
using System.Runtime.CompilerServices;
using Mainstay.Commands;
using Mainstay.Keeper;
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
        ["worker", "--link-fd", var link] when int.TryParse(link, NumberStyles.None, CultureInfo.InvariantCulture, out int fd) => RunWorker(fd),
        _ => RunCommand(arguments),
    };

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int RunWorker(int link) => WorkerProcess.Run(link, WorkerComposition.Create());

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int RunCommand(string[] arguments) => CommandLine.Invoke(arguments);
}

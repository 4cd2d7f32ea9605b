using System.Globalization;
using Mainstay.Keeper;
using Mainstay.System.Tests.Lifecycle;
using Mainstay.Worker;

namespace Mainstay.System.Tests;

/// <summary>
/// Runs the tests; or, for the tests of the two processes' life, the real keeper and worker around a plane that does little
/// (<see cref="EchoPlane"/>): every step of it can be provoked.
/// </summary>
internal static class EntryPoint
{
    private static async Task<int> Main(string[] arguments) => arguments switch
    {
        ["keeper", var configuration] => KeeperProcess.Run(configuration, WorkerProgram.OfThisProcess()),
        ["write-state", var directory, var last] => StateFileCrashTests.Write(directory, long.Parse(last, CultureInfo.InvariantCulture)),
        ["worker", "--link-fd", var link] => WorkerProcess.Run(int.Parse(link, CultureInfo.InvariantCulture), EchoPlane.Parts),
        _ when arguments.Any(argument => argument is "--server" or "--internal-msbuild-node") =>
            await Xunit.MicrosoftTestingPlatform.TestPlatformTestFramework.RunAsync(arguments, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
        _ => await Xunit.Runner.InProc.SystemConsole.ConsoleRunner.Run(arguments),
    };
}

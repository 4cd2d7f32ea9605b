using System.Diagnostics;

namespace Mainstay.System.Tests.House;

public class ScriptTests
{
    [Fact]
    public void Mainstay_SecondRun_BuildsNothingAndSaysNothing()
    {
        // Whether it has to build depends on what was run here before.
        Assert.Equal(0, Run("version").Code);

        (int code, string output, string error) = Run("version");

        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith("mainstay ", output);
    }

    [Fact]
    public void Test_UnknownPart_IsWrongUse()
    {
        (int code, _, string error) = Run("no-such-part", script: "test.sh");

        Assert.Equal(2, code);
        Assert.Contains("--list", error, StringComparison.Ordinal);
    }

    private static (int Code, string Output, string Error) Run(string argument, string script = "mainstay")
    {
        var start = new ProcessStartInfo(RepositoryPaths.Of(script), [argument]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("not started");
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}

using System.Diagnostics;
using Mainstay.Linux.Processes;

namespace Mainstay.System.Tests.House;

/// <summary>scripts/prerequisites.sh on machines that lack one thing or another: a PATH with nothing on it but what a case puts there.</summary>
public sealed class PrerequisitesTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-path-").FullName;

    public PrerequisitesTests()
    {
        // What every Debian has.
        foreach (string program in new[] { "dirname", "readlink", "grep" })
            File.CreateSymbolicLink(Path.Combine(_directory, program), $"/usr/bin/{program}");
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void NeedSdk_NoDotnet_IsOneSentenceWithTheCommandToGetIt()
    {
        (int code, string error) = RunWithoutSdkOfTheMachine("need_sdk; echo reached >&2");

        Assert.Equal(1, code);
        Assert.Single(error.TrimEnd('\n').Split('\n'));
        Assert.Contains("the .NET 10 SDK is missing; get it with 'curl -fsSL https://dot.net/v1/dotnet-install.sh", error, StringComparison.Ordinal);
    }

    [Fact]
    public void NeedSdk_AnOlderOneOnly_IsNotTaken()
    {
        Put("dotnet", "echo '8.0.100 [/x]'");

        (int code, string error) = RunWithoutSdkOfTheMachine("need_sdk");

        Assert.Equal(1, code);
        Assert.Contains("SDK is missing", error, StringComparison.Ordinal);
    }

    [Fact]
    public void NeedSdk_TheRightOneOnThePath_IsTaken()
    {
        Put("dotnet", "echo '10.0.100 [/x]'");

        (int code, string error) = Run("need_sdk && echo \"root $DOTNET_ROOT\" >&2");

        Assert.Equal(0, code);
        Assert.Equal($"root {_directory}\n", error);
    }

    [Fact]
    public void NeedPackages_AllThere_SaysNothing()
    {
        Put("dpkg-query", "printf installed");

        Assert.Equal((0, ""), Run("need_packages 'the test' one two"));
    }

    [Fact]
    public void NeedPackages_NoDebian_NamesThem()
    {
        (int code, string error) = Run("need_packages 'the test' one two");

        Assert.Equal(1, code);
        Assert.EndsWith("the test needs these packages, please install them: one two\n", error);
    }

    [Fact]
    public void NeedPackages_NeitherRootNorSudo_SaysSo()
    {
        Put("apt-get", "exit 3");
        Put("id", "echo 1000");

        (int code, string error) = Run("need_packages 'the test' one");

        Assert.Equal(1, code);
        Assert.EndsWith("the test needs these packages, and there is neither root nor sudo: one\n", error);
    }

    [Fact]
    public void NeedPackages_Sudo_InstallsWithIt_AndWithoutATerminalDoesNotAsk()
    {
        Put("apt-get", "echo \"apt-get $*\" >&2");
        Put("id", "echo 1000");
        Put("sudo", "echo \"sudo $1\" >&2; exec \"$@\"");
        Put("env", "shift; exec \"$@\"");
        Put("dpkg-query", "[ \"$4\" = there ] && printf installed");

        (int code, string error) = Run("need_packages 'the test' missing there");

        Assert.Equal(0, code);
        Assert.Contains("installing missing\n", error, StringComparison.Ordinal);
        Assert.Contains("sudo env\napt-get -qq -y --no-install-recommends install missing\n", error, StringComparison.Ordinal);
        Assert.DoesNotContain("there\n", error.Replace("missing", "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.DoesNotContain("[Y/n]", error, StringComparison.Ordinal);
    }

    [Fact]
    public void NeedPackages_InstallFails_Fails()
    {
        Put("apt-get", "[ \"$2\" = update ]");
        Put("id", "echo 0");
        Put("env", "shift; exec \"$@\"");

        Assert.Equal(1, Run("need_packages 'the test' one").Code);
    }

    private void Put(string program, string script)
    {
        string path = Path.Combine(_directory, program);
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
    }

    /// <summary>The last places that the script looks in are the machine's own; where there is one, it is hidden.</summary>
    private (int Code, string Error) RunWithoutSdkOfTheMachine(string script)
    {
        string[] places = [.. new[] { "/usr/share/dotnet", "/usr/lib/dotnet" }.Where(Directory.Exists)];
        if (places.Length == 0) return Run(script);
        Assert.SkipUnless(Credentials.IsRoot, "needs root: it hides the machine's SDK in a namespace of its own");
        string hide = string.Concat(places.Select(place => $"/bin/mount -t tmpfs none {place}; "));
        return Run(script, "/usr/bin/unshare", "-m", "/bin/sh", "-c", hide + "exec \"$@\"", "sh");
    }

    private (int Code, string Error) Run(string script, params string[] launcher)
    {
        string file = RepositoryPaths.Of("scripts", "prerequisites.sh");
        string[] command = [.. launcher, "/bin/sh", "-euc", $". '{file}'\n{script}"];
        var start = new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true, RedirectStandardInput = true };
        start.Environment.Clear();
        start.Environment["PATH"] = _directory;
        start.Environment["HOME"] = _directory;
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("not started");
        string error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, error);
    }
}

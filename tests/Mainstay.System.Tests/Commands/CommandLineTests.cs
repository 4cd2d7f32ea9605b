using Mainstay.System.Tests.Daemon;

namespace Mainstay.System.Tests.Commands;

public class CommandLineTests
{
    [Fact]
    public void Version_IsPrinted()
    {
        (int code, string output, _) = RunningDaemon.Run("version");

        Assert.Equal(0, code);
        Assert.Matches(@"^mainstay \d+\.\d+\.\d+\n$", output);
    }

    [Theory]
    [InlineData]
    [InlineData("nonsense")]
    [InlineData("run")]
    [InlineData("run", "-c")]
    [InlineData("status", "--nonsense")]
    [InlineData("check")]
    [InlineData("check", "a.yaml", "-c", "b.yaml")]
    [InlineData("pool", "drain", "app")]
    [InlineData("worker", "--link-fd", "x")]
    public void WrongUse_ExitsWithTwo(params string[] arguments)
    {
        (int code, _, string error) = RunningDaemon.Run(arguments);

        Assert.Equal(2, code);
        Assert.NotEmpty(error);
    }

    [Fact]
    public void Status_NoDaemon_ExitsWithThreeAndSaysWhere()
    {
        (int code, _, string error) = RunningDaemon.Run("status", "--socket", "/nonexistent/admin.sock");

        Assert.Equal(3, code);
        Assert.Contains("/nonexistent/admin.sock", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_BrokenConfiguration_ExitsWithOneAndSaysWhere()
    {
        string path = Path.GetTempFileName();
        File.WriteAllText(path, "pools:\n  app: { srvers: [] }\n");

        (int code, _, string error) = RunningDaemon.Run("run", "-c", path);

        Assert.Equal(1, code);
        Assert.Contains($"{path}:2:", error, StringComparison.Ordinal);
        File.Delete(path);
    }
}

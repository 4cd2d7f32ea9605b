using Mainstay.Commands;
using Mainstay.Engine.Control;

namespace Mainstay.System.Tests.Commands;

public class StatusTextTests
{
    [Fact]
    public void Write_ServerThatIsNotUp_SaysWhy()
    {
        string text = StatusText.Write(Report(
            Server("one", "up", "HTTP 200, 2 good results in a row", "HTTP 200"),
            Server("two", "draining", "drained by the operator: new version", "HTTP 200"),
            Server("three", "down", "connection refused, 3 bad results in a row", "HTTP 200"),
            Server("four", "up", "no check", "")));

        Assert.EndsWith("  LAST CHECK  WHY", LineOf(text, "SERVER"), StringComparison.Ordinal);
        Assert.EndsWith("  HTTP 200", LineOf(text, "one"), StringComparison.Ordinal);
        Assert.EndsWith("  HTTP 200    drained by the operator: new version", LineOf(text, "two"), StringComparison.Ordinal);
        Assert.EndsWith("  HTTP 200    connection refused, 3 bad results in a row", LineOf(text, "three"), StringComparison.Ordinal);
        Assert.EndsWith("  -           no check", LineOf(text, "four"), StringComparison.Ordinal);
    }

    private static string LineOf(string text, string server) =>
        text.Split('\n').Single(line => line.StartsWith($"  {server} ", StringComparison.Ordinal));

    private static ServerStatus Server(string name, string state, string reason, string lastCheck) => new()
    {
        Name = name,
        Address = "127.0.0.1:1",
        Backup = false,
        Weight = 1,
        State = state,
        Reason = reason,
        LastCheck = lastCheck,
    };

    private static StatusReport Report(params ServerStatus[] servers) => new()
    {
        Node = "here",
        Version = "0",
        Configuration = 1,
        WorkerPid = 1,
        UptimeSeconds = 1,
        Pools = [new PoolStatus { Name = "app", Balance = "rr", Servers = servers }],
        Http = [],
    };
}

using System.Text;
using Mainstay.Core.Balancing;
using Mainstay.Core.Health;

namespace Mainstay.Core.Tests.Health;

public class HealthStateFileTests
{
    private static readonly DateTimeOffset Now = new(2026, 5, 4, 3, 2, 1, TimeSpan.Zero);

    private static readonly KeptServer[] Servers =
    [
        new("app", "10.0.0.1:80", new LastKnown(ServerState.Up, "HTTP 200", ServerOrder.None, "")),
        new("app", "b \"quoted\"\n", new LastKnown(ServerState.Down, "connection refused", ServerOrder.Drain, "kernel update")),
        new("db", "c", new LastKnown(ServerState.Unknown, "", ServerOrder.Maintenance, "")),
    ];

    [Fact]
    public void Write_ThenRead_GivesTheSame()
    {
        Assert.True(HealthStateFile.TryRead(HealthStateFile.Write(Servers, Now), Now.AddSeconds(5), out var read, out string note));
        Assert.Equal(Servers, read);
        Assert.Equal("", note);
    }

    [Theory]
    [InlineData(1000, "")]
    [InlineData(-1000, "its health is not used, orders are: written at ")]
    public void Read_OldOrFutureFile_KeepsOrdersButNoHealth(int secondsLater, string beginning)
    {
        Assert.True(HealthStateFile.TryRead(HealthStateFile.Write(Servers, Now), Now.AddSeconds(secondsLater), out var read, out string note));
        Assert.All(read, server => Assert.Equal(ServerState.Unknown, server.Known.Health));
        Assert.Equal([ServerOrder.None, ServerOrder.Drain, ServerOrder.Maintenance], read.Select(server => server.Known.Order));
        Assert.StartsWith(beginning, note, StringComparison.Ordinal);
        Assert.Equal(beginning.Length == 0, note.Length == 0);
    }

    [Theory]
    [InlineData("", "not readable as JSON near line 1")]
    [InlineData("null", "empty")]
    [InlineData("{\"version\":2,\"servers\":[]}", "version 2 is not understood")]
    [InlineData("{\"version\":1,\"written\":\"yesterday\",\"servers\":[]}", "the time of writing is unreadable")]
    [InlineData("{\"version\":1,\"written\":\"\",\"servers\":null}", "no list of servers")]
    [InlineData("{\"version\":1,\"written\":\"2026-05-04T03:02:01.0000000+00:00\",\"servers\":[{\"pool\":\"a\"}]}", "entry 1 is not")]
    [InlineData("{\"version\":1,\"written\":\"2026-05-04T03:02:01.0000000+00:00\",\"servers\":[null]}", "entry 1 is not")]
    public void Read_UnusableFile_IsRefusedWithTheReason(string text, string reason)
    {
        Assert.False(HealthStateFile.TryRead(Encoding.UTF8.GetBytes(text), Now, out var read, out string note));
        Assert.Empty(read);
        Assert.Contains(reason, note, StringComparison.Ordinal);
    }

    [Fact]
    public void Read_FileCutAnywhere_IsRefused()
    {
        byte[] whole = HealthStateFile.Write(Servers, Now);
        for (int length = 0; length < whole.Length; length++)
            Assert.False(HealthStateFile.TryRead(whole.AsSpan(0, length), Now, out _, out _));
    }

    [Fact]
    public void Read_MutatedFile_NeverThrows()
    {
        byte[] whole = HealthStateFile.Write(Servers, Now);
        var random = new Random(1);
        for (int i = 0; i < 5000; i++)
        {
            byte[] copy = [.. whole];
            for (int change = random.Next(1, 8); change > 0; change--) copy[random.Next(copy.Length)] = (byte)random.Next(256);
            if (!HealthStateFile.TryRead(copy, Now, out var read, out string note))
            {
                Assert.Empty(read);
                Assert.NotEqual("", note);
            }
        }
    }
}

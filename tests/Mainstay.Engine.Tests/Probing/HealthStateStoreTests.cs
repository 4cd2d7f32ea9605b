using Mainstay.Core.Balancing;
using Mainstay.Core.Health;
using Mainstay.Engine.Probing;

namespace Mainstay.Engine.Tests.Probing;

public sealed class HealthStateStoreTests : IDisposable
{
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    private readonly string _folder = Directory.CreateTempSubdirectory("mainstay-state").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Load_BeforeTheFirstSave_IsEmptyAndSilent()
    {
        Assert.Empty(new HealthStateStore(_folder).Load(Now, out string note));
        Assert.Equal("", note);
    }

    [Fact]
    public async Task Save_SeenAtAnyMoment_IsTheOldStateOrTheNewOne()
    {
        // What another process sees at any moment is what a kill -9 at that moment leaves behind.
        var store = new HealthStateStore(_folder);
        Assert.Null(store.Save(State(1), Now));
        bool isDone = false;
        Task<string?> writer = Task.Run(() =>
        {
            string? error = null;
            for (int size = 1; size <= 150 && error is null; size++) error = store.Save(State(size % 40 * 50), Now);
            Volatile.Write(ref isDone, true);
            return error;
        });
        int reads = 0;
        while (!Volatile.Read(ref isDone))
        {
            byte[] bytes = File.ReadAllBytes(Path.Combine(_folder, HealthStateStore.FileName));
            Assert.True(HealthStateFile.TryRead(bytes, Now, out _, out string reason), reason);
            reads++;
        }

        Assert.Null(await writer);
        Assert.True(reads > 0);
        Assert.Equal(["health.json"], Directory.GetFiles(_folder).Select(Path.GetFileName));
    }

    [Fact]
    public void Load_AfterACrashInAWrite_UsesTheWholeFileAndClearsTheRest()
    {
        var store = new HealthStateStore(_folder);
        Assert.Null(store.Save(State(3), Now));
        string half = Path.Combine(_folder, "health.json.4711.new");
        File.WriteAllText(half, "{\"version\":1,\"wri");
        File.SetLastWriteTimeUtc(half, DateTime.UtcNow - TimeSpan.FromHours(1));
        Assert.Equal(3, store.Load(Now, out string note).Count);
        Assert.Equal("", note);
        Assert.False(File.Exists(half));
    }

    [Fact]
    public void Load_WhatIsNotAFile_IsIgnoredWithTheReason()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "health.json"));
        Assert.Empty(new HealthStateStore(_folder).Load(Now, out _));
        Assert.Contains("cannot be written", new HealthStateStore(_folder).Save(State(1), Now), StringComparison.Ordinal);
    }

    private static IEnumerable<KeptServer> State(int servers) => Enumerable.Range(0, servers).Select(i =>
        new KeptServer("app", $"server-{i}", new LastKnown(ServerState.Up, "HTTP 200", ServerOrder.None, "")));
}

using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Tests.Processes;

public sealed class MachineTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mainstay-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("/service", "max 100000", "150000 100000", 1.5)]
    [InlineData("/service", "50000 100000", "150000 100000", 0.5)]
    [InlineData("/service", "max 100000", "max 100000", double.PositiveInfinity)]
    [InlineData("/elsewhere", "max 100000", "150000 100000", double.PositiveInfinity)]
    [InlineData("/service", "max 100000", "garbage", double.PositiveInfinity)]
    public void Quota_NestedGroups_TheSmallestCounts(string member, string slice, string service, double cores)
    {
        string membership = Path.Combine(_directory, "cgroup");
        File.WriteAllText(membership, $"1:name=systemd:/other\n0::/slice{member}\n");
        Directory.CreateDirectory(Path.Combine(_directory, "slice", "service"));
        File.WriteAllText(Path.Combine(_directory, "slice", "cpu.max"), slice + "\n");
        File.WriteAllText(Path.Combine(_directory, "slice", "service", "cpu.max"), service + "\n");

        Assert.Equal(cores, UsableCores.Quota(membership, _directory));
    }

    [Fact]
    public void Find_OnThisMachine_GivesCoresAThreadCanBePinnedTo()
    {
        int[] cores = UsableCores.Find();

        Assert.NotEmpty(cores);
        bool pinned = false;
        var thread = new Thread(() => pinned = cores.All(UsableCores.PinThread));
        thread.Start();
        thread.Join();
        Assert.True(pinned);
    }

    [Fact]
    public void OpenLocked_HeldByAnother_IsRefusedUntilItIsClosed()
    {
        string path = Path.Combine(_directory, "lock");
        int first = Files.OpenLocked(path);
        Assert.True(first >= 0);

        Assert.Equal(-(int)Errno.EAGAIN, Files.OpenLocked(path));

        Descriptor.Close(first);
        int second = Files.OpenLocked(path);
        Assert.True(second >= 0);
        Descriptor.Close(second);
    }

    [Fact]
    public void TryFindUser_RootAndUnknown_AreToldApart()
    {
        Assert.True(Credentials.TryFindUser("root", out UserAccount root));
        Assert.Equal((0u, 0u), (root.UserId, root.GroupId));
        Assert.False(Credentials.TryFindUser("no-such-user", out _));
        Assert.False(Credentials.TryFindUser("", out _));
    }

    [Fact]
    public void RaiseDescriptors_ToLess_LowersNothing()
    {
        (ulong soft, _) = ResourceLimits.Descriptors;

        Assert.True(ResourceLimits.RaiseDescriptors(1) >= soft);
    }
}

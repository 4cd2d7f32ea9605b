using System.Diagnostics;
using System.Text;
using Mainstay.Linux;
using Mainstay.Linux.Processes;

namespace Mainstay.Engine.Tests.Processes;

public class ChildProcessTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(10);

    [Fact]
    public void TrySpawn_SwappedDescriptors_EachReachesItsTarget()
    {
        (int firstRead, int firstWrite) = Files.CreatePipe();
        (int secondRead, int secondWrite) = Files.CreatePipe();
        // The targets are the numbers of each other's source: the worst order for a plain dup2 one after the other.
        using ChildProcess child = Spawn(
            $"echo one >/proc/self/fd/{secondWrite}; echo two >/proc/self/fd/{firstWrite}",
            [new(firstWrite, secondWrite), new(secondWrite, firstWrite)]);
        Descriptor.Close(firstWrite);
        Descriptor.Close(secondWrite);

        Assert.Equal("one\n", ReadToEnd(firstRead));
        Assert.Equal("two\n", ReadToEnd(secondRead));
        Assert.True(WaitForEnd(child).IsSuccess);
    }

    [Fact]
    public void TrySpawn_UnmappedDescriptors_AreClosedInTheChild()
    {
        (int read, int write) = Files.CreatePipe();
        using ChildProcess child = Spawn("ls /proc/self/fd", [new(write, 1), new(DescriptorMapping.DevNull, 0)]);
        Descriptor.Close(write);

        // 0, 1, 2 and the directory that ls itself reads.
        Assert.Equal("0\n1\n2\n3\n", ReadToEnd(read));
        WaitForEnd(child);
    }

    [Fact]
    public void TrySpawn_MissingProgram_ReturnsItsError()
    {
        var request = new SpawnRequest { Path = "/nonexistent/program", Arguments = ["program"], Environment = [] };

        Assert.Equal(Errno.ENOENT, ChildProcess.TrySpawn(request, out ChildProcess? child));
        Assert.Null(child);
    }

    [Fact]
    public void TrySpawn_IgnoredSignalOfTheParent_IsDefaultInTheChild()
    {
        // The runtime ignores SIGPIPE; the child has to die of it like any program.
        using ChildProcess child = Spawn("kill -PIPE $$; exit 5", []);

        Assert.Equal(new ExitStatus(0, 13), WaitForEnd(child));
    }

    [Fact]
    public void TryReap_ExitCode_IsReported()
    {
        using ChildProcess child = Spawn("exit 7", []);

        Assert.Equal(new ExitStatus(7, 0), WaitForEnd(child));
    }

    [Fact]
    public void Signal_RunningChild_EndsIt()
    {
        using ChildProcess child = Spawn("exec sleep 1000", []);

        child.Signal(ChildProcess.SignalTerminate);

        Assert.Equal(new ExitStatus(0, ChildProcess.SignalTerminate), WaitForEnd(child));
    }

    [Fact]
    public void SignalGroup_ChildWithDescendants_EndsThemAll()
    {
        (int read, int write) = Files.CreatePipe();
        using ChildProcess child = Spawn("sleep 1000 & echo started; wait", [new(write, 1)], ownGroup: true);
        Descriptor.Close(write);
        Assert.Equal("started\n", ReadUntil(read, text => text.EndsWith('\n')));

        child.SignalGroup(ChildProcess.SignalKill);

        // The pipe ends only when the grandchild, which holds it too, has ended.
        Assert.Equal("", ReadToEnd(read));
        Assert.Equal(new ExitStatus(0, ChildProcess.SignalKill), WaitForEnd(child));
    }

    private static ChildProcess Spawn(string script, IReadOnlyList<DescriptorMapping> descriptors, bool ownGroup = false)
    {
        var request = new SpawnRequest
        {
            Path = "/bin/sh",
            Arguments = ["sh", "-c", script],
            Environment = ["PATH=/usr/bin:/bin"],
            Descriptors = descriptors,
            OwnGroup = ownGroup,
        };
        Assert.Equal(Errno.None, ChildProcess.TrySpawn(request, out ChildProcess? child));
        return child ?? throw new InvalidOperationException("no child");
    }

    private static ExitStatus WaitForEnd(ChildProcess child)
    {
        ExitStatus status = default;
        Assert.True(SpinWait.SpinUntil(() => child.TryReap(out status), Deadline), "the child did not end");
        return status;
    }

    private static string ReadToEnd(int fd)
    {
        string text = ReadUntil(fd, _ => false);
        Descriptor.Close(fd);
        return text;
    }

    private static string ReadUntil(int fd, Func<string, bool> isEnough)
    {
        var text = new StringBuilder();
        byte[] buffer = new byte[4096];
        var clock = Stopwatch.StartNew();
        while (!isEnough(text.ToString()))
        {
            int count = Descriptor.Read(fd, buffer);
            if (count == 0) break;
            if (count > 0) text.Append(Encoding.UTF8.GetString(buffer, 0, count));
            else Thread.Yield();
            Assert.True(clock.Elapsed < Deadline, $"still waiting after '{text}'");
        }

        return text.ToString();
    }
}

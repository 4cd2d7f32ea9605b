using System.Text;
using Mainstay.Core.Config;
using Mainstay.Linux;
using Mainstay.Linux.Storage;

namespace Mainstay.Engine.Tests.Storage;

/// <summary>Opening below a root on a real file system: by the kernel, by the walk that stands in for it, and by a twin that only thinks.</summary>
public sealed class FileTreeTests : IDisposable
{
    private readonly string _base = Directory.CreateTempSubdirectory("mainstay-tree-").FullName;

    private string Root => Path.Combine(_base, "root");

    public FileTreeTests()
    {
        Directory.CreateDirectory(Root);
        File.WriteAllText(Path.Combine(_base, "secret"), "secret");
        Directory.CreateDirectory(Path.Combine(_base, "root2"));
        File.WriteAllText(Path.Combine(_base, "root2", "a"), "secret");
    }

    public void Dispose() => Directory.Delete(_base, recursive: true);

    [Fact]
    public void Kernel_HasOpenat2Here() => Assert.True(FileTree.IsKept, "without it these tests compare the walk with itself");

    [Theory]
    [InlineData("a", "hello", Errno.None)]
    [InlineData("d/b", "below", Errno.None)]
    [InlineData("../secret", null, Errno.EXDEV)]
    [InlineData("d/../../secret", null, Errno.EXDEV)]
    [InlineData("up", null, Errno.EXDEV)]
    [InlineData("absolute", null, Errno.EXDEV)]
    [InlineData("beside/a", null, Errno.EXDEV)]
    [InlineData("self/cwd/a", null, Errno.EXDEV)]
    [InlineData("loop", null, Errno.ELOOP)]
    [InlineData("to-d/b", "below", Errno.None)]
    [InlineData("d/back", "hello", Errno.None)]
    [InlineData("a/b", null, Errno.ENOTDIR)]
    [InlineData("none", null, Errno.ENOENT)]
    public void Open_Inside_FollowsOnlyWhatStaysBelow(string name, string? content, Errno error)
    {
        MakeTree();
        foreach (Func<string, LinkPolicy, int> open in new Func<string, LinkPolicy, int>[] { Open, Walk })
        {
            int opened = open(name, LinkPolicy.Inside);
            Assert.Equal((content, error), (Content(opened), opened < 0 ? (Errno)(-opened) : Errno.None));
        }
    }

    [Theory]
    [InlineData("to-d/b")]
    [InlineData("d/back")]
    [InlineData("up")]
    [InlineData("loop")]
    public void Open_Never_RefusesEveryLink(string name)
    {
        MakeTree();
        Assert.Equal(-(int)Errno.ELOOP, Open(name, LinkPolicy.Never));
        Assert.Equal(-(int)Errno.ELOOP, Walk(name, LinkPolicy.Never));
    }

    [Fact]
    public void Open_Anywhere_FollowsLinksOut()
    {
        MakeTree();
        Assert.Equal("secret", Content(Open("up", LinkPolicy.Anywhere)));
        Assert.Equal("secret", Content(Open("beside/a", LinkPolicy.Anywhere)));
    }

    [Fact]
    public void Open_APipe_DoesNotWait()
    {
        using (System.Diagnostics.Process.Start("mkfifo", Path.Combine(Root, "pipe"))) { }
        SpinWait.SpinUntil(() => File.Exists(Path.Combine(Root, "pipe")), 10_000);
        int opened = Open("pipe", LinkPolicy.Inside);
        Assert.True(opened >= 0);
        Assert.True(FileStatus.Read(opened, mayWait: true, out FileStatus status) >= 0);
        Assert.Equal(FileKind.Other, status.Kind);
        Descriptor.Close(opened);
    }

    /// <summary>Random trees full of links, random names: kernel, walk and twin agree, and nothing outside the root is ever opened.</summary>
    [Fact]
    public void Open_RandomTreesAndNames_NeverLeavesTheRoot()
    {
        var random = new Random(17);
        string[] names = ["a", "b", "c", "d"];
        string[] targets = ["a", "b", "../a", "../../secret", "..", ".", "/", "/etc/passwd", "c/d", "../b/c", "../../root/a", "../root2/a", "d/../a", "./b", "a/"];
        int opened = 0, refused = 0;
        for (int tree = 0; tree < 60; tree++)
        {
            Directory.Delete(Root, recursive: true);
            Directory.CreateDirectory(Root);
            Grow(Root, 3);
            for (int i = 0; i < 250; i++)
            {
                string name = string.Join('/', Enumerable.Range(0, random.Next(1, 6)).Select(_ => random.Next(5) switch
                {
                    0 => "..",
                    1 => ".",
                    _ => names[random.Next(names.Length)],
                }));
                foreach (LinkPolicy links in new[] { LinkPolicy.Never, LinkPolicy.Inside })
                {
                    int kernel = Open(name, links), walk = Walk(name, links);
                    string? there = kernel < 0 ? null : LinkOf(kernel), byWalk = walk < 0 ? null : LinkOf(walk);
                    if (there is not null) Assert.True(there == Root || there.StartsWith(Root + "/"), $"{name} opened {there}");
                    Assert.True(there == byWalk, $"{name} ({links}): the kernel {Say(kernel, there)}, the walk {Say(walk, byWalk)}");
                    if (there is null) refused++;
                    else opened++;
                    if (kernel >= 0) Descriptor.Close(kernel);
                    if (walk >= 0) Descriptor.Close(walk);
                }
            }
        }

        Assert.InRange(opened, 1000, 1_000_000);
        Assert.InRange(refused, 1000, 1_000_000);

        void Grow(string directory, int depth)
        {
            foreach (string name in names)
            {
                string path = Path.Combine(directory, name);
                switch (random.Next(5))
                {
                    case 0: File.WriteAllText(path, "x"); break;
                    case 1 or 2:
                        Directory.CreateDirectory(path);
                        if (depth > 0) Grow(path, depth - 1);
                        break;
                    case 3: File.CreateSymbolicLink(path, targets[random.Next(targets.Length)]); break;
                }
            }
        }

        static string Say(int result, string? there) => there ?? ((Errno)(-result)).ToString();
    }

    private void MakeTree()
    {
        File.WriteAllText(Path.Combine(Root, "a"), "hello");
        Directory.CreateDirectory(Path.Combine(Root, "d"));
        File.WriteAllText(Path.Combine(Root, "d", "b"), "below");
        File.CreateSymbolicLink(Path.Combine(Root, "up"), "../secret");
        File.CreateSymbolicLink(Path.Combine(Root, "absolute"), Path.Combine(Root, "a"));
        File.CreateSymbolicLink(Path.Combine(Root, "beside"), "../root2");
        File.CreateSymbolicLink(Path.Combine(Root, "self"), "/proc/self");
        File.CreateSymbolicLink(Path.Combine(Root, "loop"), "loop");
        File.CreateSymbolicLink(Path.Combine(Root, "to-d"), "d");
        File.CreateSymbolicLink(Path.Combine(Root, "d", "back"), "../a");
    }

    private int Open(string name, LinkPolicy links)
    {
        int root = OpenRoot();
        int opened = FileTree.Open(root, Encoding.UTF8.GetBytes(name + '\0'), links, cachedOnly: false);
        Descriptor.Close(root);
        return opened;
    }

    private int Walk(string name, LinkPolicy links)
    {
        int root = OpenRoot();
        int opened = FileTreeWalk.Open(root, Encoding.UTF8.GetBytes(name), links);
        Descriptor.Close(root);
        return opened;
    }

    private int OpenRoot()
    {
        int root = FileTree.OpenRoot(Encoding.UTF8.GetBytes(Root + '\0'), cachedOnly: false);
        Assert.True(root >= 0, ((Errno)(-root)).ToString());
        return root;
    }

    private static string? LinkOf(int descriptor) => new FileInfo($"/proc/self/fd/{descriptor}").LinkTarget;

    private static string? Content(int opened)
    {
        if (opened < 0) return null;
        byte[] buffer = new byte[100];
        int count = FileContent.Read(opened, buffer, 0);
        Descriptor.Close(opened);
        return Encoding.UTF8.GetString(buffer, 0, Math.Max(count, 0));
    }
}

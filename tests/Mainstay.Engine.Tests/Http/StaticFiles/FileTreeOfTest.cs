using Mainstay.Core.Config;
using Mainstay.Engine.Tests.Http.Bench;

namespace Mainstay.Engine.Tests.Http.StaticFiles;

/// <summary>A directory that a test serves; gone afterwards. Files look as if nobody had touched them for an hour.</summary>
internal sealed class FileTreeOfTest : IDisposable
{
    private static readonly DateTime s_old = new(2026, 1, 2, 3, 4, 5, DateTimeKind.Utc);

    public string Root { get; } = Directory.CreateTempSubdirectory("mainstay-files-").FullName;

    public void Dispose() => Directory.Delete(Root, recursive: true);

    public string Path(string name) => System.IO.Path.Combine(Root, name);

    public FileTreeOfTest With(string name, string content) => With(name, System.Text.Encoding.UTF8.GetBytes(content));

    public FileTreeOfTest With(string name, byte[] content, int age = 0)
    {
        string path = Path(name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        File.SetLastWriteTimeUtc(path, s_old.AddSeconds(-age));
        return this;
    }

    /// <summary>Puts another file in the place of one, as a deployment does.</summary>
    public void Replace(string name, byte[] content, DateTime modified)
    {
        string aside = Path(name) + ".new";
        File.WriteAllBytes(aside, content);
        File.SetLastWriteTimeUtc(aside, modified);
        File.Move(aside, Path(name), overwrite: true);
    }

    public static byte[] RandomBytes(int length, int seed = 1)
    {
        byte[] bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public FilesSnapshot Files => new(Root) { Revalidate = TimeSpan.FromSeconds(60) };

    public Snapshot Snapshot(Func<FilesSnapshot, FilesSnapshot>? change = null, RouteMatch? match = null) => BenchConfig.Of(
        BenchConfig.Pool(BenchConfig.Listen(9)),
        BenchConfig.Service(BenchConfig.Route(new RouteAction.ServeFiles(change is null ? Files : change(Files)), match)));
}

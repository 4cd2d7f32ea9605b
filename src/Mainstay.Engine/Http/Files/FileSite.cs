using System.Text;
using Mainstay.Core.Config;
using Mainstay.Core.Http.Files;

namespace Mainstay.Engine.Http.Files;

/// <summary>One <c>files</c> action of one configuration, ready to use: shared by all shards, immutable. Names are bytes as the kernel takes them.</summary>
internal sealed class FileSite
{
    private static int s_lastNumber;

    public FileSite(FilesSnapshot files, RouteMatch match)
    {
        Root = Encoding.UTF8.GetBytes(files.Root + '\0');
        Prefix = Encoding.UTF8.GetBytes(files.PrefixFor(match));
        Index = [.. files.Index.Select(Encoding.UTF8.GetBytes)];
        Try = Encoding.UTF8.GetBytes(files.Try.TrimStart('/'));
        NotFound = Encoding.UTF8.GetBytes(files.NotFound.TrimStart('/'));
        MediaTypes = new MediaTypes(files.MediaTypes);
        Snapshot = files;
    }

    /// <summary>Tells the names of this site from those of others in a cache; a reload's site is another one.</summary>
    public int Number { get; } = Interlocked.Increment(ref s_lastNumber);

    public FilesSnapshot Snapshot { get; }

    /// <summary>Ends with a NUL.</summary>
    public byte[] Root { get; }

    /// <summary>Not part of a file's name; without '/' at its end.</summary>
    public byte[] Prefix { get; }
    public byte[][] Index { get; }

    /// <summary>Answers where there is no file; empty: nothing does.</summary>
    public byte[] Try { get; }

    /// <summary>The page of a 404; empty: there is none.</summary>
    public byte[] NotFound { get; }
    public MediaTypes MediaTypes { get; }
}

using System.Runtime.InteropServices;
using Mainstay.Core.Config;

namespace Mainstay.Linux.Storage;

/// <summary>
/// Opens files below a root such that the kernel itself refuses to leave it (openat2(2), Linux 5.6), whatever is renamed meanwhile; where that call
/// is missing or forbidden, <see cref="FileTreeWalk"/> does the same. Results are descriptors or a negated <see cref="Errno"/>.
/// </summary>
/// <remarks>Paths are bytes and end with a NUL. Nothing here reads a file, but directories may have to be read from the disk, unless
/// <c>cachedOnly</c> is set: then EAGAIN says that the caller has to come back on a thread that may wait.</remarks>
public static unsafe class FileTree
{
    private const int CurrentDirectory = -100;
    private const int NonBlock = 0x800, CloseOnExec = 0x80000, NoControllingTerminal = 0x100;
    internal const int PathOnly = 0x200000 | CloseOnExec;
    internal const int ReadFlags = NonBlock | CloseOnExec | NoControllingTerminal;
    private const ulong ResolveNoMagicLinks = 0x02, ResolveNoSymlinks = 0x04, ResolveBeneath = 0x08, ResolveCached = 0x20;

    private static readonly bool s_isArm = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;
    internal static readonly int DirectoryOnly = s_isArm ? 0x4000 : 0x10000;
    internal static readonly int DoNotFollow = s_isArm ? 0x8000 : 0x20000;

    /// <summary>Lookups that race with renames end in EAGAIN (openat2(2)): as often tried again.</summary>
    private const int Attempts = 8;

    /// <summary>The kernel has openat2 and this process may call it.</summary>
    public static bool IsKept { get; } = Probe(0);

    /// <summary>It can answer from its cache alone (Linux 5.12).</summary>
    private static readonly bool s_canAnswerCached = IsKept && Probe(ResolveCached);

    /// <summary>The root itself, followed wherever links lead: who configures it means it.</summary>
    public static int OpenRoot(ReadOnlySpan<byte> path, bool cachedOnly)
    {
        fixed (byte* text = path)
        {
            if (!cachedOnly) return Libc.Result(Libc.OpenAt(CurrentDirectory, text, PathOnly | DirectoryOnly, 0));
            if (!s_canAnswerCached) return -(int)Errno.EAGAIN;
            ulong* how = stackalloc ulong[3] { (ulong)(PathOnly | DirectoryOnly), 0, ResolveCached };
            return Libc.OpenAt2(CurrentDirectory, text, how);
        }
    }

    /// <summary>A file or directory below a root, to read. Never waits for a pipe's writer.</summary>
    public static int Open(int root, ReadOnlySpan<byte> path, LinkPolicy links, bool cachedOnly)
    {
        if (path.IsEmpty || path[^1] != 0) throw new ArgumentException("the path does not end with a NUL", nameof(path));
        if (!IsKept && !cachedOnly)
            return links == LinkPolicy.Anywhere ? OpenAnywhere(root, path) : FileTreeWalk.Open(root, path[..^1], links);
        if (cachedOnly && !s_canAnswerCached) return -(int)Errno.EAGAIN;
        ulong resolve = links switch
        {
            LinkPolicy.Never => ResolveBeneath | ResolveNoMagicLinks | ResolveNoSymlinks,
            LinkPolicy.Inside => ResolveBeneath | ResolveNoMagicLinks,
            _ => ResolveNoMagicLinks,
        };
        ulong* how = stackalloc ulong[3] { ReadFlags, 0, resolve | (cachedOnly ? ResolveCached : 0) };
        fixed (byte* text = path)
        {
            int result = 0;
            for (int left = cachedOnly ? 1 : Attempts; left > 0; left--)
            {
                result = Libc.OpenAt2(root, text, how);
                if (result != -(int)Errno.EAGAIN) break;
            }

            return result;
        }
    }

    private static int OpenAnywhere(int root, ReadOnlySpan<byte> path)
    {
        fixed (byte* text = path) return Libc.Result(Libc.OpenAt(root, text, ReadFlags, 0));
    }

    private static bool Probe(ulong resolve)
    {
        ulong* how = stackalloc ulong[3] { (ulong)(PathOnly | DirectoryOnly), 0, resolve };
        byte* root = stackalloc byte[2] { (byte)'/', 0 };
        int fd = Libc.OpenAt2(CurrentDirectory, root, how);
        if (fd < 0) return fd == -(int)Errno.EAGAIN;
        Descriptor.Close(fd);
        return true;
    }
}

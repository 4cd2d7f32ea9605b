using Mainstay.Core.Config;

namespace Mainstay.Linux.Storage;

/// <summary>
/// Opens a file below a root step by step, each directory held open while the next name is looked up in it, links resolved here: what
/// openat2 does with RESOLVE_BENEATH, for kernels and sandboxes without it.
/// </summary>
public static unsafe class FileTreeWalk
{
    /// <summary>MAXSYMLINKS of the kernel.</summary>
    private const int MaxLinks = 40;

    private const int MaxPath = 4096;

    /// <param name="path">Without a NUL at its end.</param>
    public static int Open(int root, ReadOnlySpan<byte> path, LinkPolicy links)
    {
        var open = new List<int>();
        try
        {
            return Walk(root, path.ToArray(), links, open);
        }
        finally
        {
            foreach (int directory in open) Descriptor.Close(directory);
        }
    }

    /// <param name="open">The directories from below the root to where the walk is; the caller closes them.</param>
    private static int Walk(int root, byte[] path, LinkPolicy links, List<int> open)
    {
        int followed = 0;
        while (true)
        {
            if (path is [(byte)'/', ..]) return -(int)Errno.EXDEV;
            int slash = Array.IndexOf(path, (byte)'/');
            byte[] name = slash < 0 ? path : path[..slash];
            byte[] rest = slash < 0 ? [] : path[(slash + 1)..].AsSpan().TrimStart((byte)'/').ToArray();
            int at = open.Count > 0 ? open[^1] : root;
            if (name is [] or [(byte)'.'])
            {
                if (rest.Length == 0) return OpenAt(at, "."u8, FileTree.ReadFlags);
                path = rest;
                continue;
            }

            if (name is [(byte)'.', (byte)'.'])
            {
                if (open.Count == 0) return -(int)Errno.EXDEV;
                Descriptor.Close(open[^1]);
                open.RemoveAt(open.Count - 1);
                path = rest.Length == 0 ? "."u8.ToArray() : rest;
                continue;
            }

            int step = OpenAt(at, name, FileTree.PathOnly | FileTree.DoNotFollow);
            if (step < 0) return step;
            if (FileStatus.Read(step, mayWait: true, out FileStatus status) is < 0 and var error) return CloseWith(step, error);
            if (status.Kind == FileKind.SymbolicLink)
            {
                if (links == LinkPolicy.Never || ++followed > MaxLinks) return CloseWith(step, -(int)Errno.ELOOP);
                int result = ReadLink(step, out byte[] target);
                Descriptor.Close(step);
                if (result < 0) return result;
                path = slash < 0 ? target : [.. target, (byte)'/', .. rest];
                if (path.Length >= MaxPath) return -(int)Errno.ENAMETOOLONG;
                continue;
            }

            if (slash < 0)
            {
                // The last name again, to read: if it has become a link meanwhile, the kernel says ELOOP.
                Descriptor.Close(step);
                return OpenAt(at, name, FileTree.ReadFlags | FileTree.DoNotFollow);
            }

            if (status.Kind != FileKind.Directory) return CloseWith(step, -(int)Errno.ENOTDIR);
            open.Add(step);
            path = rest.Length == 0 ? "."u8.ToArray() : rest;
        }
    }

    private static int CloseWith(int descriptor, int result)
    {
        Descriptor.Close(descriptor);
        return result;
    }

    private static int OpenAt(int directory, ReadOnlySpan<byte> name, int flags)
    {
        byte* text = stackalloc byte[256];
        if (name.Length > 255) return -(int)Errno.ENAMETOOLONG;
        name.CopyTo(new Span<byte>(text, 255));
        text[name.Length] = 0;
        return Libc.Result(Libc.OpenAt(directory, text, flags, 0));
    }

    private static int ReadLink(int link, out byte[] target)
    {
        byte* buffer = stackalloc byte[MaxPath];
        byte none = 0;
        int length = Libc.Result(Libc.ReadLinkAt(link, &none, buffer, MaxPath));
        target = length <= 0 ? [] : new ReadOnlySpan<byte>(buffer, length).ToArray();
        return length == 0 ? -(int)Errno.ENOENT : length;
    }
}

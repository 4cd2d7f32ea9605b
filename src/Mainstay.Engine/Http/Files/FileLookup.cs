using Mainstay.Core.Http.Coding;
using Mainstay.Core.Http.Files;
using Mainstay.Engine.Offload;
using Mainstay.Linux;
using Mainstay.Linux.Storage;

namespace Mainstay.Engine.Http.Files;

/// <summary>What became of a look for a file.</summary>
internal enum FileFound : byte
{
    File,

    /// <summary>It is a directory and the path lacks its final slash.</summary>
    Redirect,
    Missing,
    Forbidden,

    /// <summary>Descriptors, memory or places in the queue have run out.</summary>
    Unavailable,
    Failed,

    /// <summary>Not known yet: a thread that may wait for the disk has been asked.</summary>
    Waiting,
}

/// <summary>A file that a look has opened.</summary>
/// <param name="Descriptor">-1: none was; or its content is in memory.</param>
/// <param name="IsUnchanged">It is what the cache has already.</param>
internal readonly record struct OpenedFile(int Descriptor, FileStatus Status, NativeBuffer? Content, bool IsThere, bool IsUnchanged);

/// <summary>
/// One look for a file and its precompressed siblings: first on the shard, from the kernel's cache alone; where that does not do, on the offload
/// pool. Opened descriptors are the taker's.
/// </summary>
internal sealed class FileLookup(FileCache cache) : IOffloadWork
{
    /// <summary>Contents up to this size are kept in memory: head and content then go out in one call, and no descriptor is held.</summary>
    public const int SmallFile = 16 * 1024;

    /// <summary>A small file that changes while it is read, as often read again.</summary>
    private const int Readings = 3;

    private readonly byte[] _path = new byte[4096];
    private readonly OpenedFile[] _files = new OpenedFile[ContentCodings.Count];
    private int _length;

    public FileSite Site { get; private set; } = null!;
    public bool IsDirectory { get; private set; }
    public FileFound Found { get; private set; }
    public Errno Error { get; private set; }

    /// <summary>The exchanges that wait for the result, with the number of their request.</summary>
    public List<(Exchange Exchange, int Serial)> Waiters { get; } = [];

    /// <summary>What the result belongs into, when it was asked of the offload pool.</summary>
    public FileEntry? Entry { get; set; }

    public OpenedFile this[ContentCoding coding] => _files[(int)coding];

    /// <summary>Name of the file that was found, an index file's with its directory.</summary>
    public ReadOnlySpan<byte> ServedName => _path.AsSpan(0, _length);

    public void Start(FileSite site, ReadOnlySpan<byte> name, bool isDirectory)
    {
        Site = site;
        IsDirectory = isDirectory;
        name.CopyTo(_path);
        _length = name.Length;
        Entry = null;
    }

    /// <summary>On the offload pool.</summary>
    public void Run()
    {
        TryRun(cachedOnly: false, known: null);
        cache.Post(this);
    }

    /// <summary>False: it would have to wait for the disk; nothing is open then.</summary>
    /// <param name="known">What the cache has of the name.</param>
    public bool TryRun(bool cachedOnly, FileEntry? known)
    {
        Array.Clear(_files);
        int length = _length;
        int root = FileTree.OpenRoot(Site.Root, cachedOnly);
        if (root < 0) return Settle((Errno)(-root), cachedOnly);
        bool done = IsDirectory ? TryIndex(root, cachedOnly, known) : TryFile(root, cachedOnly, known);
        if (done && Found == FileFound.File && Site.Snapshot.Precompressed) done = TrySiblings(root, cachedOnly, known);
        Descriptor.Close(root);
        if (done) return true;
        _length = length;
        CloseAll();
        return false;
    }

    /// <summary>Its files belong to somebody else now; nobody waits for it.</summary>
    public void Forget()
    {
        Array.Clear(_files);
        Waiters.Clear();
        Entry = null;
    }

    private void CloseAll()
    {
        foreach (OpenedFile file in _files)
        {
            if (file.IsThere && file.Descriptor >= 0) Descriptor.Close(file.Descriptor);
            file.Content?.Dispose();
        }

        Array.Clear(_files);
    }

    private bool TryFile(int root, bool cachedOnly, FileEntry? known)
    {
        int opened = Open(root, ""u8, cachedOnly, out FileStatus status);
        return opened < 0 ? Settle((Errno)(-opened), cachedOnly) : TryTake(opened, status, cachedOnly, known);
    }

    private bool TryIndex(int root, bool cachedOnly, FileEntry? known)
    {
        int directory = _length;
        foreach (byte[] index in Site.Index)
        {
            _length = directory;
            if (directory > 0) _path[_length++] = (byte)'/';
            index.CopyTo(_path, _length);
            _length += index.Length;
            int opened = Open(root, ""u8, cachedOnly, out FileStatus status);
            if (opened == -(int)Errno.ENOENT) continue;
            if (opened < 0) return Settle((Errno)(-opened), cachedOnly);
            if (status.Kind == FileKind.Directory)
            {
                Descriptor.Close(opened);
                continue;
            }

            return TryTake(opened, status, cachedOnly, known);
        }

        Found = FileFound.Missing;
        return true;
    }

    /// <summary>An opened file, or what was opened in its place.</summary>
    private bool TryTake(int opened, FileStatus status, bool cachedOnly, FileEntry? known)
    {
        if (status.Kind == FileKind.Regular)
        {
            Found = FileFound.File;
            return TryKeep(ContentCoding.Identity, opened, status, cachedOnly, known);
        }

        Descriptor.Close(opened);
        Found = status.Kind == FileKind.Directory ? FileFound.Redirect : FileFound.Forbidden;
        return true;
    }

    /// <summary>A sibling is used when it is a file and no older than the one that it stands for, in whole seconds: tools cut times off.</summary>
    private bool TrySiblings(int root, bool cachedOnly, FileEntry? known)
    {
        long modified = new FileVersion(0, _files[0].Status.ModifiedNanoseconds).ModifiedSeconds;
        for (var coding = ContentCoding.Brotli; (int)coding < ContentCodings.Count; coding++)
        {
            int opened = Open(root, Extension(coding), cachedOnly, out FileStatus status);
            if (opened == -(int)Errno.EAGAIN && cachedOnly) return false;
            if (opened < 0) continue;
            bool usable = status.Kind == FileKind.Regular && status.Size > 0
                && new FileVersion(0, status.ModifiedNanoseconds).ModifiedSeconds >= modified;
            if (!usable) Descriptor.Close(opened);
            else if (!TryKeep(coding, opened, status, cachedOnly, known)) return false;
        }

        return true;
    }

    private static ReadOnlySpan<byte> Extension(ContentCoding coding) => coding switch
    {
        ContentCoding.Brotli => ".br"u8,
        ContentCoding.Zstandard => ".zst"u8,
        _ => ".gz"u8,
    };

    /// <summary>Opens the name with something behind it. A descriptor, or a negated <see cref="Errno"/>.</summary>
    private int Open(int root, ReadOnlySpan<byte> extension, bool cachedOnly, out FileStatus status)
    {
        extension.CopyTo(_path.AsSpan(_length));
        int end = _length + extension.Length;
        _path[end] = 0;
        int opened = FileTree.Open(root, _path.AsSpan(0, end + 1), Site.Snapshot.Links, cachedOnly);
        status = default;
        if (opened < 0) return opened;
        int result = FileStatus.Read(opened, mayWait: !cachedOnly, out status);
        if (result >= 0) return opened;
        Descriptor.Close(opened);
        return result;
    }

    /// <summary>Notes an open file; a small one is read and closed. False: reading would have to wait.</summary>
    private bool TryKeep(ContentCoding coding, int opened, FileStatus status, bool cachedOnly, FileEntry? known)
    {
        bool unchanged = known?[coding] is { IsSettled: true } old && old.Status == status;
        if (unchanged || status.Size > SmallFile)
        {
            if (unchanged) Descriptor.Close(opened);
            _files[(int)coding] = new OpenedFile(unchanged ? -1 : opened, status, null, IsThere: true, unchanged);
            return true;
        }

        NativeBuffer? content = null;
        for (int left = Readings; left > 0; left--)
        {
            content = status.Size == 0 ? null : new NativeBuffer((int)status.Size);
            int read = content is null ? 0 : Read(opened, content.Span, cachedOnly);
            FileStatus after = default;
            bool whole = read == status.Size && FileStatus.Read(opened, mayWait: false, out after) >= 0 && after == status;
            if (whole)
            {
                Descriptor.Close(opened);
                _files[(int)coding] = new OpenedFile(-1, status, content, IsThere: true, IsUnchanged: false);
                return true;
            }

            content?.Dispose();
            if (read < 0 && cachedOnly)
            {
                Descriptor.Close(opened);
                return false;
            }

            if (read >= 0 && FileStatus.Read(opened, mayWait: false, out after) >= 0) status = after;
            if (status.Size > SmallFile) break;
        }

        // Somebody writes to it without end: it is sent from its descriptor, as long as it gets.
        _files[(int)coding] = new OpenedFile(opened, status, null, IsThere: true, IsUnchanged: false);
        return true;
    }

    private static int Read(int file, Span<byte> buffer, bool cachedOnly)
    {
        int at = 0;
        while (at < buffer.Length)
        {
            int count = cachedOnly ? FileContent.ReadCached(file, buffer[at..], at) : FileContent.Read(file, buffer[at..], at);
            if (count < 0) return count;
            if (count == 0) break;
            at += count;
        }

        return at;
    }

    /// <summary>Says what an error means. False: ask somebody who may wait.</summary>
    private bool Settle(Errno error, bool cachedOnly)
    {
        Error = error;
        if (error == Errno.EAGAIN && cachedOnly) return false;
        Found = error switch
        {
            Errno.ENOENT or Errno.ENOTDIR or Errno.ENAMETOOLONG => FileFound.Missing,
            Errno.EACCES or Errno.EPERM or Errno.ELOOP or Errno.EXDEV => FileFound.Forbidden,
            Errno.EMFILE or Errno.ENFILE or Errno.ENOMEM or Errno.EAGAIN => FileFound.Unavailable,
            _ => FileFound.Failed,
        };
        return true;
    }
}

/// <summary>Reads a piece of a file, so that its pages are in memory when the shard sends them.</summary>
internal sealed class FileWarmUp(FileCache cache, Exchange exchange, int serial, Representation file, long offset, long length) : IOffloadWork
{
    [ThreadStatic]
    private static byte[]? t_scratch;

    public Exchange Exchange => exchange;
    public int Serial => serial;
    public Representation File => file;

    public void Run()
    {
        byte[] scratch = t_scratch ??= new byte[128 * 1024];
        for (long at = offset; at < offset + length;)
        {
            int count = FileContent.Read(file.Descriptor, scratch.AsSpan(0, (int)Math.Min(scratch.Length, offset + length - at)), at);

            // An error is met again, and answered, by who sends.
            if (count <= 0) break;
            at += count;
        }

        cache.Post(this);
    }
}

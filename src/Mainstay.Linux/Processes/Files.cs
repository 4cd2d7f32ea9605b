using System.Runtime.InteropServices;

namespace Mainstay.Linux.Processes;

/// <summary>Descriptors of files and pipes that are passed between processes or outlive one. The caller owns what it gets.</summary>
public static unsafe class Files
{
    private const int ReadWrite = 2, Create = 0x40, CloseOnExec = 0x80000, NonBlock = 0x800;
    private static readonly int DoNotFollow = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 0x8000 : 0x20000;
    private const int Exclusive = 2, DoNotWait = 4;

    /// <summary>A descriptor to read from, or a negated <see cref="Errno"/>. Directories too.</summary>
    public static int OpenToRead(string path)
    {
        using var text = new NativeStrings([path]);
        return Libc.Result(Libc.Open(text.First, CloseOnExec | NonBlock, 0));
    }

    /// <summary>
    /// A copy of a file as it is now, in memory, or a negated <see cref="Errno"/>; what is longer than <paramref name="limit"/> bytes is cut
    /// there. Never waits: a pipe without a writer is an empty file.
    /// </summary>
    public static int CopyToMemory(string path, int limit)
    {
        int file = OpenToRead(path);
        if (file < 0) return file;
        using var name = new NativeStrings(["configuration"]);
        int copy = Libc.Result(Libc.MemoryFile(name.First, 1 /* MFD_CLOEXEC */));
        int result = copy < 0 ? copy : Copy(file, copy, limit);
        Descriptor.Close(file);
        if (result >= 0) return copy;
        if (copy >= 0) Descriptor.Close(copy);
        return result;
    }

    /// <summary>All of a file of <see cref="CopyToMemory"/>, wherever its position is.</summary>
    public static byte[] ReadWhole(int fd)
    {
        const int fromEnd = 2;
        Rewind(fd);
        byte[] content = new byte[Math.Max(0, (int)Libc.Seek(fd, 0, fromEnd))];
        Rewind(fd);
        int length = 0;
        for (int count = 1; length < content.Length && count > 0; length += Math.Max(count, 0)) count = Descriptor.Read(fd, content.AsSpan(length));
        Rewind(fd);
        return content;
    }

    /// <summary>Whoever reads next starts at the beginning: the position belongs to all copies of a descriptor.</summary>
    public static void Rewind(int fd) => _ = Libc.Seek(fd, 0, 0);

    private static int Copy(int from, int to, int limit)
    {
        Span<byte> buffer = stackalloc byte[16 * 1024];
        for (int copied = 0; copied < limit;)
        {
            int count = Descriptor.Read(from, buffer);
            if (count is 0 or -(int)Errno.EAGAIN) break;
            if (count < 0) return count;
            int written = Descriptor.Write(to, buffer[..count]);
            if (written < count) return written < 0 ? written : -(int)Errno.ENOSPC;
            copied += count;
        }

        return 0;
    }

    /// <summary>
    /// Opens (creates) a file and locks it until its last descriptor is closed, also by the end of the process. EAGAIN, negated:
    /// another process holds the lock.
    /// </summary>
    public static int OpenLocked(string path)
    {
        using var text = new NativeStrings([path]);
        int fd = Libc.Result(Libc.Open(text.First, ReadWrite | Create | CloseOnExec | DoNotFollow, 0x180 /* 0600 */));
        if (fd < 0) return fd;
        int result = Libc.Result(Libc.FileLock(fd, Exclusive | DoNotWait));
        if (result >= 0) return fd;
        Descriptor.Close(fd);
        return result;
    }

    /// <summary>Does something that creates a file, which gets this mode whatever umask the program was started with. One thread at a time.</summary>
    public static int WithMode(int mode, Func<int> create)
    {
        uint before = Libc.SetCreationMask(~(uint)mode & 0x1FF);
        try
        {
            return create();
        }
        finally
        {
            _ = Libc.SetCreationMask(before);
        }
    }

    /// <summary>A pipe whose reading end does not block; the writing end does, as programs expect of their output.</summary>
    public static (int Read, int Write) CreatePipe()
    {
        const int setFlags = 4;
        int* ends = stackalloc int[2];
        int result = Libc.Result(Libc.Pipe(ends, CloseOnExec));
        if (result < 0) throw new InvalidOperationException($"pipe: {((Errno)(-result)).Describe()}");
        _ = Libc.FileControl(ends[0], setFlags, NonBlock);
        return (ends[0], ends[1]);
    }

    /// <summary>Is a unix socket's file; a symbolic link to one is not.</summary>
    public static bool IsSocket(string path)
    {
        const int currentDirectory = -100, doNotFollow = 0x100;
        const uint wantType = 1;
        const int typeMask = 0xF000, typeSocket = 0xC000;
        using var text = new NativeStrings([path]);
        // struct statx is the same everywhere: 256 bytes, stx_mode at 28.
        byte* status = stackalloc byte[256];
        return Libc.FileStatus(currentDirectory, text.First, doNotFollow, wantType, status) == 0
            && (*(ushort*)(status + 28) & typeMask) == typeSocket;
    }
}

using System.Runtime.CompilerServices;

namespace Mainstay.Linux.Storage;

public enum FileKind : byte
{
    Other,
    Regular,
    Directory,
    SymbolicLink,
}

/// <summary>What statx(2) says of an open file. Times are nanoseconds since 1970.</summary>
/// <param name="ChangedNanoseconds">Of the last change of content or attributes; cannot be set back, as the modification time can.</param>
public readonly record struct FileStatus(
    FileKind Kind, long Size, long ModifiedNanoseconds, long ChangedNanoseconds, ulong Inode, ulong Device)
{
    /// <summary>Of a descriptor, any kind of it. 0, or a negated <see cref="Errno"/>.</summary>
    /// <param name="mayWait">Else what a network file system knows already is good enough.</param>
    public static unsafe int Read(int fd, bool mayWait, out FileStatus status)
    {
        const int emptyPath = 0x1000, doNotSync = 0x4000;
        const uint basic = 0x7FF;

        // struct statx is the same everywhere: 256 bytes; times are 8 bytes of seconds and 4 of nanoseconds.
        byte* raw = stackalloc byte[256];
        byte none = 0;
        status = default;
        int result = Libc.Result(Libc.FileStatus(fd, &none, emptyPath | (mayWait ? 0 : doNotSync), basic, raw));
        if (result < 0) return result;
        FileKind kind = (*(ushort*)(raw + 28) & 0xF000) switch
        {
            0x8000 => FileKind.Regular,
            0x4000 => FileKind.Directory,
            0xA000 => FileKind.SymbolicLink,
            _ => FileKind.Other,
        };
        status = new FileStatus(
            kind, *(long*)(raw + 40), Time(raw + 112), Time(raw + 96), *(ulong*)(raw + 32), Unsafe.ReadUnaligned<ulong>(raw + 136));
        return 0;
    }

    private static unsafe long Time(byte* at) => *(long*)at * 1_000_000_000 + *(uint*)(at + 8);
}

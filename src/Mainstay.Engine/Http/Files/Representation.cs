using Mainstay.Core;
using Mainstay.Core.Http.Coding;
using Mainstay.Core.Http.Files;
using Mainstay.Linux;
using Mainstay.Linux.Storage;

namespace Mainstay.Engine.Http.Files;

/// <summary>
/// One content of one file in one coding, on one shard: its bytes in memory when it is small, else an open descriptor. It lives as long as the
/// cache or an exchange has it.
/// </summary>
internal sealed class Representation(FileStatus status, int descriptor, NativeBuffer? content, bool isSettled)
{
    /// <summary>What statx said when it was opened.</summary>
    public FileStatus Status => status;

    /// <summary>-1 when the content is in memory.</summary>
    public int Descriptor => descriptor;

    public bool IsInMemory => descriptor < 0;

    /// <summary>Of a file in memory.</summary>
    public ReadOnlySpan<byte> Content => content is null ? default : content.Span[..(int)status.Size];

    public int ContentCapacity => content?.Length ?? 0;

    public FileVersion Version => new(status.Size, status.ModifiedNanoseconds);

    /// <summary>It was opened so long after its last change that another change shows in its status.</summary>
    public bool IsSettled => isSettled;

    public required FileHead Head { get; set; }

    /// <summary>Exchanges that send it.</summary>
    public int Users { get; set; }

    /// <summary>The cache has another one, or none, for its name.</summary>
    public bool IsDetached { get; set; }

    /// <summary>Until then its pages need not be looked for again.</summary>
    public Instant ResidentUntil { get; set; }

    public void Free()
    {
        if (descriptor >= 0) Mainstay.Linux.Descriptor.Close(descriptor);
        content?.Dispose();
    }
}

/// <summary>What is cached of one name: the representations of its file.</summary>
internal sealed class FileEntry(FileKey key)
{
    private readonly Representation?[] _byCoding = new Representation?[ContentCodings.Count];

    public FileKey Key => key;

    public Representation? this[ContentCoding coding]
    {
        get => _byCoding[(int)coding];
        set => _byCoding[(int)coding] = value;
    }

    public CodingSet Available { get; set; }

    /// <summary>Then it is looked at again.</summary>
    public Instant ValidUntil { get; set; }
    public Instant LastUsed { get; set; }

    /// <summary>The look at it that is under way.</summary>
    public FileLookup? Lookup { get; set; }

    /// <summary>Somebody who has it is being called: not to be thrown out now.</summary>
    public bool IsPinned { get; set; }

    // Neighbours by last use.
    public FileEntry? Newer { get; set; }
    public FileEntry? Older { get; set; }
}

namespace Mainstay.Engine.Http.Files;

/// <summary>A name within a site.</summary>
/// <param name="IsDirectory">The index file of that directory is meant.</param>
internal sealed record FileKey(int Site, byte[] Name, bool IsDirectory);

/// <summary>The same, in somebody's buffer.</summary>
internal readonly ref struct FileKeySpan(int site, ReadOnlySpan<byte> name, bool isDirectory)
{
    public int Site { get; } = site;
    public ReadOnlySpan<byte> Name { get; } = name;
    public bool IsDirectory { get; } = isDirectory;
}

/// <summary>Clients choose the names: the hash is seeded by the process.</summary>
internal sealed class FileKeyComparer : IEqualityComparer<FileKey>, IAlternateEqualityComparer<FileKeySpan, FileKey>
{
    public bool Equals(FileKey? x, FileKey? y) => x is null ? y is null : y is not null && Equals(Span(x), y);

    public int GetHashCode(FileKey key) => GetHashCode(Span(key));

    public bool Equals(FileKeySpan alternate, FileKey other) =>
        alternate.Site == other.Site && alternate.IsDirectory == other.IsDirectory && alternate.Name.SequenceEqual(other.Name);

    public int GetHashCode(FileKeySpan alternate)
    {
        var hash = new HashCode();
        hash.Add(alternate.Site);
        hash.Add(alternate.IsDirectory);
        hash.AddBytes(alternate.Name);
        return hash.ToHashCode();
    }

    public FileKey Create(FileKeySpan alternate) => new(alternate.Site, alternate.Name.ToArray(), alternate.IsDirectory);

    private static FileKeySpan Span(FileKey key) => new(key.Site, key.Name, key.IsDirectory);
}

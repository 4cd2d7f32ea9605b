namespace Mainstay.Core.Http2;

/// <summary>The storage that the HTTP/2 connections of one shard share.</summary>
internal sealed class Http2Shelves
{
    public Shelf<byte> Bytes { get; } = new();
    public Shelf<HpackEntry> Entries { get; } = new();
    public Shelf<uint> Hashes { get; } = new();
    public Shelf<Http2Stream> Streams { get; } = new();

    /// <summary>Of <see cref="StreamTable"/>.</summary>
    public Shelf<int> Places { get; } = new();
}

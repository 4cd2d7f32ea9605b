using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>What all HTTP/2 connections of one shard share: storage, the place where heads are made, and counters.</summary>
public sealed class Http2Workspace
{
    internal Http2Shelves Shelves { get; } = new();
    internal HeadAssembler Assembler { get; } = new();
    internal HeadEncoder Encoder { get; } = new();

    /// <summary>Streams and connections that were ended here, and messages refused, by <see cref="Http2Reason"/>.</summary>
    public long[] Counters { get; } = new long[Http2Reasons.Count];

    /// <summary>
    /// The text of a head or trailer event: valid until the next <see cref="Http2Connection.TryRead"/> of any connection of the shard.
    /// </summary>
    public ReadOnlySpan<byte> Text(in Http2Event e) => e.Bytes.Of(Assembler.Text);

    /// <summary>For readers on other threads, which add up the shards.</summary>
    internal void Count(Http2Reason reason) => Volatile.Write(ref Counters[(int)reason], Counters[(int)reason] + 1);
}

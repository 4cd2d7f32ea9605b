using System.Runtime.CompilerServices;

namespace Mainstay.Core.Http2;

/// <summary>How a stream came to be closed: it decides what a late frame on it means (RFC 9113 section 5.1).</summary>
internal enum ClosedBy : byte
{
    /// <summary>Closed so long ago that nothing is known.</summary>
    Unknown,

    /// <summary>Both sides have sent END_STREAM: the peer knows that nothing may follow.</summary>
    End,

    /// <summary>By the peer's RST_STREAM: it knows too.</summary>
    PeerReset,

    /// <summary>By our RST_STREAM: what the peer had sent before it heard of it may still come.</summary>
    OurReset,
}

/// <summary>The streams that were closed last.</summary>
internal struct ClosedStreams
{
    /// <summary>More than the streams that a peer may have had open at once when it was told by one flight of RST_STREAM frames.</summary>
    private const int Kept = 128;

    private Ids _ids;
    private Kinds _kinds;
    private int _next;

    public void Add(int id, ClosedBy by)
    {
        _ids[_next] = id;
        _kinds[_next] = (byte)by;
        _next = (_next + 1) % Kept;
    }

    public readonly ClosedBy Find(int id)
    {
        int at = ((ReadOnlySpan<int>)_ids).IndexOf(id);
        return at < 0 ? ClosedBy.Unknown : (ClosedBy)_kinds[at];
    }

    [InlineArray(Kept)]
    private struct Ids
    {
        private int _first;
    }

    [InlineArray(Kept)]
    private struct Kinds
    {
        private byte _first;
    }
}

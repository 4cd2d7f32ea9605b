namespace Mainstay.Core.Http2;

/// <summary>
/// A stream of a connection. The slot is a small number that the stream keeps as long as it lives, for the caller's own table; the
/// identifier tells it from those that have or had the slot otherwise. A reference to a stream that has ended is harmless: what is
/// asked for it is not done.
/// </summary>
public readonly record struct StreamRef(int Slot, int Id)
{
    /// <summary>The connection, or nothing.</summary>
    public static readonly StreamRef None;

    public bool IsNone => Id == 0;
}

namespace Mainstay.Core.Http;

/// <summary>How the end of a body is found (RFC 9112 section 6.3).</summary>
public enum BodyKind : byte
{
    None,
    Length,
    Chunked,

    /// <summary>Responses only: the body ends with the connection.</summary>
    UntilClose,
}

/// <param name="Length">Bytes of the body for <see cref="BodyKind.Length"/>, never 0 then (an empty body is None); else
/// 0.</param>
public readonly record struct BodyFraming(BodyKind Kind, long Length)
{
    public static readonly BodyFraming None;
    public static readonly BodyFraming Chunked = new(BodyKind.Chunked, 0);
    public static readonly BodyFraming UntilClose = new(BodyKind.UntilClose, 0);

    public static BodyFraming OfLength(long length) => length == 0 ? None : new(BodyKind.Length, length);

    public bool HasBody => Kind != BodyKind.None;
}

namespace Mainstay.Core.Http.Files;

/// <summary>Entity tags in header fields (RFC 9110 section 8.8.3).</summary>
internal static class EntityTags
{
    /// <summary>
    /// Takes the next tag off a list. False at its end and at what is no tag: the rest of a broken list names nothing.
    /// </summary>
    /// <param name="opaque">With its quotes.</param>
    public static bool TryNext(ref ReadOnlySpan<byte> list, out ReadOnlySpan<byte> opaque, out bool isWeak)
    {
        opaque = default;
        isWeak = false;
        int start = list.IndexOfAnyExcept(" \t,"u8);
        if (start < 0) return false;
        ReadOnlySpan<byte> rest = list[start..];
        list = default;
        isWeak = rest.StartsWith("W/"u8);
        if (isWeak) rest = rest[2..];
        if (rest.IsEmpty || rest[0] != '"') return false;
        int end = rest[1..].IndexOf((byte)'"') + 2;
        if (end < 2) return false;
        opaque = rest[..end];
        list = rest[end..];
        return list.IsEmpty || list[0] is (byte)',' or (byte)' ' or (byte)'\t';
    }
}

using System.Text.Unicode;

namespace Mainstay.Core.Http.Files;

/// <summary>
/// Makes the name of a file, relative to its root, of a request's path. What comes out has no empty, "." or ".." segment, no control, no
/// separator but '/', and is valid UTF-8; the kernel is asked besides to resolve nothing that leads out of the root.
/// </summary>
public static class FilePath
{
    /// <summary>PATH_MAX with its closing NUL (limits.h), less what a sibling's extension or an index file adds.</summary>
    public const int MaxLength = 4095 - 300;

    /// <summary>NAME_MAX (limits.h), less the ".zst" of a sibling.</summary>
    private const int MaxSegment = 255 - 4;

    /// <summary>Below the root this one hidden name is a public place (RFC 8615).</summary>
    private static ReadOnlySpan<byte> WellKnown => ".well-known"u8;

    /// <param name="normalized">As <see cref="PathNormalizer"/> leaves it, without the prefix that is not part of the name; begins with '/'.</param>
    /// <param name="allowHidden">Names that begin with a dot are served.</param>
    /// <param name="name">At least as long as the path; gets the name, without '/' at either end.</param>
    /// <param name="isDirectory">The path ends with '/': its index file is meant. An empty name is the root itself.</param>
    public static bool TryResolve(
        ReadOnlySpan<byte> normalized, bool allowHidden, Span<byte> name, out int length, out bool isDirectory, out RejectReason reason)
    {
        length = 0;
        isDirectory = normalized.EndsWith((byte)'/');
        reason = normalized.IsEmpty || normalized[0] != '/' ? RejectReason.InvalidTarget : RejectReason.None;
        if (reason != RejectReason.None) return false;
        ReadOnlySpan<byte> rest = normalized[1..];
        while (!rest.IsEmpty && reason == RejectReason.None)
        {
            int slash = rest.IndexOf((byte)'/');
            ReadOnlySpan<byte> segment = slash < 0 ? rest : rest[..slash];
            rest = slash < 0 ? default : rest[(slash + 1)..];
            if (segment.IsEmpty) continue;
            if (length > 0) name[length++] = (byte)'/';
            int start = length;
            reason = Append(segment, name, ref length);
            if (reason == RejectReason.None) reason = Judge(name[start..length], allowHidden || (start == 0 && segment.SequenceEqual(WellKnown)));
        }

        if (reason == RejectReason.None && length > MaxLength) reason = RejectReason.FilePathTooLong;
        if (reason == RejectReason.None && !Utf8.IsValid(name[..length])) reason = RejectReason.NameNotUtf8;
        return reason == RejectReason.None;
    }

    /// <summary>The path without <paramref name="prefix"/>, if it is that or below it; else the whole path.</summary>
    /// <param name="prefix">Begins with '/' and does not end with it; empty: nothing is taken away.</param>
    public static ReadOnlySpan<byte> WithoutPrefix(ReadOnlySpan<byte> normalized, ReadOnlySpan<byte> prefix)
    {
        if (!normalized.StartsWith(prefix)) return normalized;
        if (normalized.Length == prefix.Length) return "/"u8;
        return normalized[prefix.Length] == '/' ? normalized[prefix.Length..] : normalized;
    }

    /// <summary>A normalised path has but three escapes left: of '%', which is a character like any other, and of the separators.</summary>
    private static RejectReason Append(ReadOnlySpan<byte> segment, Span<byte> name, ref int length)
    {
        for (int i = 0; i < segment.Length; i++)
        {
            byte value = segment[i];
            if (value == '%')
            {
                if (!segment[i..].StartsWith("%25"u8)) return RejectReason.SeparatorInName;
                i += 2;
            }

            name[length++] = value;
        }

        return RejectReason.None;
    }

    private static RejectReason Judge(ReadOnlySpan<byte> segment, bool mayBeHidden)
    {
        // The normaliser leaves no dot segment; nobody who forgets to call it gets one past here.
        if (segment is [(byte)'.'] or [(byte)'.', (byte)'.']) return RejectReason.AmbiguousPath;
        if (segment[0] == '.' && !mayBeHidden) return RejectReason.HiddenFile;
        if (segment.Contains((byte)'\\')) return RejectReason.SeparatorInName;
        if (segment.IndexOfAnyInRange((byte)0, (byte)0x1F) >= 0 || segment.Contains((byte)0x7F)) return RejectReason.ControlInName;
        return segment.Length > MaxSegment ? RejectReason.FilePathTooLong : RejectReason.None;
    }
}

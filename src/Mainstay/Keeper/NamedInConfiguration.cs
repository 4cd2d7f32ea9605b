using System.Text;
using Mainstay.Configuration;
using Mainstay.Core.Config;

namespace Mainstay.Keeper;

/// <summary>
/// What the keeper opens for its worker: only what the configuration's text names. The worker reads what strangers send; taken over, it
/// could otherwise have any port opened, or a file created in any directory, with the keeper's rights. Found without reading YAML, which
/// the keeper must not: a port as a number of its own, a path as written, or the default path.
/// </summary>
public static class NamedInConfiguration
{
    private const string UnixPrefix = "unix:";

    /// <param name="key">As keeper and worker call an endpoint: <c>0.0.0.0:80</c>, <c>udp:[::]:53</c>, <c>unix:/path</c>.</param>
    public static bool Endpoint(ReadOnlySpan<byte> configuration, string key)
    {
        if (key.StartsWith(UnixPrefix, StringComparison.Ordinal)) return Path(configuration, key[UnixPrefix.Length..]);
        ReadOnlySpan<byte> port = Encoding.ASCII.GetBytes(key[(key.LastIndexOf(':') + 1)..]);
        return Contains(configuration, port, static c => char.IsAsciiDigit((char)c));
    }

    public static bool Path(ReadOnlySpan<byte> configuration, string path)
    {
        if (Contains(configuration, Encoding.UTF8.GetBytes(path), IsOfPath)) return true;
        ConfigEnvironment defaults = LocalEnvironment.Create("/");
        return path == defaults.AdminSocket || path == defaults.StateDirectory;
    }

    /// <summary>A file to read: itself, or a directory that it is directly in. Links are followed: they are whose the directory is.</summary>
    public static bool File(ReadOnlySpan<byte> configuration, string path)
    {
        int slash = path.LastIndexOf('/');
        if (slash < 0 || path[(slash + 1)..] is "" or "." or ".." || path.Contains('\0')) return false;
        return Contains(configuration, Encoding.UTF8.GetBytes(path), IsOfPath)
            || (slash > 0 && Contains(configuration, Encoding.UTF8.GetBytes(path[..slash]), IsOfPath));
    }

    /// <summary>As a whole: not as a part of something longer of the same characters. A directory may be written with a slash behind it.</summary>
    private static bool Contains(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word, Func<byte, bool> isOfWord)
    {
        if (word.IsEmpty) return false;
        for (int from = 0; text[from..].IndexOf(word) is >= 0 and var found;)
        {
            int start = from + found, end = start + word.Length;
            if (end < text.Length - 1 && text[end] == '/') end++;
            bool isWhole = (start == 0 || !isOfWord(text[start - 1])) && (end == text.Length || !isOfWord(text[end]));
            if (isWhole) return true;
            from = start + 1;
        }

        return false;
    }

    private static bool IsOfPath(byte c) => char.IsAsciiLetterOrDigit((char)c) || c is (byte)'/' or (byte)'.' or (byte)'-' or (byte)'_' or >= 0x80;
}

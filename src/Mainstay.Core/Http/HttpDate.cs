using System.Text;

namespace Mainstay.Core.Http;

/// <summary>IMF-fixdate (RFC 9110 section 5.6.7): Sun, 06 Nov 1994 08:49:37 GMT.</summary>
public static class HttpDate
{
    public const int Length = 29;

    /// <summary>Writes 29 bytes; a shard does so once a second.</summary>
    public static void Format(long unixSeconds, Span<byte> destination)
    {
        DateTime time = DateTime.UnixEpoch.AddSeconds(unixSeconds);
        Span<char> text = stackalloc char[Length];
        time.TryFormat(text, out int length, "r");
        Encoding.ASCII.GetBytes(text[..length], destination);
    }
}

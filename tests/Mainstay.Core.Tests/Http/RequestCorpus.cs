using System.Text;

namespace Mainstay.Core.Tests.Http;

/// <summary>
/// Requests put together from sound and unsound parts, and then damaged: near enough to HTTP to get past the first check.
/// </summary>
internal static class RequestCorpus
{
    private static readonly string[] s_methods = ["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "PUT", "TRACE", "PURGE", "get", "G T", ""];

    private static readonly string[] s_targets =
    [
        "/", "/a/b?c=d", "*", "/a?", "http://h/", "HTTP://h:80?x", "https://[::1]:443/p", "http://", "h:80", "h", "/a b", "/\u00ff",
        "/a\\b", "/a?b\\c", "//", "/%2e%2e/", "http://u@h/", "/#", "\"", "http://h.:/",
    ];

    private static readonly string[] s_versions = [" HTTP/1.1", " HTTP/1.1", " HTTP/1.1", " HTTP/1.0", " HTTP/1.2", " HTTP/1.1 ", "", " http/1.1"];

    public static readonly string[] Fields =
    [
        // sound beside a Host
        "Content-Length: 0", "Content-Length: 0012", "Transfer-Encoding: chunked", "Connection: close", "Connection: keep-alive, Upgrade",
        "Connection: ,,x-a,", "Upgrade: websocket", "Upgrade: h2c", "Expect: 100-continue", "TE: trailers", "X-A:   v  ", "X-A:", "X: a\tb",
        "X: \u00e9\u00ff", "Transfer_Encoding: chunked", "X-Forwarded-For: 1.2.3.4", "Forwarded: for=x", "Max-Forwards: 7", "Via: 1.0 x",

        // not, or not together
        "Host: h", "host: example.com:8080", "Host: [2001:db8::1]:1", "Host:", "Host: a b", "HOST: h:99999", "Content-Length: 5, 5", "content-length: +5", "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip, chunked", "transfer-encoding: CHUNKED", "Transfer-Encoding: \"chunked\"",
        "Connection: a b", "Expect: x", "A : b", ": b", "nocolon", " folded", "\tfolded: x", "X: \0", "X: a\rb", "X: a\nb", "X\u00e9: y",
        "Content-Length : 5",
    ];

    private const int SoundFields = 19;

    private static readonly string[] s_ends = ["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n"];

    public static byte[] Make(Random random)
    {
        var text = new StringBuilder();
        if (random.Next(8) == 0) text.Append("\r\n");
        bool sound = random.Next(2) == 0;
        string End() => sound ? "\r\n" : s_ends[random.Next(s_ends.Length)];
        string One(string[] values, int soundCount) => values[random.Next(sound ? soundCount : values.Length)];
        text.Append(One(s_methods, 8)).Append(' ').Append(One(s_targets, 4)).Append(One(s_versions, 4)).Append(End());
        if (sound || random.Next(4) != 0) text.Append(random.Next(2) == 0 ? "Host: h" : "hOST:\t[2001:db8::1]:80 ").Append(End());
        for (int count = random.Next(5); count > 0; count--) text.Append(One(Fields, SoundFields)).Append(End());
        text.Append(End());
        byte[] bytes = Encoding.Latin1.GetBytes(text.ToString());
        for (int damage = random.Next(8) - 5; damage > 0; damage--) bytes = Damage(bytes, random);
        return bytes;
    }

    private static byte[] Damage(byte[] bytes, Random random)
    {
        if (bytes.Length == 0) return bytes;
        int at = random.Next(bytes.Length), length = Math.Min(random.Next(1, 6), bytes.Length - at);
        byte[] copy = [.. bytes];
        switch (random.Next(5))
        {
            case 0:
                copy[at] = (byte)random.Next(256);
                return copy;
            case 1:
                copy[at] ^= (byte)(1 << random.Next(8));
                return copy;
            case 2: return [.. bytes[..at], .. bytes[(at + length)..]];
            case 3: return [.. bytes[..(at + length)], .. bytes[at..]];
            default: return [.. bytes[..at], "\r\n\t :,;\0="u8[random.Next(9)], .. bytes[at..]];
        }
    }
}

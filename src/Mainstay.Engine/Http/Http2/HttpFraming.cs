using System.Text;

namespace Mainstay.Engine.Http;

/// <summary>How the body behind a head that our own writers made is framed.</summary>
internal static class HttpFraming
{
    /// <summary>The head has been parsed or written by us: the field is there once, and chunked is the last of its codings.</summary>
    public static bool IsChunked(ReadOnlySpan<byte> head)
    {
        ReadOnlySpan<byte> name = "transfer-encoding:"u8;
        for (int end = head.IndexOf((byte)'\n'); end >= 0;)
        {
            head = head[(end + 1)..];
            if (head.Length > name.Length && head[name.Length - 1] == ':' && Ascii.EqualsIgnoreCase(head[..name.Length], name)) return true;
            end = head.IndexOf((byte)'\n');
        }

        return false;
    }
}

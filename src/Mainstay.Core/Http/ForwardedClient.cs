using Mainstay.Core.Net;

namespace Mainstay.Core.Http;

/// <summary>Who sent a request that came through proxies: what X-Forwarded-For says, as far as it can be believed.</summary>
public static class ForwardedClient
{
    /// <summary>
    /// The last address of X-Forwarded-For that is no trusted proxy's. Each trusted proxy has added the address of its own peer at the
    /// end, so what stands in front of the first untrusted one may be invented. The peer where nothing can be read.
    /// </summary>
    public static NetAddress Find(RequestHead request, ReadOnlySpan<byte> head, NetAddress peer, ForwardedPolicy policy)
    {
        ReadOnlySpan<HeaderField> fields = request.Fields;
        NetAddress client = peer;
        for (int i = fields.Length - 1; i >= 0; i--)
        {
            if (fields[i].Name != FieldName.XForwardedFor) continue;
            ReadOnlySpan<byte> list = fields[i].ValueRange.Of(head);
            while (!list.IsEmpty)
            {
                int comma = list.LastIndexOf((byte)',');
                if (!TryRead(HttpBytes.Trim(list[(comma + 1)..]), out NetAddress address)) return client;
                client = address;
                if (!policy.IsTrusted(address)) return client;
                list = comma < 0 ? default : list[..comma];
            }
        }

        return client;
    }

    /// <summary>Some proxies add the port, and IPv6 addresses then stand in brackets.</summary>
    private static bool TryRead(ReadOnlySpan<byte> text, out NetAddress address)
    {
        if (NetAddress.TryParse(text, out address)) return true;
        if (text is [(byte)'[', ..] && text.IndexOf((byte)']') is > 0 and var end) return NetAddress.TryParse(text[1..end], out address);
        int colon = text.IndexOf((byte)':');
        return colon > 0 && NetAddress.TryParse(text[..colon], out address);
    }
}

using System.Text;

namespace Mainstay.Core.Http2;

/// <summary>Whether a field goes into the dynamic table of the encoder.</summary>
internal enum Indexing : byte
{
    /// <summary>When it has been sent before: values that differ every time do not push out those that return.</summary>
    WhenRepeated,

    /// <summary>At once: values that nearly every message of a connection repeats.</summary>
    Always,

    /// <summary>Sensitive: sent as "never indexed", so that no later hop indexes it either (RFC 7541 section 7.1.3).</summary>
    Never,
}

/// <summary>Which fields are indexed, by the static index of their names (0 for the others).</summary>
internal static class IndexingRules
{
    private static readonly Indexing[] s_byStaticIndex = Fill();

    /// <summary>
    /// Parts of names that say "secret": a shared connection must not have them in its table, where the size of a block could tell
    /// one user whether the guess at another's was right (RFC 7541 section 7.1).
    /// </summary>
    private static readonly byte[][] s_secrets =
        [.. new[] { "auth", "token", "secret", "session", "cookie", "passw", "credential", "api-key", "apikey" }.Select(Encoding.ASCII.GetBytes)];

    public static Indexing Of(int staticIndex) => s_byStaticIndex[staticIndex];

    /// <summary>Asked once for a field that is about to be indexed.</summary>
    public static bool IsSecret(ReadOnlySpan<byte> name)
    {
        foreach (byte[] part in s_secrets)
            if (name.IndexOf(part) >= 0) return !name.SequenceEqual(":authority"u8);
        return false;
    }

    private static Indexing[] Fill()
    {
        var rules = new Indexing[StaticTable.Count + 1];
        for (int i = 1; i <= StaticTable.Count; i++)
        {
            rules[i] = Encoding.ASCII.GetString(StaticTable.Name(i)) switch
            {
                "authorization" or "proxy-authorization" or "cookie" or "set-cookie" or "www-authenticate" or "proxy-authenticate"
                    => Indexing.Never,
                ":authority" or "accept" or "accept-encoding" or "accept-language" or "accept-ranges" or "cache-control"
                    or "content-encoding" or "content-type" or "date" or "server" or "strict-transport-security" or "user-agent"
                    or "vary" or "via" or "access-control-allow-origin" => Indexing.Always,
                _ => Indexing.WhenRepeated,
            };
        }

        return rules;
    }
}

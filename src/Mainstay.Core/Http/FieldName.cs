using System.Buffers.Binary;

namespace Mainstay.Core.Http;

/// <summary>Header fields that the proxy reads, writes or removes; all others are <see cref="Other"/>.</summary>
public enum FieldName : byte
{
    Other,
    Host,
    Connection,
    ContentLength,
    TransferEncoding,
    Upgrade,
    Expect,
    Te,
    Trailer,
    KeepAlive,

    /// <summary>
    /// Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, Proxy-Authentication-Info, and Proxy (CVE-2016-5385).
    /// </summary>
    Proxy,
    Http2Settings,
    Via,
    Date,
    Forwarded,
    XForwardedFor,
    XForwardedProto,
    XForwardedHost,

    /// <summary>
    /// Anything else that says who the client is: other X-Forwarded-..., X-Real-IP, and all of these with '_' for '-', which CGI
    /// style servers cannot tell apart.
    /// </summary>
    ForwardedVariant,
    Cookie,
    UserAgent,
    Referer,

    /// <summary>Counts down on its way, for OPTIONS and TRACE (RFC 9110 section 7.6.2).</summary>
    MaxForwards,
}

/// <summary>Finds a <see cref="FieldName"/> by length and then by value, without regard to case.</summary>
internal static class FieldNames
{
    private const ulong LowerCase8 = 0x2020_2020_2020_2020;
    private const uint LowerCase4 = 0x2020_2020;

    /// <summary>
    /// Is the field meant for the next hop only, whether nominated by Connection or not (RFC 9110 section 7.6.1)?
    /// </summary>
    public static bool IsHopByHop(FieldName name) => name
        is FieldName.Connection or FieldName.Upgrade or FieldName.Te or FieldName.KeepAlive or FieldName.Proxy or FieldName.Http2Settings;

    public static FieldName Parse(ReadOnlySpan<byte> name)
    {
        switch (name.Length)
        {
            case 2: return Is(name, "te"u8) ? FieldName.Te : FieldName.Other;
            case 3: return Is(name, "via"u8) ? FieldName.Via : FieldName.Other;
            case 4: return Is(name, "host"u8) ? FieldName.Host : Is(name, "date"u8) ? FieldName.Date : FieldName.Other;
            case 5: return Is(name, "proxy"u8) ? FieldName.Proxy : FieldName.Other;
            case 6: return Is(name, "cookie"u8) ? FieldName.Cookie : Is(name, "expect"u8) ? FieldName.Expect : FieldName.Other;
            case 7:
                return Is(name, "upgrade"u8) ? FieldName.Upgrade : Is(name, "referer"u8) ? FieldName.Referer
                    : Is(name, "trailer"u8) ? FieldName.Trailer : FieldName.Other;
            case 9: return Is(name, "forwarded"u8) ? FieldName.Forwarded : Variant(name);
            case 10:
                return Is(name, "user-agent"u8) ? FieldName.UserAgent : Is(name, "connection"u8) ? FieldName.Connection
                    : Is(name, "keep-alive"u8) ? FieldName.KeepAlive : FieldName.Other;
            case 12: return Is(name, "max-forwards"u8) ? FieldName.MaxForwards : FieldName.Other;
            case 14:
                return Is(name, "content-length"u8) ? FieldName.ContentLength
                    : Is(name, "http2-settings"u8) ? FieldName.Http2Settings : Variant(name);
            case 15: return Is(name, "x-forwarded-for"u8) ? FieldName.XForwardedFor : Variant(name);
            case 16:
                return Is(name, "x-forwarded-host"u8) ? FieldName.XForwardedHost
                    : Is(name, "proxy-connection"u8) ? FieldName.Proxy : Variant(name);
            case 17:
                return Is(name, "x-forwarded-proto"u8) ? FieldName.XForwardedProto
                    : Is(name, "transfer-encoding"u8) ? FieldName.TransferEncoding : Variant(name);
            case 18: return Is(name, "proxy-authenticate"u8) ? FieldName.Proxy : Variant(name);
            case 19: return Is(name, "proxy-authorization"u8) ? FieldName.Proxy : Variant(name);
            case 25: return Is(name, "proxy-authentication-info"u8) ? FieldName.Proxy : Variant(name);
            default: return name.Length > 12 ? Variant(name) : FieldName.Other;
        }
    }

    /// <summary>Compares without case; <paramref name="lower"/> is lower case and of the same length.</summary>
    /// <remarks>
    /// Setting bit 5 makes letters lower case and leaves digits and '-' alone. It also maps control bytes to them, and '_' to
    /// DEL: control bytes never get here, and no known name has a DEL.
    /// </remarks>
    private static bool Is(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower)
    {
        int length = name.Length;
        if (length >= 8)
        {
            for (int at = 0; at <= length - 8; at += 8)
                if (!Same8(name, lower, at)) return false;
            return Same8(name, lower, length - 8);
        }

        if (length >= 4)
        {
            return Same4(name, lower, 0) && Same4(name, lower, length - 4);
        }

        for (int i = 0; i < length; i++)
            if ((name[i] | 0x20) != lower[i]) return false;
        return true;
    }

    private static bool Same8(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower, int at) =>
        (BinaryPrimitives.ReadUInt64LittleEndian(name[at..]) | LowerCase8) == BinaryPrimitives.ReadUInt64LittleEndian(lower[at..]);

    private static bool Same4(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower, int at) =>
        (BinaryPrimitives.ReadUInt32LittleEndian(name[at..]) | LowerCase4) == BinaryPrimitives.ReadUInt32LittleEndian(lower[at..]);

    private static FieldName Variant(ReadOnlySpan<byte> name)
    {
        if ((name[0] | 0x20) != 'x') return FieldName.Other;
        return StartsWithEitherDash(name, "x-forwarded-"u8) || (name.Length == 9 && StartsWithEitherDash(name, "x-real-ip"u8))
            ? FieldName.ForwardedVariant
            : FieldName.Other;
    }

    /// <summary>Compares without case and takes '_' for '-'; <paramref name="lower"/> is lower case.</summary>
    public static bool EqualsEitherDash(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower) =>
        name.Length == lower.Length && StartsWithEitherDash(name, lower);

    private static bool StartsWithEitherDash(ReadOnlySpan<byte> name, ReadOnlySpan<byte> lower)
    {
        if (name.Length < lower.Length) return false;
        for (int i = 0; i < lower.Length; i++)
        {
            int c = name[i] == '_' ? '-' : name[i] | 0x20;
            if (c != lower[i] && name[i] != lower[i]) return false;
        }

        return true;
    }
}

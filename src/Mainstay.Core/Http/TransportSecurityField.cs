using System.Text;
using Mainstay.Core.Config;

namespace Mainstay.Core.Http;

/// <summary>Strict-Transport-Security (RFC 6797 section 6.1).</summary>
public static class TransportSecurityField
{
    /// <summary>Name, a year in seconds and both directives.</summary>
    internal const int MaxLength = 96;

    private static ReadOnlySpan<byte> Name => "strict-transport-security"u8;

    /// <summary>The whole line with its end; null for none.</summary>
    public static byte[]? Line(HstsSnapshot? hsts) => hsts is null ? null : Encoding.ASCII.GetBytes(
        $"Strict-Transport-Security: max-age={(long)hsts.MaxAge.TotalSeconds}{(hsts.IncludeSubdomains ? "; includeSubDomains" : "")}{(hsts.Preload ? "; preload" : "")}\r\n");

    internal static bool Is(in HeaderField field, ReadOnlySpan<byte> head) =>
        field.NameLength == Name.Length && Ascii.EqualsIgnoreCase(field.NameRange.Of(head), Name);
}

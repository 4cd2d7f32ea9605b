using System.Buffers;
using Mainstay.Core.Http;

namespace Mainstay.Core.Rules;

/// <summary>What has to be percent-encoded (RFC 3986 section 2.1) in a value, by where it is put.</summary>
internal enum ValueEncoding : byte
{
    /// <summary>Nothing: it is no message that is written, but a key.</summary>
    None,

    /// <summary>What would end a header line or is no text.</summary>
    HeaderValue,

    /// <summary>What no URL may hold.</summary>
    Url,

    /// <summary>What no path may hold; '%' stays, because it belongs to a '%2F', '%5C' or '%25' that was kept.</summary>
    Path,

    /// <summary>Everything but unreserved characters.</summary>
    Component,
}

internal static class ValueEncodings
{
    private const string Unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    private static readonly SearchValues<byte> s_component = Set(Unreserved);
    private static readonly SearchValues<byte> s_path = Set(Unreserved + "!$&'()*+,;=:@/%");
    private static readonly SearchValues<byte> s_header = SearchValues.Create(
        [.. Enumerable.Range(0, 256).Select(value => (byte)value).Where(value => !HttpBytes.IsForbiddenControl(value))]);

    public static void Write(ref HeadBuffer buffer, scoped ReadOnlySpan<byte> value, ValueEncoding encoding)
    {
        if (encoding == ValueEncoding.None)
        {
            buffer.Write(value);
            return;
        }

        SearchValues<byte> allowed = encoding switch
        {
            ValueEncoding.HeaderValue => s_header,
            ValueEncoding.Url => HttpBytes.Target,
            ValueEncoding.Path => s_path,
            _ => s_component,
        };
        while (!value.IsEmpty)
        {
            int plain = value.IndexOfAnyExcept(allowed);
            if (plain < 0) plain = value.Length;
            buffer.Write(value[..plain]);
            if (plain == value.Length) return;
            WriteEscape(ref buffer, value[plain]);
            value = value[(plain + 1)..];
        }
    }

    private static void WriteEscape(ref HeadBuffer buffer, byte value)
    {
        ReadOnlySpan<byte> digits = "0123456789ABCDEF"u8;
        buffer.Write([(byte)'%', digits[value >> 4], digits[value & 15]]);
    }

    private static SearchValues<byte> Set(string characters) => SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(characters));
}

using System.Buffers;
using Mainstay.Core.Http;

namespace Mainstay.Core.Http2;

/// <summary>What a field of a field section is to the message that it belongs to.</summary>
public enum FieldKind : byte
{
    Regular,
    Method,
    Scheme,
    Authority,
    Path,
    Protocol,
    Status,
    Host,
    Cookie,
    ContentLength,
    Te,
}

/// <summary>
/// What can be said of one field without the others (RFC 9113 sections 8.2 and 8.3). The result is kept with the entry of the
/// compression table, so that a field that is referred to is not looked at again.
/// </summary>
internal static class FieldCheck
{
    private static readonly SearchValues<byte> s_lowerToken = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"u8);

    /// <summary>Controls but HTAB, and DEL: the first octets that could end a field in HTTP/1.1 are among them.</summary>
    private static readonly SearchValues<byte> s_forbidden = SearchValues.Create(
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 127]);

    /// <returns>None, or why a message with this field is malformed.</returns>
    public static Http2Reason Classify(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, out FieldKind kind)
    {
        kind = FieldKind.Regular;
        if (name.IsEmpty) return Http2Reason.EmptyFieldName;
        if (name[0] == ':')
        {
            if (!TryFindPseudo(name, out kind)) return Http2Reason.UnknownPseudoField;
            return CheckValue(value);
        }

        int odd = name.IndexOfAnyExcept(s_lowerToken);
        if (odd >= 0) return name[odd] is >= (byte)'A' and <= (byte)'Z' ? Http2Reason.UpperCaseFieldName : Http2Reason.InvalidFieldName;
        Http2Reason reason = CheckValue(value);
        return reason == Http2Reason.None ? CheckName(name, value, out kind) : reason;
    }

    private static bool TryFindPseudo(ReadOnlySpan<byte> name, out FieldKind kind)
    {
        kind = name.Length switch
        {
            5 when name.SequenceEqual(":path"u8) => FieldKind.Path,
            7 when name.SequenceEqual(":method"u8) => FieldKind.Method,
            7 when name.SequenceEqual(":scheme"u8) => FieldKind.Scheme,
            7 when name.SequenceEqual(":status"u8) => FieldKind.Status,
            9 when name.SequenceEqual(":protocol"u8) => FieldKind.Protocol,
            10 when name.SequenceEqual(":authority"u8) => FieldKind.Authority,
            _ => FieldKind.Regular,
        };
        return kind != FieldKind.Regular;
    }

    private static Http2Reason CheckValue(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return Http2Reason.None;
        if (value.IndexOfAny(s_forbidden) >= 0) return Http2Reason.InvalidFieldValue;
        return HttpBytes.IsBlank(value[0]) || HttpBytes.IsBlank(value[^1]) ? Http2Reason.FieldValueWhitespace : Http2Reason.None;
    }

    private static Http2Reason CheckName(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value, out FieldKind kind)
    {
        kind = FieldKind.Regular;
        switch (FieldNames.Parse(name))
        {
            case FieldName.Host: kind = FieldKind.Host; break;
            case FieldName.Cookie: kind = FieldKind.Cookie; break;
            case FieldName.ContentLength: kind = FieldKind.ContentLength; break;
            case FieldName.Te:
                kind = FieldKind.Te;
                return value.SequenceEqual("trailers"u8) ? Http2Reason.None : Http2Reason.InvalidTe;
            case FieldName.Connection or FieldName.KeepAlive or FieldName.TransferEncoding or FieldName.Upgrade:
                return Http2Reason.ConnectionSpecificField;
            case FieldName.Proxy when name.SequenceEqual("proxy-connection"u8): return Http2Reason.ConnectionSpecificField;
            default: break;
        }

        return Http2Reason.None;
    }
}

using System.Text;

namespace Mainstay.Core.Http.Coding;

/// <summary>A content coding (RFC 9110 section 8.4.1), in the order in which a server prefers them at equal weight.</summary>
public enum ContentCoding : byte
{
    Identity,
    Brotli,
    Zstandard,
    Gzip,
}

public static class ContentCodings
{
    public const int Count = 4;

    /// <summary>As Content-Encoding names it.</summary>
    public static ReadOnlySpan<byte> Name(this ContentCoding coding) => coding switch
    {
        ContentCoding.Brotli => "br"u8,
        ContentCoding.Zstandard => "zstd"u8,
        ContentCoding.Gzip => "gzip"u8,
        _ => "identity"u8,
    };
}

/// <summary>The codings that one can choose from.</summary>
[Flags]
public enum CodingSet : byte
{
    None = 0,
    Identity = 1 << ContentCoding.Identity,
    Brotli = 1 << ContentCoding.Brotli,
    Zstandard = 1 << ContentCoding.Zstandard,
    Gzip = 1 << ContentCoding.Gzip,
}

/// <summary>What the Accept-Encoding fields of a request ask for (RFC 9110 section 12.5.3).</summary>
public struct AcceptEncoding
{
    /// <summary>More members than any client sends; the rest is not read.</summary>
    private const int MaxMembers = 32;

    // Weights in thousandths; -1 = not named.
    private Weights _weights;
    private int _others;
    private int _members;

    [System.Runtime.CompilerServices.InlineArray(ContentCodings.Count)]
    private struct Weights
    {
        private short _first;
    }

    /// <summary>Without any field every coding would do, which is no wish for one: identity.</summary>
    public static AcceptEncoding Nothing
    {
        get
        {
            var none = new AcceptEncoding { _others = -1 };
            ((Span<short>)none._weights).Fill(-1);
            return none;
        }
    }

    public static AcceptEncoding Of(ReadOnlySpan<HeaderField> fields, ReadOnlySpan<byte> head)
    {
        AcceptEncoding accept = Nothing;
        foreach (ref readonly HeaderField field in fields)
        {
            if (field.NameLength == 15 && Ascii.EqualsIgnoreCase(field.NameRange.Of(head), "accept-encoding"u8))
                accept.Add(field.ValueRange.Of(head));
        }

        return accept;
    }

    /// <summary>Reads one field; several of them are one list.</summary>
    public void Add(ReadOnlySpan<byte> list)
    {
        while (_members < MaxMembers && HttpBytes.TryNextMember(ref list, out ReadOnlySpan<byte> member))
        {
            _members++;
            int semicolon = member.IndexOf((byte)';');
            ReadOnlySpan<byte> name = semicolon < 0 ? member : HttpBytes.Trim(member[..semicolon]);
            int weight = semicolon < 0 ? 1000 : ParseWeight(member[(semicolon + 1)..]);
            if (name is [(byte)'*']) _others = weight;
            else if (TryName(name, out ContentCoding coding)) _weights[(int)coding] = (short)weight;
        }
    }

    /// <summary>The best of what there is; false when the client refuses all of it.</summary>
    /// <remarks>Equal weights: a coding before identity, and codings in the order of <see cref="ContentCoding"/>.</remarks>
    public readonly bool TryChoose(CodingSet available, out ContentCoding chosen)
    {
        int best = 0;
        chosen = ContentCoding.Identity;
        for (int i = 1; i <= ContentCodings.Count; i++)
        {
            // Identity is looked at last: it wins by weight only.
            var coding = (ContentCoding)(i % ContentCodings.Count);
            if (((int)available >> (int)coding & 1) == 0) continue;
            int weight = WeightOf(coding);
            if (weight <= best) continue;
            best = weight;
            chosen = coding;
        }

        return best > 0;
    }

    /// <summary>
    /// Identity is acceptable unless it is refused by name, or by "*" without being named (RFC 9110 section 12.5.3); with neither it comes
    /// behind every coding that is named.
    /// </summary>
    private readonly int WeightOf(ContentCoding coding)
    {
        int weight = _weights[(int)coding];
        if (weight >= 0) return weight;
        if (_others >= 0) return _others;
        return coding == ContentCoding.Identity ? 1 : 0;
    }

    /// <summary>x-gzip is gzip (RFC 9110 section 8.4.1.3).</summary>
    private static bool TryName(ReadOnlySpan<byte> name, out ContentCoding coding)
    {
        coding = ContentCoding.Identity;
        if (Ascii.EqualsIgnoreCase(name, "gzip"u8) || Ascii.EqualsIgnoreCase(name, "x-gzip"u8)) coding = ContentCoding.Gzip;
        else if (Ascii.EqualsIgnoreCase(name, "br"u8)) coding = ContentCoding.Brotli;
        else if (Ascii.EqualsIgnoreCase(name, "zstd"u8)) coding = ContentCoding.Zstandard;
        else return Ascii.EqualsIgnoreCase(name, "identity"u8);
        return true;
    }

    /// <summary>q=0.123 in thousandths (RFC 9110 section 12.4.2). What is no weight is 0: better not coded than not understood.</summary>
    private static int ParseWeight(ReadOnlySpan<byte> parameter)
    {
        parameter = HttpBytes.Trim(parameter);
        if (parameter.Length is < 3 or > 7 || (parameter[0] | 0x20) != 'q' || parameter[1] != '=') return 0;
        ReadOnlySpan<byte> digits = parameter[2..];
        if (digits[0] is not ((byte)'0' or (byte)'1') || (digits.Length > 1 && digits[1] != '.')) return 0;
        int weight = (digits[0] - '0') * 1000;
        for (int i = 2, unit = 100; i < digits.Length; i++, unit /= 10)
        {
            if (!char.IsAsciiDigit((char)digits[i])) return 0;
            weight += (digits[i] - '0') * unit;
        }

        return weight <= 1000 ? weight : 0;
    }
}

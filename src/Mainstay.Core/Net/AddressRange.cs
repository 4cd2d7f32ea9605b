namespace Mainstay.Core.Net;

/// <summary>A CIDR range: 192.0.2.0/24, 2001:db8::/32, or one address.</summary>
public readonly record struct AddressRange(NetAddress Address, int PrefixLength)
{
    public bool Contains(NetAddress candidate)
    {
        if (candidate.Bits != Address.Bits || candidate.IsNone) return false;
        int free = Address.Bits - PrefixLength;
        return free >= 128 || (candidate.Value ^ Address.Value) >> free == 0;
    }

    /// <summary>Refuses host bits behind the prefix: 10.0.0.1/8 is more likely a slip than meant.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out AddressRange range)
    {
        range = default;
        int slash = text.IndexOf('/');
        if (!NetAddress.TryParse(slash < 0 ? text : text[..slash], out NetAddress address)) return false;
        int length = address.Bits;
        if (slash >= 0 && (!int.TryParse(text[(slash + 1)..], out length) || length < 0 || length > address.Bits)) return false;
        int free = address.Bits - length;
        if (free > 0 && free < 128 && (address.Value & ((UInt128.One << free) - 1)) != 0) return false;
        if (free == 128 && address.Value != 0) return false;
        range = new AddressRange(address, length);
        return true;
    }

    public override string ToString() => PrefixLength == Address.Bits ? Address.ToString() : $"{Address}/{PrefixLength}";
}

using System.Buffers.Binary;
using System.Text;
using Mainstay.Core.Net;

namespace Mainstay.Core.Balancing;

/// <summary>
/// The hash behind every choice that has to come out the same on every node, in every process and release: 64 bits, without a
/// seed. Not for tables that hostile keys can flood: whoever knows the function can aim many keys at one server, which is what
/// bounded load is for.
/// </summary>
/// <remarks>
/// The input is read as little-endian 64-bit words, the last one filled up with zeros. The state starts as length * K0; each
/// word w turns it into the xor of both halves of the 128-bit product (state ^ w ^ K1) * K2; <see cref="Mix"/> closes.
/// </remarks>
public static class StableHash
{
    // Digits of the golden ratio, of the square root of 2 and of the square root of 3, made odd.
    private const ulong K0 = 0x9E3779B97F4A7C15;
    private const ulong K1 = 0x6A09E667F3BCC909;
    private const ulong K2 = 0xBB67AE8584CAA73B;

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        ulong state = (ulong)bytes.Length * K0;
        while (bytes.Length >= 8)
        {
            state = Absorb(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        if (bytes.Length > 0)
        {
            ulong last = 0;
            for (int i = bytes.Length - 1; i >= 0; i--) last = (last << 8) | bytes[i];
            state = Absorb(state, last);
        }

        return Mix(state);
    }

    /// <summary>Of the text's UTF-8 bytes. Allocates: for the control side.</summary>
    public static ulong Of(string text) => Of(Encoding.UTF8.GetBytes(text));

    /// <summary>Of the address's 4 or 16 bytes in network order.</summary>
    public static ulong Of(NetAddress address)
    {
        if (address.IsNone) return Of([]);
        Span<byte> bytes = stackalloc byte[16];
        return Of(bytes[..address.WriteBytes(bytes)]);
    }

    /// <summary>Of the address's bytes followed by the port's two, all in network order (sh-port, mh-port).</summary>
    public static ulong Of(NetAddress address, int port)
    {
        Span<byte> bytes = stackalloc byte[18];
        int length = address.IsNone ? 0 : address.WriteBytes(bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[length..], (ushort)port);
        return Of(bytes[..(length + 2)]);
    }

    /// <summary>
    /// A permutation of the 64-bit numbers in which every input bit reaches every output bit (Stafford's variant 13).
    /// </summary>
    public static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }

    /// <summary>The hash for another attempt with the same key; attempt 0 is the hash itself.</summary>
    public static ulong Again(ulong hash, int attempt) => attempt == 0 ? hash : Mix(hash + (ulong)attempt * K0);

    /// <summary>Spreads hashes evenly over 0..count-1 by their high bits, without a division.</summary>
    public static int Reduce(ulong hash, int count) => (int)Math.BigMul(hash, (ulong)count, out _);

    private static ulong Absorb(ulong state, ulong word)
    {
        ulong high = Math.BigMul(state ^ word ^ K1, K2, out ulong low);
        return high ^ low;
    }
}

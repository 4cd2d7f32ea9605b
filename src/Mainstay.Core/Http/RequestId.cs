using System.Buffers.Binary;
using System.Numerics;

namespace Mainstay.Core.Http;

/// <summary>
/// Makes request ids: 128 bits as 32 hexadecimal digits, the keyed hash (SipHash-2-4 with 128 bits of output) of a counter. Who
/// sees some of them learns nothing about the others. One for each shard, each with a key of its own.
/// </summary>
/// <param name="key">From a good source of randomness.</param>
/// <param name="first">Where the counter starts.</param>
public sealed class RequestId(UInt128 key, ulong first = 0)
{
    public const int Length = 32;

    private readonly ulong _key0 = (ulong)key;
    private readonly ulong _key1 = (ulong)(key >> 64);
    private ulong _counter = first;

    /// <summary>Writes the next id: 32 bytes.</summary>
    public void Write(Span<byte> destination)
    {
        UInt128 hash = Hash(_counter++);
        ReadOnlySpan<byte> digits = "0123456789abcdef"u8;
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128LittleEndian(bytes, hash);
        for (int i = 0; i < 16; i++)
        {
            destination[2 * i] = digits[bytes[i] >> 4];
            destination[2 * i + 1] = digits[bytes[i] & 15];
        }
    }

    /// <summary>SipHash-2-4-128 of the eight bytes of a number, lowest first (Aumasson and Bernstein, 2012).</summary>
    private UInt128 Hash(ulong message)
    {
        ulong v0 = _key0 ^ 0x736f6d6570736575, v1 = _key1 ^ 0x646f72616e646f6d ^ 0xee;
        ulong v2 = _key0 ^ 0x6c7967656e657261, v3 = _key1 ^ 0x7465646279746573;
        Absorb(ref v0, ref v1, ref v2, ref v3, message);

        // The last block carries the message's length in its top byte.
        Absorb(ref v0, ref v1, ref v2, ref v3, 8UL << 56);
        v2 ^= 0xee;
        for (int i = 0; i < 4; i++) Round(ref v0, ref v1, ref v2, ref v3);
        ulong low = v0 ^ v1 ^ v2 ^ v3;
        v1 ^= 0xdd;
        for (int i = 0; i < 4; i++) Round(ref v0, ref v1, ref v2, ref v3);
        return new UInt128(v0 ^ v1 ^ v2 ^ v3, low);
    }

    private static void Absorb(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3, ulong block)
    {
        v3 ^= block;
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= block;
    }

    private static void Round(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v0 += v1;
        v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
        v0 = BitOperations.RotateLeft(v0, 32);
        v2 += v3;
        v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
        v2 = BitOperations.RotateLeft(v2, 32);
    }
}

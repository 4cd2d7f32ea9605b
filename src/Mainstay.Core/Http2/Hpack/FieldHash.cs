using System.Buffers.Binary;

namespace Mainstay.Core.Http2;

/// <summary>
/// A quick hash for finding fields in the compression tables. Not against attackers: the tables hold a hundred entries, and what is
/// found is compared.
/// </summary>
internal static class FieldHash
{
    private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

    /// <returns>Never 0.</returns>
    public static uint Of(ReadOnlySpan<byte> text, uint seed = 0)
    {
        ulong hash = (seed + 1 + ((ulong)(uint)text.Length << 32)) * Multiplier;
        if (text.Length >= 8)
        {
            for (int at = 0; at < text.Length - 8; at += 8) hash = Mix(hash, BinaryPrimitives.ReadUInt64LittleEndian(text[at..]));
            hash = Mix(hash, BinaryPrimitives.ReadUInt64LittleEndian(text[^8..]));
        }
        else if (text.Length >= 4)
        {
            ulong front = BinaryPrimitives.ReadUInt32LittleEndian(text), back = BinaryPrimitives.ReadUInt32LittleEndian(text[^4..]);
            hash = Mix(hash, front << 32 | back);
        }
        else
        {
            foreach (byte value in text) hash = Mix(hash, value);
        }

        return ((uint)(hash >> 32) ^ (uint)hash) | 0x8000_0000;
    }

    private static ulong Mix(ulong hash, ulong word)
    {
        hash = (hash ^ word) * Multiplier;
        return hash ^ (hash >> 29);
    }
}

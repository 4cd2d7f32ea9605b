using System.Security.Cryptography;

namespace Mainstay.Core.Authentication;

/// <summary>
/// Credentials that were right a moment ago, known by a keyed digest only: what is in memory does not tell them. Belongs to one shard. Only
/// right ones come in, so that nobody can flood it; the one that ends first makes place.
/// </summary>
/// <typeparam name="T">Who they are for.</typeparam>
/// <param name="secret">32 random bytes.</param>
public sealed class VerifiedCredentials<T>(byte[] secret)
    where T : class
{
    private const int Sets = 512, Ways = 4;

    private readonly (UInt128 Digest, long Until, T? Whose)[] _entries = new (UInt128, long, T?)[Sets * Ways];

    /// <summary>HMAC-SHA-256 under a secret of this process, cut to 128 bits.</summary>
    public UInt128 Digest(ReadOnlySpan<byte> credentials)
    {
        Span<byte> digest = stackalloc byte[32];
        HMACSHA256.HashData(secret, credentials, digest);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128LittleEndian(digest);
    }

    public T? Find(UInt128 digest, Instant now)
    {
        foreach (ref readonly (UInt128 Digest, long Until, T? Whose) entry in Set(digest))
            if (entry.Whose is not null && entry.Digest == digest) return now.Nanoseconds < entry.Until ? entry.Whose : null;
        return null;
    }

    public void Keep(UInt128 digest, T whose, Instant until)
    {
        Span<(UInt128 Digest, long Until, T? Whose)> set = Set(digest);
        int place = 0;
        for (int i = 0; i < set.Length; i++)
        {
            if (set[i].Digest == digest)
            {
                place = i;
                break;
            }

            if (set[i].Until < set[place].Until) place = i;
        }

        set[place] = (digest, until.Nanoseconds, whose);
    }

    private Span<(UInt128 Digest, long Until, T? Whose)> Set(UInt128 digest) =>
        _entries.AsSpan((int)((ulong)(digest >> 64) % Sets) * Ways, Ways);
}

using System.Security.Cryptography;
using System.Text;

namespace Mainstay.Core.Authentication;

/// <summary>Apache's variant of the MD5 password hash (apr_md5.c): what htpasswd wrote for twenty years. A thousand rounds of MD5.</summary>
public static class Apr1
{
    public const string Prefix = "$apr1$";

    private const string Digits = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    private const int LongestSalt = 8, Rounds = 1000, DigestLength = 16;

    /// <summary>The hash as it stands in a file: $apr1$salt$digest.</summary>
    /// <param name="setting">A hash whose salt is used, or its beginning up to the salt.</param>
    public static string Hash(ReadOnlySpan<byte> password, string setting)
    {
        string salt = setting[Prefix.Length..].Split('$')[0];
        if (salt.Length > LongestSalt) salt = salt[..LongestSalt];
        byte[] saltBytes = Encoding.ASCII.GetBytes(salt);
        Span<byte> digest = stackalloc byte[DigestLength];
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        Begin(hash, password, saltBytes, digest);
        for (int round = 0; round < Rounds; round++)
        {
            hash.AppendData((round & 1) != 0 ? password : digest);
            if (round % 3 != 0) hash.AppendData(saltBytes);
            if (round % 7 != 0) hash.AppendData(password);
            hash.AppendData((round & 1) != 0 ? digest : password);
            hash.GetHashAndReset(digest);
        }

        return $"{Prefix}{salt}${Encode(digest)}";
    }

    private static void Begin(IncrementalHash hash, ReadOnlySpan<byte> password, byte[] salt, Span<byte> digest)
    {
        hash.AppendData(password);
        hash.AppendData(salt);
        hash.AppendData(password);
        hash.GetHashAndReset(digest);

        hash.AppendData(password);
        hash.AppendData("$apr1$"u8);
        hash.AppendData(salt);
        for (int left = password.Length; left > 0; left -= DigestLength) hash.AppendData(digest[..Math.Min(left, DigestLength)]);
        for (int bits = password.Length; bits > 0; bits >>= 1) hash.AppendData((bits & 1) != 0 ? "\0"u8 : password[..1]);
        hash.GetHashAndReset(digest);
    }

    private static string Encode(ReadOnlySpan<byte> digest)
    {
        var text = new StringBuilder(22);
        for (int i = 0; i < 5; i++) Append(digest[i] << 16 | digest[i + 6] << 8 | digest[i == 4 ? 5 : i + 12], 4);
        Append(digest[11], 2);
        return text.ToString();

        void Append(int value, int count)
        {
            for (; count > 0; count--, value >>= 6) text.Append(Digits[value & 63]);
        }
    }
}

using System.Buffers.Text;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Mainstay.Core.Authentication;

/// <summary>Reads a JSON Web Key Set (RFC 7517): the public keys in it that can check signatures. Others are passed over.</summary>
public static class JsonWebKeys
{
    public const int MaxBytes = 1024 * 1024;
    private const int MostKeys = 256, LeastRsaBits = 2048;

    /// <summary>SubjectPublicKeyInfo of an Ed25519 key up to the key itself (RFC 8410 section 4).</summary>
    private static ReadOnlySpan<byte> Ed25519Header => [0x30, 0x2A, 0x30, 0x05, 0x06, 0x03, 0x2B, 0x65, 0x70, 0x03, 0x21, 0x00];

    /// <summary>False: not a key set, or no key in it can be used.</summary>
    /// <param name="problem">Why; or, of a set with other usable keys, what was passed over.</param>
    public static bool TryRead(ReadOnlySpan<byte> json, out ImmutableArray<JwtKey> keys, out string problem)
    {
        keys = [];
        problem = "";
        var found = ImmutableArray.CreateBuilder<JwtKey>();
        try
        {
            if (json.Length > MaxBytes) throw new JsonException("larger than 1 MiB");
            using JsonDocument document = JsonDocument.Parse(json.ToArray(), new JsonDocumentOptions { MaxDepth = 16 });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("keys", out JsonElement list)
                || list.ValueKind != JsonValueKind.Array) throw new JsonException("no key set: there is no list \"keys\"");
            foreach (JsonElement key in list.EnumerateArray().Take(MostKeys))
            {
                if (key.ValueKind != JsonValueKind.Object) continue;
                if (Read(key) is { } read) found.Add(read);
            }
        }
        catch (JsonException error)
        {
            problem = OneLine(error.Message);
            return false;
        }

        if (found.Count == 0) problem = "no key in it can check signatures (RSA from 2048 bits, P-256, P-384, Ed25519)";
        keys = found.ToImmutable();
        return found.Count > 0;
    }

    private static JwtKey? Read(JsonElement key)
    {
        if (Text(key, "use") is { Length: > 0 } use && use != "sig") return null;
        try
        {
            (byte[] publicKey, ImmutableArray<JwtAlgorithm> algorithms) = Text(key, "kty") switch
            {
                "RSA" => (Rsa(key), JwtAlgorithms.Rsa),
                "EC" when Text(key, "crv") == "P-256" => (Curve(key, ECCurve.NamedCurves.nistP256), [JwtAlgorithm.ES256]),
                "EC" when Text(key, "crv") == "P-384" => (Curve(key, ECCurve.NamedCurves.nistP384), [JwtAlgorithm.ES384]),
                "OKP" when Text(key, "crv") == "Ed25519" => (Ed25519(key), [JwtAlgorithm.EdDSA]),

                // A secret in a public place is no secret.
                _ => ([], ImmutableArray<JwtAlgorithm>.Empty),
            };
            if (Text(key, "alg") is { Length: > 0 } alg)
                algorithms = JwtAlgorithms.TryParse(Encoding.UTF8.GetBytes(alg), out JwtAlgorithm only) && algorithms.Contains(only) ? [only] : [];
            return algorithms.IsEmpty || publicKey.Length == 0 ? null : new JwtKey(Text(key, "kid"), algorithms, publicKey, []);
        }
        catch (Exception error) when (error is FormatException or CryptographicException or ArgumentException)
        {
            return null;
        }
    }

    private static byte[] Rsa(JsonElement key)
    {
        using var rsa = RSA.Create(new RSAParameters { Modulus = Bytes(key, "n"), Exponent = Bytes(key, "e") });
        return rsa.KeySize < LeastRsaBits ? [] : rsa.ExportSubjectPublicKeyInfo();
    }

    /// <summary>Points that are not on the curve are refused by the import.</summary>
    private static byte[] Curve(JsonElement key, ECCurve curve)
    {
        using var ecdsa = ECDsa.Create(new ECParameters { Curve = curve, Q = new ECPoint { X = Bytes(key, "x"), Y = Bytes(key, "y") } });
        return ecdsa.ExportSubjectPublicKeyInfo();
    }

    private static byte[] Ed25519(JsonElement key)
    {
        byte[] x = Bytes(key, "x");
        return x.Length == 32 ? [.. Ed25519Header, .. x] : [];
    }

    private static string Text(JsonElement key, string name) =>
        key.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() ?? "" : "";

    private static byte[] Bytes(JsonElement key, string name) => Base64Url.DecodeFromChars(Text(key, name));

    private static string OneLine(string text) => new([.. text.Select(c => char.IsControl(c) ? ' ' : c)]);
}

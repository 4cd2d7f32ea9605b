using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Mainstay.Core.Authentication;

/// <summary>Public keys and certificates in PEM (RFC 7468), each bound to the algorithms that it can be used with.</summary>
public static class PemKeys
{
    private const int LeastRsaBits = 2048;
    private const string Ed25519 = "1.3.101.112", P256 = "1.2.840.10045.3.1.7", P384 = "1.3.132.0.34";

    public static bool TryRead(string text, out ImmutableArray<JwtKey> keys, out string problem)
    {
        var found = ImmutableArray.CreateBuilder<JwtKey>();
        keys = [];
        problem = "there is no PEM block with a public key in it (BEGIN PUBLIC KEY or BEGIN CERTIFICATE)";
        ReadOnlySpan<char> rest = text;
        while (PemEncoding.TryFind(rest, out PemFields block))
        {
            string label = rest[block.Label].ToString();
            if (label.Contains("PRIVATE", StringComparison.Ordinal))
            {
                problem = "it holds a private key, which nobody needs who checks tokens (openssl pkey -pubout makes the public one)";
                return false;
            }

            try
            {
                byte[] der = Convert.FromBase64String(rest[block.Base64Data].ToString());
                if (Read(label, der) is { } key) found.Add(key);
                else problem = $"a block {label} is of no usable kind (RSA from 2048 bits, P-256, P-384, Ed25519)";
            }
            catch (Exception error) when (error is CryptographicException or FormatException)
            {
                problem = $"a block {label} cannot be read";
            }

            rest = rest[block.Location.End..];
        }

        keys = found.ToImmutable();
        return keys.Length > 0;
    }

    private static JwtKey? Read(string label, byte[] der)
    {
        if (label == "CERTIFICATE")
        {
            using X509Certificate2 certificate = X509CertificateLoader.LoadCertificate(der);
            der = certificate.PublicKey.ExportSubjectPublicKeyInfo();
        }
        else if (label != "PUBLIC KEY")
        {
            return null;
        }

        PublicKey key = PublicKey.CreateFromSubjectPublicKeyInfo(der, out _);
        ImmutableArray<JwtAlgorithm> algorithms = key.Oid.Value switch
        {
            Ed25519 => [JwtAlgorithm.EdDSA],
            _ when key.GetRSAPublicKey() is { } rsa => rsa.KeySize >= LeastRsaBits ? JwtAlgorithms.Rsa : [],
            _ when key.GetECDsaPublicKey() is { } ecdsa => ecdsa.ExportParameters(false).Curve.Oid.Value switch
            {
                P256 => [JwtAlgorithm.ES256],
                P384 => [JwtAlgorithm.ES384],
                _ => [],
            },
            _ => [],
        };
        return algorithms.IsEmpty ? null : new JwtKey("", algorithms, der, []);
    }
}

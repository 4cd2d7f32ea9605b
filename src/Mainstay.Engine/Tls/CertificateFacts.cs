using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Mainstay.Engine.Tls;

/// <summary>What an operator and the choice of a certificate have to know of it.</summary>
/// <param name="Names">DNS names in lower case; without any, the subject's common name.</param>
/// <param name="KeyKind">"RSA", "ECDSA", "Ed25519": of one name there may be one certificate of each.</param>
/// <param name="KeyBits">0 when it is not known.</param>
public sealed record CertificateFacts(
    string Subject,
    ImmutableArray<string> Names,
    DateTime NotBefore,
    DateTime NotAfter,
    string KeyKind,
    int KeyBits,
    bool IsSelfSigned,
    ImmutableArray<X509Certificate2> Chain)
{
    /// <summary>Null with the reason, and the line in the file.</summary>
    public static CertificateFacts? TryRead(ReadOnlySpan<byte> pem, out string problem)
    {
        problem = "";
        var chain = ImmutableArray.CreateBuilder<X509Certificate2>();
        string text = Encoding.Latin1.GetString(pem);
        ReadOnlySpan<char> rest = text;
        int offset = 0;
        while (PemEncoding.TryFind(rest, out PemFields fields))
        {
            if (rest[fields.Label] is "CERTIFICATE" or "X509 CERTIFICATE" or "TRUSTED CERTIFICATE")
            {
                try
                {
                    chain.Add(X509CertificateLoader.LoadCertificate(Convert.FromBase64String(rest[fields.Base64Data].ToString())));
                }
                catch (Exception error) when (error is CryptographicException or FormatException)
                {
                    problem = $"line {Line(text, offset + fields.Location.Start.GetOffset(rest.Length))}: this certificate is broken";
                    return null;
                }
            }

            int end = fields.Location.End.GetOffset(rest.Length);
            offset += end;
            rest = rest[end..];
        }

        if (chain.Count == 0)
        {
            problem = text.Contains("-----BEGIN CERTIFICATE", StringComparison.Ordinal)
                ? $"line {Line(text, text.IndexOf("-----BEGIN CERTIFICATE", StringComparison.Ordinal))}: this certificate is cut off or broken"
                : "there is no certificate in it (-----BEGIN CERTIFICATE-----)";
            return null;
        }

        return Of(chain.ToImmutable());
    }

    private static CertificateFacts Of(ImmutableArray<X509Certificate2> chain)
    {
        X509Certificate2 own = chain[0];
        (string kind, int bits) = KeyOf(own);
        return new CertificateFacts(
            own.Subject, NamesOf(own), own.NotBefore.ToUniversalTime(), own.NotAfter.ToUniversalTime(), kind, bits,
            own.SubjectName.RawData.AsSpan().SequenceEqual(own.IssuerName.RawData), chain);
    }

    private static ImmutableArray<string> NamesOf(X509Certificate2 certificate)
    {
        var names = new List<string>();
        foreach (X509Extension extension in certificate.Extensions)
        {
            if (extension is not X509SubjectAlternativeNameExtension alternatives) continue;
            try
            {
                names.AddRange(alternatives.EnumerateDnsNames());
            }
            catch (CryptographicException)
            {
                // A name that cannot be read is no name of ours; OpenSSL judges the certificate as a whole.
            }
        }

        if (names.Count == 0 && certificate.GetNameInfo(X509NameType.SimpleName, forIssuer: false) is { Length: > 0 } common && common.Contains('.'))
            names.Add(common);
        return [.. names.Select(name => name.ToLowerInvariant()).Distinct()];
    }

    private static (string Kind, int Bits) KeyOf(X509Certificate2 certificate)
    {
        try
        {
            if (certificate.GetRSAPublicKey() is { } rsa) return ("RSA", rsa.KeySize);
            if (certificate.GetECDsaPublicKey() is { } ecdsa) return ("ECDSA", ecdsa.KeySize);
        }
        catch (CryptographicException)
        {
            // A curve that the platform does not know: OpenSSL decides.
        }

        string algorithm = certificate.PublicKey.Oid.Value ?? "";
        return (algorithm == "1.3.101.112" ? "Ed25519" : algorithm, 0);
    }

    private static int Line(string text, int offset) => text.AsSpan(0, Math.Clamp(offset, 0, text.Length)).Count('\n') + 1;
}

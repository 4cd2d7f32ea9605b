using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Mainstay.Core.Config;

namespace Mainstay.Engine.Tests.Tls;

/// <summary>An authority and the files of its certificates, in a directory that goes with it.</summary>
internal sealed class TestCertificates : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly X509Certificate2 _authority;
    private int _issued;

    public TestCertificates()
    {
        var request = new CertificateRequest("CN=Test Authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _authority = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-30), DateTimeOffset.UtcNow.AddDays(3650));
        File.WriteAllText(AuthorityFile, _authority.ExportCertificatePem());
    }

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("mainstay-tls-").FullName;

    public string AuthorityFile => Path.Combine(Directory, "ca.crt.txt");

    public X509Certificate2 Authority => _authority;

    /// <summary>Writes NAME.pem with certificate and key for these DNS names.</summary>
    public FileReference Issue(string file, bool rsa = false, int rsaBits = 2048, int days = 90, int begunDaysAgo = 1, params string[] names)
    {
        using AsymmetricAlgorithm key = rsa ? RSA.Create(rsaBits) : ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = key is RSA r
            ? new CertificateRequest($"CN={names.FirstOrDefault("nobody")},O=Number {_issued}", r, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest($"CN={names.FirstOrDefault("nobody")},O=Number {_issued}", (ECDsa)key, HashAlgorithmName.SHA256);
        _issued++;
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (string name in names) alternatives.AddDnsName(name);
        if (names.Length > 0) request.CertificateExtensions.Add(alternatives.Build());
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new("1.3.6.1.5.5.7.3.1"), new("1.3.6.1.5.5.7.3.2")], false));
        byte[] serial = new byte[8];
        RandomNumberGenerator.Fill(serial);
        serial[0] &= 0x7F;
        using X509Certificate2 certificate = request.Create(
            _authority.SubjectName, X509SignatureGenerator.CreateForECDsa(_key), DateTimeOffset.UtcNow.AddDays(-begunDaysAgo),
            DateTimeOffset.UtcNow.AddDays(days), serial);
        string path = Path.Combine(Directory, file);

        // Whole or not at all, as those who renew certificates write them.
        File.WriteAllText(path + ".new", certificate.ExportCertificatePem() + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n");
        File.Move(path + ".new", path, overwrite: true);
        return new FileReference(path);
    }

    /// <summary>A certificate for a client, with its key.</summary>
    public X509Certificate2 Client(string name, bool expired = false)
    {
        FileReference file = Issue($"{name}.client", days: expired ? -1 : 90, begunDaysAgo: 20, names: name);
        return X509Certificate2.CreateFromPemFile(file.Path, file.Path);
    }

    public TlsSnapshot Profile(params FileReference[] certificates) => new()
    {
        Name = "site",
        Certificates = [.. certificates.Select(file => new CertificateSource(file, null))],
        Watch = TimeSpan.Zero,
    };

    public void Dispose()
    {
        _authority.Dispose();
        _key.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}

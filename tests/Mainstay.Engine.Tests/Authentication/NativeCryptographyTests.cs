using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using Mainstay.Core.Authentication;
using Mainstay.Linux.Authentication;

namespace Mainstay.Engine.Tests.Authentication;

public class NativeCryptographyTests(ITestOutputHelper output)
{
    /// <summary>SHA-256 and SHA-512 as `openssl passwd` makes them, which has an implementation of its own; bcrypt as it was published.</summary>
    [Theory]
    [InlineData("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5")]
    [InlineData("Hello world!", "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1")]
    [InlineData("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")]
    public void Compute_KnownHash_IsTheSame(string password, string hash) =>
        Assert.Equal(hash, PasswordHash.Compute(Encoding.UTF8.GetBytes(password), hash));

    [Theory]
    [InlineData("$9$unknown$x")]
    [InlineData("")]
    [InlineData("*0")]
    public void Compute_UnknownKind_IsNull(string setting) => Assert.Null(PasswordHash.Compute("x"u8, setting));

    [Fact]
    public void Verify_PlatformsSignatures_AreAcceptedAndChangedOnesNot()
    {
        using var rsa = RSA.Create(2048);
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        byte[] data = RandomNumberGenerator.GetBytes(500);
        Check(rsa.ExportSubjectPublicKeyInfo(), SignatureScheme.RsaSha256, data, rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        Check(rsa.ExportSubjectPublicKeyInfo(), SignatureScheme.RsaSha512, data, rsa.SignData(data, HashAlgorithmName.SHA512, RSASignaturePadding.Pkcs1));
        Check(rsa.ExportSubjectPublicKeyInfo(), SignatureScheme.RsaPssSha384, data, rsa.SignData(data, HashAlgorithmName.SHA384, RSASignaturePadding.Pss));

        // Numbers with leading zeros and high bits come up among many.
        for (int i = 0; i < 300; i++) Check(p256.ExportSubjectPublicKeyInfo(), SignatureScheme.EcdsaSha256, data, p256.SignData(data, HashAlgorithmName.SHA256));
        Check(p384.ExportSubjectPublicKeyInfo(), SignatureScheme.EcdsaSha384, data, p384.SignData(data, HashAlgorithmName.SHA384));
    }

    /// <summary>RFC 8032 section 7.1, test 2.</summary>
    [Fact]
    public void Verify_Ed25519OfTheRfc_IsAccepted()
    {
        byte[] key = Convert.FromHexString("302A300506032B65700321003D4017C3E843895A92B70AA74D1B7EBC9C982CCF2EC4968CC0CD55F12AF4660C");
        byte[] signature = Convert.FromHexString(
            "92A009A9F0D4CAB8720E820B5F642540A2B27B5416503F8FB3762223EBDB69DA085AC1E43E15996E458F3613D0F11D8C387B2EAEB4302AEEB00D291612BB0C00");
        Check(key, SignatureScheme.Ed25519, [0x72], signature);
    }

    [Fact]
    public void Verify_HostileSignatures_AreRefused()
    {
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using PublicKey key = PublicKey.Load(p256.ExportSubjectPublicKeyInfo())!;
        foreach (int length in new[] { 0, 1, 63, 64, 65, 96, 1000 })
        {
            Assert.False(key.Verify(SignatureScheme.EcdsaSha256, "data"u8, new byte[length]));
            Assert.False(key.Verify(SignatureScheme.RsaSha256, "data"u8, new byte[length]));
            Assert.False(key.Verify(SignatureScheme.Ed25519, "data"u8, new byte[length]));
        }

        Assert.Null(PublicKey.Load("nonsense"u8));
        Assert.Null(PublicKey.Load([]));
    }

    /// <summary>What a signature costs, for the decision where it is checked.</summary>
    [Fact]
    public void Verify_Cost_IsPrinted()
    {
        using var rsa = RSA.Create(2048);
        using var p256 = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        byte[] data = new byte[500];
        Measure("RS256", rsa.ExportSubjectPublicKeyInfo(), SignatureScheme.RsaSha256, data, rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        Measure("PS256", rsa.ExportSubjectPublicKeyInfo(), SignatureScheme.RsaPssSha256, data, rsa.SignData(data, HashAlgorithmName.SHA256, RSASignaturePadding.Pss));
        Measure("ES256", p256.ExportSubjectPublicKeyInfo(), SignatureScheme.EcdsaSha256, data, p256.SignData(data, HashAlgorithmName.SHA256));
        Measure("ES384", p384.ExportSubjectPublicKeyInfo(), SignatureScheme.EcdsaSha384, data, p384.SignData(data, HashAlgorithmName.SHA384));
    }

    private void Measure(string name, byte[] publicKey, SignatureScheme scheme, byte[] data, byte[] signature)
    {
        const int rounds = 200;
        using PublicKey key = PublicKey.Load(publicKey)!;
        Assert.True(key.Verify(scheme, data, signature));
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < rounds; i++) key.Verify(scheme, data, signature);
        output.WriteLine($"{name}: {Stopwatch.GetElapsedTime(start).TotalMicroseconds / rounds:0.0} us");
    }

    private static void Check(byte[] publicKey, SignatureScheme scheme, byte[] data, byte[] signature)
    {
        using PublicKey? key = PublicKey.Load(publicKey);
        Assert.NotNull(key);
        Assert.True(key.Verify(scheme, data, signature));
        signature[^1] ^= 1;
        Assert.False(key.Verify(scheme, data, signature));
        signature[^1] ^= 1;
        data[0] ^= 1;
        Assert.False(key.Verify(scheme, data, signature));
        data[0] ^= 1;
    }
}

namespace Mainstay.Linux.Tls;

/// <summary>What a verified peer's certificate says, as text.</summary>
/// <param name="Subject">RFC 4514, ASCII: CN=alice,O=Example.</param>
/// <param name="Serial">Hexadecimal.</param>
/// <param name="Fingerprint">SHA-256 of the certificate, hexadecimal.</param>
public sealed record TlsPeerCertificate(byte[] Subject, byte[] Issuer, byte[] Serial, byte[] Fingerprint)
{
    private const nuint Rfc2253 = 0x1110317; // XN_FLAG_RFC2253 of x509.h: escaped, most specific first
    private const int BioInfo = 3;

    internal static unsafe TlsPeerCertificate Of(nint certificate)
    {
        byte* digest = stackalloc byte[32];
        uint length = 32;
        _ = LibSsl.Digest(certificate, LibSsl.Sha256(), digest, &length);
        return new TlsPeerCertificate(
            Written(bio => LibSsl.WriteName(bio, LibSsl.Subject(certificate), 0, Rfc2253)),
            Written(bio => LibSsl.WriteName(bio, LibSsl.Issuer(certificate), 0, Rfc2253)),
            Written(bio => LibSsl.WriteNumber(bio, LibSsl.Serial(certificate))),
            System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(new ReadOnlySpan<byte>(digest, (int)length))));
    }

    private static unsafe byte[] Written(Action<nint> write)
    {
        nint bio = LibSsl.BioNew(LibSsl.MemoryMethod());
        write(bio);
        byte* start;
        nint length = LibSsl.BioControl(bio, BioInfo, 0, &start);
        byte[] text = length > 0 ? new ReadOnlySpan<byte>(start, (int)length).ToArray() : [];
        _ = LibSsl.BioFree(bio);
        return text;
    }
}

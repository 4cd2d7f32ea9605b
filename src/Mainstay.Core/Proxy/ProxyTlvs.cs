using System.Buffers.Binary;
using System.Numerics;
using Mainstay.Core.Http;

namespace Mainstay.Core.Proxy;

/// <summary>The type-length-value part of a version 2 header (section 2.2.4 and on).</summary>
internal static class ProxyTlvs
{
    public const byte Alpn = 0x01, Authority = 0x02, Checksum = 0x03, UniqueId = 0x05, Ssl = 0x20;
    public const byte SslVersion = 0x21, SslCommonName = 0x22;

    /// <summary>PP2_CLIENT_SSL, PP2_CLIENT_CERT_CONN, PP2_CLIENT_CERT_SESS.</summary>
    public const byte ClientSsl = 0x01, CertificateOnConnection = 0x02, CertificateOnSession = 0x04;

    /// <summary>Bytes of a TLV's type and length.</summary>
    public const int HeadLength = 3;

    /// <summary>Section 2.2.6: client flags and the result of the verification.</summary>
    public const int SslFixedLength = 5;

    /// <summary>Section 2.2.5.</summary>
    private const int LongestUniqueId = 128;

    public static ProxyReject Read(ReadOnlySpan<byte> bytes, int at, ref ProxyHeader header)
    {
        bool hasChecksum = false;
        while (at < bytes.Length)
        {
            if (!TryTake(bytes, ref at, out byte type, out ByteRange value)) return ProxyReject.InvalidTlv;
            switch (type)
            {
                case Alpn:
                    header.Alpn = value;
                    break;
                case Authority:
                    header.Authority = value;
                    break;
                case UniqueId:
                    if (value.Length > LongestUniqueId) return ProxyReject.InvalidTlv;
                    header.UniqueId = value;
                    break;
                case Checksum:
                    if (value.Length != 4 || hasChecksum) return ProxyReject.InvalidTlv;
                    hasChecksum = true;
                    if (BinaryPrimitives.ReadUInt32BigEndian(value.Of(bytes)) != Compute(bytes, value.Start)) return ProxyReject.WrongChecksum;
                    break;
                case Ssl:
                    if (!TryReadSsl(bytes, value, ref header)) return ProxyReject.InvalidSslTlv;
                    break;
            }
        }

        return ProxyReject.None;
    }

    /// <summary>CRC32c (RFC 4960 appendix B) of the header, with zeros where the checksum itself stands.</summary>
    public static uint Compute(ReadOnlySpan<byte> header, int checksumAt)
    {
        uint crc = uint.MaxValue;
        for (int i = 0; i < header.Length; i++)
            crc = BitOperations.Crc32C(crc, i >= checksumAt && i < checksumAt + 4 ? (byte)0 : header[i]);
        return ~crc;
    }

    private static bool TryReadSsl(ReadOnlySpan<byte> bytes, ByteRange value, ref ProxyHeader header)
    {
        if (value.Length < SslFixedLength) return false;
        byte client = bytes[value.Start];
        uint verify = BinaryPrimitives.ReadUInt32BigEndian(bytes[(value.Start + 1)..]);
        header.IsTls = (client & ClientSsl) != 0;
        header.HasVerifiedCertificate = verify == 0 && (client & (CertificateOnConnection | CertificateOnSession)) != 0;
        int end = value.Start + value.Length;
        for (int at = value.Start + SslFixedLength; at < end;)
        {
            if (!TryTake(bytes[..end], ref at, out byte type, out ByteRange part)) return false;
            if (type == SslVersion) header.TlsVersion = part;
            else if (type == SslCommonName) header.CertificateName = part;
        }

        return true;
    }

    private static bool TryTake(ReadOnlySpan<byte> bytes, ref int at, out byte type, out ByteRange value)
    {
        (type, value) = (0, default);
        if (bytes.Length - at < HeadLength) return false;
        type = bytes[at];
        int length = BinaryPrimitives.ReadUInt16BigEndian(bytes[(at + 1)..]);
        at += HeadLength;
        if (bytes.Length - at < length) return false;
        value = new ByteRange(at, length);
        at += length;
        return true;
    }
}

using System.Buffers.Binary;
using System.Text;
using Mainstay.Core.Net;
using Mainstay.Core.Proxy;

namespace Mainstay.Core.Tests.Proxy;

/// <summary>The PROXY protocol, versions 1 and 2: what is read, what is refused and why, what is written.</summary>
public class ProxyHeaderTests
{
    private static readonly byte[] s_signature = "\r\n\r\n\0\r\nQUIT\n"u8.ToArray();

    private static byte[] Binary(int versionAndCommand, int family, ReadOnlySpan<byte> body, int? length = null)
    {
        byte[] header = [.. s_signature, (byte)versionAndCommand, (byte)family, 0, 0, .. body];
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), (ushort)(length ?? body.Length));
        return header;
    }

    private static readonly byte[] s_v4 = [192, 0, 2, 1, 198, 51, 100, 7, 0x9C, 0x40, 0x01, 0xBB];

    private static NetAddress Address(string text)
    {
        Assert.True(NetAddress.TryParse(text, out NetAddress address));
        return address;
    }

    [Theory]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\n", "192.0.2.1", 40000, "198.51.100.7", 443)]
    [InlineData("PROXY TCP6 2001:db8::1 2001:db8::2 0 65535\r\n", "2001:db8::1", 0, "2001:db8::2", 65535)]
    [InlineData("PROXY TCP6 ffff:f1f2:f3f4:f5f6:ffff:f7f8:f9fa:fbfc ffff:f1f2:f3f4:f5f6:ffff:f7f8:f9fa:fbfd 65535 65535\r\n", "ffff:f1f2:f3f4:f5f6:ffff:f7f8:f9fa:fbfc", 65535, "ffff:f1f2:f3f4:f5f6:ffff:f7f8:f9fa:fbfd", 65535)]
    public void Line_IsRead(string line, string source, int sourcePort, string destination, int destinationPort)
    {
        byte[] bytes = [.. Encoding.ASCII.GetBytes(line), 1, 2, 3];
        Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead(bytes, out ProxyHeader header, out _));
        Assert.True(header.HasAddresses);
        Assert.Equal((Address(source), sourcePort), (header.Source, header.SourcePort));
        Assert.Equal((Address(destination), destinationPort), (header.Destination, header.DestinationPort));
        Assert.Equal(line.Length, header.Length);
    }

    [Theory]
    [InlineData("PROXY UNKNOWN\r\n")]
    [InlineData("PROXY UNKNOWN whatever it says 1 2 3\r\n")]
    public void Line_Unknown_LeavesTheConnectionsOwnAddresses(string line)
    {
        Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead(Encoding.ASCII.GetBytes(line), out ProxyHeader header, out _));
        Assert.False(header.HasAddresses);
        Assert.Equal(line.Length, header.Length);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n", ProxyReject.NotAHeader)]
    [InlineData("proxy TCP4 192.0.2.1 198.51.100.7 40000 443\r\n", ProxyReject.NotAHeader)]
    [InlineData("PROXY\tTCP4", ProxyReject.NotAHeader)]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\n", ProxyReject.InvalidLine)]
    [InlineData("PROXY  TCP4 192.0.2.1 198.51.100.7 40000 443\r\n", ProxyReject.InvalidFamily)]
    [InlineData("PROXY TCP5 192.0.2.1 198.51.100.7 40000 443\r\n", ProxyReject.InvalidFamily)]
    [InlineData("PROXY \r\n", ProxyReject.InvalidFamily)]
    [InlineData("PROXY TCP4 192.0.2.1  198.51.100.7 40000 443\r\n", ProxyReject.InvalidAddress)]
    [InlineData("PROXY TCP4 192.0.2.01 198.51.100.7 40000 443\r\n", ProxyReject.InvalidAddress)]
    [InlineData("PROXY TCP4 192.0.2.256 198.51.100.7 40000 443\r\n", ProxyReject.InvalidAddress)]
    [InlineData("PROXY TCP4 2001:db8::1 2001:db8::2 40000 443\r\n", ProxyReject.InvalidAddress)]
    [InlineData("PROXY TCP6 192.0.2.1 198.51.100.7 40000 443\r\n", ProxyReject.InvalidAddress)]
    [InlineData("PROXY TCP6 2001:db8::1%eth0 2001:db8::2 1 2\r\n", ProxyReject.InvalidAddress)]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 40000\r\n", ProxyReject.InvalidPort)]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 040000 443\r\n", ProxyReject.InvalidPort)]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n", ProxyReject.InvalidPort)]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 -1 443\r\n", ProxyReject.InvalidPort)]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 40000 443 \r\n", ProxyReject.InvalidPort)]
    [InlineData("PROXY TCP4 192.0.2.1 198.51.100.7 40000 443 1\r\n", ProxyReject.InvalidPort)]
    public void Line_IsRefused(string line, ProxyReject expected)
    {
        Assert.Equal(ProxyRead.Refused, ProxyHeaderReader.TryRead(Encoding.ASCII.GetBytes(line), out _, out ProxyReject reason));
        Assert.Equal(expected, reason);
    }

    [Fact]
    public void Line_LongerThan107Bytes_IsRefused()
    {
        byte[] endless = Encoding.ASCII.GetBytes("PROXY UNKNOWN " + new string('x', 200));
        Assert.Equal(ProxyRead.Incomplete, ProxyHeaderReader.TryRead(endless.AsSpan(0, 106), out _, out _));
        Assert.Equal(ProxyRead.Refused, ProxyHeaderReader.TryRead(endless.AsSpan(0, 107), out _, out ProxyReject reason));
        Assert.Equal(ProxyReject.LineTooLong, reason);
    }

    [Fact]
    public void Binary_IsRead_WithItsTlvs()
    {
        byte[] tlvs =
        [
            0x04, 0, 3, 9, 9, 9,                                           // padding
            0x01, 0, 2, (byte)'h', (byte)'2',
            0x02, 0, 5, .. "a.org"u8,
            0x05, 0, 4, 1, 2, 3, 4,
            0xEA, 0, 0,                                                    // unknown: passed over
            0x20, 0, 20, 0x03, 0, 0, 0, 0, 0x21, 0, 7, .. "TLSv1.3"u8, 0x22, 0, 2, .. "me"u8,
        ];
        byte[] bytes = Binary(0x21, 0x11, [.. s_v4, .. tlvs]);

        Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead([.. bytes, 7], out ProxyHeader header, out _));
        Assert.Equal((Address("192.0.2.1"), 40000), (header.Source, header.SourcePort));
        Assert.Equal((Address("198.51.100.7"), 443), (header.Destination, header.DestinationPort));
        Assert.Equal(bytes.Length, header.Length);
        Assert.Equal("h2", Encoding.ASCII.GetString(header.Alpn.Of(bytes)));
        Assert.Equal("a.org", Encoding.ASCII.GetString(header.Authority.Of(bytes)));
        Assert.Equal([1, 2, 3, 4], header.UniqueId.Of(bytes).ToArray());
        Assert.True(header.IsTls && header.HasVerifiedCertificate);
        Assert.Equal("TLSv1.3", Encoding.ASCII.GetString(header.TlsVersion.Of(bytes)));
        Assert.Equal("me", Encoding.ASCII.GetString(header.CertificateName.Of(bytes)));
    }

    [Fact]
    public void Binary_LocalOrUnspecified_LeavesTheConnectionsOwnAddresses()
    {
        foreach (byte[] bytes in new[]
                 {
                     Binary(0x20, 0x00, []), Binary(0x20, 0x11, s_v4), Binary(0x20, 0xFF, [1, 2, 3]), Binary(0x21, 0x00, []),
                     Binary(0x21, 0x00, [1, 2, 3]), Binary(0x21, 0x10, s_v4),
                 })
        {
            Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead(bytes, out ProxyHeader header, out _));
            Assert.False(header.HasAddresses);
            Assert.Equal(bytes.Length, header.Length);
        }
    }

    [Fact]
    public void Binary_Unix_HasNoAddressToTell()
    {
        Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead(Binary(0x21, 0x31, new byte[216]), out ProxyHeader header, out _));
        Assert.True(header.IsUnix);
        Assert.False(header.HasAddresses);
    }

    [Fact]
    public void Binary_MappedV6_IsTheV4Address()
    {
        byte[] mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1];
        Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead(Binary(0x21, 0x21, [.. mapped, .. mapped, 0, 1, 0, 2]), out ProxyHeader header, out _));
        Assert.Equal(Address("192.0.2.1"), header.Source);
    }

    public static TheoryData<string, ProxyReject> Refusals => new()
    {
        { Convert.ToHexString(Binary(0x11, 0x11, s_v4)), ProxyReject.InvalidVersion },
        { Convert.ToHexString(Binary(0x31, 0x11, s_v4)), ProxyReject.InvalidVersion },
        { Convert.ToHexString(Binary(0x22, 0x11, s_v4)), ProxyReject.InvalidCommand },
        { Convert.ToHexString(Binary(0x21, 0x41, s_v4)), ProxyReject.UnassignedFamily },
        { Convert.ToHexString(Binary(0x21, 0x13, s_v4)), ProxyReject.UnassignedFamily },
        { Convert.ToHexString(Binary(0x21, 0x12, s_v4)), ProxyReject.WrongTransport },
        { Convert.ToHexString(Binary(0x21, 0x11, s_v4.AsSpan(0, 11))), ProxyReject.AddressesCutOff },
        { Convert.ToHexString(Binary(0x21, 0x21, s_v4)), ProxyReject.AddressesCutOff },
        { Convert.ToHexString(Binary(0x21, 0x31, s_v4)), ProxyReject.AddressesCutOff },
        { Convert.ToHexString(Binary(0x21, 0x11, s_v4, length: 4081)), ProxyReject.TooLong },
        { Convert.ToHexString(Binary(0x20, 0x00, [], length: 65535)), ProxyReject.TooLong },
        { Convert.ToHexString(Binary(0x21, 0x11, [.. s_v4, 0x01])), ProxyReject.InvalidTlv },
        { Convert.ToHexString(Binary(0x21, 0x11, [.. s_v4, 0x01, 0, 2, 1])), ProxyReject.InvalidTlv },
        { Convert.ToHexString(Binary(0x21, 0x11, [.. s_v4, 0x03, 0, 3, 1, 2, 3])), ProxyReject.InvalidTlv },
        { Convert.ToHexString(Binary(0x21, 0x11, [.. s_v4, 0x05, 0, 129, .. new byte[129]])), ProxyReject.InvalidTlv },
        { Convert.ToHexString(Binary(0x21, 0x11, [.. s_v4, 0x03, 0, 4, 1, 2, 3, 4])), ProxyReject.WrongChecksum },
        { Convert.ToHexString(Binary(0x21, 0x11, [.. s_v4, 0x20, 0, 4, 1, 0, 0, 0])), ProxyReject.InvalidSslTlv },
        { Convert.ToHexString(Binary(0x21, 0x11, [.. s_v4, 0x20, 0, 8, 1, 0, 0, 0, 0, 0x21, 0, 9])), ProxyReject.InvalidSslTlv },
        { Convert.ToHexString("\r\n\r\nX"u8), ProxyReject.NotAHeader },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Binary_IsRefused(string hex, ProxyReject expected)
    {
        Assert.Equal(ProxyRead.Refused, ProxyHeaderReader.TryRead(Convert.FromHexString(hex), out _, out ProxyReject reason));
        Assert.Equal(expected, reason);
    }

    [Theory]
    [InlineData(ProxyVersion.V1, "192.0.2.1", "198.51.100.7")]
    [InlineData(ProxyVersion.V1, "2001:db8::1", "2001:db8::2")]
    [InlineData(ProxyVersion.V2, "192.0.2.1", "198.51.100.7")]
    [InlineData(ProxyVersion.V2, "2001:db8::1", "2001:db8::2")]
    public void Written_IsReadBack_CutAtEveryByte(ProxyVersion version, string source, string destination)
    {
        var ends = new ProxyEnds(Address(source), 40000, Address(destination), 443);
        byte[] buffer = new byte[ProxyHeaderWriter.MaxLength];
        var extras = new ProxyExtras
        {
            Authority = "a.org"u8,
            Alpn = "h2"u8,
            UniqueId = "17"u8,
            TlsVersion = "TLSv1.3"u8,
            HasCertificate = true,
            CertificateName = "me"u8,
        };
        byte[] bytes = buffer[..ProxyHeaderWriter.Write(buffer, version, ends, extras)];
        for (int cut = 0; cut < bytes.Length; cut++)
            Assert.Equal(ProxyRead.Incomplete, ProxyHeaderReader.TryRead(bytes.AsSpan(0, cut), out _, out _));

        Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead(bytes, out ProxyHeader header, out _));
        Assert.Equal(bytes.Length, header.Length);
        Assert.Equal(ends, new ProxyEnds(header.Source, header.SourcePort, header.Destination, header.DestinationPort));
        if (version == ProxyVersion.V1) return;
        Assert.Equal("a.org", Encoding.ASCII.GetString(header.Authority.Of(bytes)));
        Assert.True(header.IsTls && header.HasVerifiedCertificate);
        Assert.Equal("me", Encoding.ASCII.GetString(header.CertificateName.Of(bytes)));
    }

    [Fact]
    public void Written_WithAChangedByte_IsNotBelieved()
    {
        byte[] buffer = new byte[ProxyHeaderWriter.MaxLength];
        var ends = new ProxyEnds(Address("192.0.2.1"), 40000, Address("198.51.100.7"), 443);
        byte[] bytes = buffer[..ProxyHeaderWriter.Write(buffer, ProxyVersion.V2, ends)];
        for (int at = 16; at < 28; at++)
        {
            byte[] changed = [.. bytes];
            changed[at] ^= 0x10;
            Assert.Equal(ProxyRead.Refused, ProxyHeaderReader.TryRead(changed, out _, out ProxyReject reason));
            Assert.Equal(ProxyReject.WrongChecksum, reason);
        }
    }

    /// <summary>The check value of CRC32c (RFC 3720 appendix B.4): of "123456789", E3069283.</summary>
    [Fact]
    public void Checksum_IsCastagnolis() => Assert.Equal(0xE3069283u, ProxyTlvs.Compute("123456789"u8, checksumAt: 100));

    [Theory]
    [InlineData(ProxyVersion.V1)]
    [InlineData(ProxyVersion.V2)]
    public void Local_IsReadAsOurOwn(ProxyVersion version)
    {
        byte[] buffer = new byte[ProxyHeaderWriter.MaxLength];
        byte[] bytes = buffer[..ProxyHeaderWriter.WriteLocal(buffer, version)];
        Assert.Equal(ProxyRead.Complete, ProxyHeaderReader.TryRead(bytes, out ProxyHeader header, out _));
        Assert.False(header.HasAddresses);
        Assert.Equal(bytes.Length, header.Length);
    }

    /// <summary>Whatever comes: no exception, the same answer however it is cut, ranges inside of the header.</summary>
    [Fact]
    public void Noise_NeverThrows_AndAnswersOnce()
    {
        byte[] buffer = new byte[ProxyHeaderWriter.MaxLength];
        var random = new Random(20261121);
        var ends = new ProxyEnds(Address("2001:db8::1"), 1, Address("2001:db8::2"), 2);
        for (int round = 0; round < 50_000; round++)
        {
            var extras = new ProxyExtras { Authority = "a.org"u8, TlsVersion = "TLSv1.2"u8, CertificateName = "x"u8, HasCertificate = true };
            byte[] bytes = buffer[..ProxyHeaderWriter.Write(buffer, round % 3 == 0 ? ProxyVersion.V1 : ProxyVersion.V2, ends, extras)];
            for (int i = random.Next(6); i > 0; i--) bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            ProxyRead whole = ProxyHeaderReader.TryRead(bytes, out ProxyHeader header, out ProxyReject reason);
            if (whole == ProxyRead.Complete) Assert.InRange(header.Authority.End, 0, header.Length);
            for (int cut = 0; cut < bytes.Length; cut++)
            {
                ProxyRead part = ProxyHeaderReader.TryRead(bytes.AsSpan(0, cut), out _, out ProxyReject early);
                if (part == ProxyRead.Incomplete) continue;
                Assert.Equal((whole, reason), (part, early));
                break;
            }
        }
    }
}

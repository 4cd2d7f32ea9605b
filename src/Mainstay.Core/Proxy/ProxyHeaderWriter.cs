using System.Buffers.Binary;
using Mainstay.Core.Net;

namespace Mainstay.Core.Proxy;

/// <summary>Which header servers are sent.</summary>
public enum ProxyVersion : byte
{
    None,
    V1,
    V2,
}

/// <summary>Both ends of the client's connection. Without addresses (a unix socket): the header says only that there are none.</summary>
public readonly record struct ProxyEnds(NetAddress Source, int SourcePort, NetAddress Destination, int DestinationPort)
{
    public bool AreKnown => !Source.IsNone && Source.Bits == Destination.Bits;
}

/// <summary>What version 2 can say besides the addresses; what is empty is left out.</summary>
public readonly ref struct ProxyExtras
{
    public ReadOnlySpan<byte> Authority { get; init; }
    public ReadOnlySpan<byte> Alpn { get; init; }
    public ReadOnlySpan<byte> UniqueId { get; init; }

    /// <summary>Of the client's connection, such as "TLSv1.3"; empty: it came without TLS.</summary>
    public ReadOnlySpan<byte> TlsVersion { get; init; }

    /// <summary>The client has shown a certificate, which was verified.</summary>
    public bool HasCertificate { get; init; }
    public ReadOnlySpan<byte> CertificateName { get; init; }
}

/// <summary>Writes PROXY headers.</summary>
public static class ProxyHeaderWriter
{
    /// <summary>What a destination has to hold: all extras at their limits.</summary>
    public const int MaxLength = 2048;

    private const int NameLimit = 255, UniqueIdLimit = 128;

    /// <summary>Returns the header's length.</summary>
    public static int Write(Span<byte> destination, ProxyVersion version, in ProxyEnds ends, in ProxyExtras extras = default) => version switch
    {
        ProxyVersion.V1 => WriteLine(destination, ends),
        ProxyVersion.V2 => WriteBinary(destination, ends, extras),
        _ => 0,
    };

    /// <summary>For our own connections (checks): the server takes the connection's own addresses.</summary>
    public static int WriteLocal(Span<byte> destination, ProxyVersion version) => Write(destination, version, default);

    private static int WriteLine(Span<byte> destination, in ProxyEnds ends)
    {
        if (!ends.AreKnown) return Copy("PROXY UNKNOWN\r\n"u8, destination, 0);
        int at = Copy(ends.Source.IsV6 ? "PROXY TCP6 "u8 : "PROXY TCP4 "u8, destination, 0);
        at += ends.Source.Format(destination[at..]);
        destination[at++] = (byte)' ';
        at += ends.Destination.Format(destination[at..]);
        destination[at++] = (byte)' ';
        ends.SourcePort.TryFormat(destination[at..], out int digits);
        at += digits;
        destination[at++] = (byte)' ';
        ends.DestinationPort.TryFormat(destination[at..], out digits);
        return Copy("\r\n"u8, destination, at + digits);
    }

    private static int WriteBinary(Span<byte> destination, in ProxyEnds ends, in ProxyExtras extras)
    {
        int at = Copy(ProxyHeaderReader.Signature, destination, 0);
        destination[at++] = (byte)(ends.AreKnown ? 0x21 : 0x20);
        destination[at++] = (byte)(!ends.AreKnown ? 0 : ends.Source.IsV6 ? 0x21 : 0x11);
        int lengthAt = at;
        at += 2;
        if (ends.AreKnown)
        {
            at += ends.Source.WriteBytes(destination[at..]);
            at += ends.Destination.WriteBytes(destination[at..]);
            BinaryPrimitives.WriteUInt16BigEndian(destination[at..], (ushort)ends.SourcePort);
            BinaryPrimitives.WriteUInt16BigEndian(destination[(at + 2)..], (ushort)ends.DestinationPort);
            at += 4;
            at = WriteTlv(destination, at, ProxyTlvs.Alpn, extras.Alpn, NameLimit);
            at = WriteTlv(destination, at, ProxyTlvs.Authority, extras.Authority, NameLimit);
            at = WriteTlv(destination, at, ProxyTlvs.UniqueId, extras.UniqueId, UniqueIdLimit);
            if (!extras.TlsVersion.IsEmpty) at = WriteSsl(destination, at, extras);
        }

        // The checksum comes last and is computed over itself as zeros.
        int checksumAt = at + ProxyTlvs.HeadLength;
        at = WriteTlv(destination, at, ProxyTlvs.Checksum, [0, 0, 0, 0], 4);
        BinaryPrimitives.WriteUInt16BigEndian(destination[lengthAt..], (ushort)(at - lengthAt - 2));
        BinaryPrimitives.WriteUInt32BigEndian(destination[checksumAt..], ProxyTlvs.Compute(destination[..at], checksumAt));
        return at;
    }

    private static int WriteSsl(Span<byte> destination, int at, in ProxyExtras extras)
    {
        int start = at;
        destination[at] = ProxyTlvs.Ssl;
        at += ProxyTlvs.HeadLength;
        const byte shown = ProxyTlvs.CertificateOnConnection | ProxyTlvs.CertificateOnSession;
        destination[at] = (byte)(ProxyTlvs.ClientSsl | (extras.HasCertificate ? shown : 0));

        // PP2 verify: zero when a certificate was shown and verified.
        BinaryPrimitives.WriteUInt32BigEndian(destination[(at + 1)..], extras.HasCertificate ? 0u : 1u);
        at += ProxyTlvs.SslFixedLength;
        at = WriteTlv(destination, at, ProxyTlvs.SslVersion, extras.TlsVersion, NameLimit);
        if (extras.HasCertificate) at = WriteTlv(destination, at, ProxyTlvs.SslCommonName, extras.CertificateName, NameLimit);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(start + 1)..], (ushort)(at - start - ProxyTlvs.HeadLength));
        return at;
    }

    /// <summary>Returns where the next one begins. One that is too long says nothing rather than something else.</summary>
    private static int WriteTlv(Span<byte> destination, int at, byte type, ReadOnlySpan<byte> value, int limit)
    {
        if (value.IsEmpty || value.Length > limit) return at;
        destination[at] = type;
        BinaryPrimitives.WriteUInt16BigEndian(destination[(at + 1)..], (ushort)value.Length);
        return Copy(value, destination, at + ProxyTlvs.HeadLength);
    }

    private static int Copy(ReadOnlySpan<byte> bytes, Span<byte> destination, int at)
    {
        bytes.CopyTo(destination[at..]);
        return at + bytes.Length;
    }
}

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Mainstay.Core.Net;

namespace Mainstay.Linux;

/// <summary>A struct sockaddr_in, sockaddr_in6 or sockaddr_un, ready for the kernel. A value of 112 bytes: no allocation.</summary>
public struct SocketAddress
{
    public const int FamilyUnix = 1;
    public const int FamilyV4 = 2;
    public const int FamilyV6 = 10;

    /// <summary>Longest path of a unix socket, its end excluded (sun_path is 108 bytes).</summary>
    public const int MaxUnixPath = 107;

    internal Storage Bytes;
    internal uint Length;

    [InlineArray(112)]
    internal struct Storage
    {
        private byte _first;
    }

    public readonly int Family => MemoryMarshal.Read<ushort>(Bytes);

    public readonly int Port => Family == FamilyUnix ? 0 : BinaryPrimitives.ReadUInt16BigEndian(Bytes[2..]);

    /// <summary>The IP address; <c>default</c> for a unix socket.</summary>
    public readonly NetAddress Address => Family switch
    {
        FamilyV4 => NetAddress.FromBytes(Bytes[4..8]),
        FamilyV6 => NetAddress.FromBytes(Bytes[8..24]),
        _ => default,
    };

    public static SocketAddress From(NetAddress address, int port)
    {
        var result = new SocketAddress();
        Span<byte> bytes = result.Bytes;
        ushort family = address.IsV4 ? (ushort)FamilyV4 : (ushort)FamilyV6;
        MemoryMarshal.Write(bytes, in family);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)port);
        address.WriteBytes(bytes[(address.IsV4 ? 4 : 8)..]);
        result.Length = address.IsV4 ? 16u : 28u;
        return result;
    }

    /// <summary>A unix socket's path; a leading '@' means the abstract namespace.</summary>
    /// <exception cref="ArgumentException">The path is longer than <see cref="MaxUnixPath"/> bytes.</exception>
    public static SocketAddress FromUnixPath(string path)
    {
        int length = Encoding.UTF8.GetByteCount(path);
        if (length is 0 or > MaxUnixPath) throw new ArgumentException($"unix socket path '{path}' has to have 1 to {MaxUnixPath} bytes");
        var result = new SocketAddress();
        Span<byte> bytes = result.Bytes;
        ushort family = FamilyUnix;
        MemoryMarshal.Write(bytes, in family);
        Encoding.UTF8.GetBytes(path, bytes[2..]);
        bool isAbstract = path[0] == '@';
        if (isAbstract) bytes[2] = 0;
        result.Length = (uint)(2 + length + (isAbstract ? 0 : 1));
        return result;
    }

    /// <summary>The address of an endpoint that needs no resolving.</summary>
    public static SocketAddress From(Endpoint endpoint) =>
        endpoint.UnixPath is { } path ? FromUnixPath(path) : From(endpoint.Address, endpoint.Port);

    public override readonly string ToString()
    {
        if (Family == FamilyUnix) return "unix";
        NetAddress address = Address;
        return address.IsV6 ? $"[{address}]:{Port}" : $"{address}:{Port}";
    }
}

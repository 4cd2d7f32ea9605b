using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Mainstay.Core.Persistence;

/// <summary>
/// What stands in a cookie for a server: 16 hexadecimal digits, the HMAC-SHA256 of pool and server under the configured secret, cut to 64
/// bits. The same on all nodes, over restarts and whatever the order of the servers; who does not know the secret cannot make one.
/// </summary>
internal sealed class ServerTokens
{
    /// <summary>Digits of a token.</summary>
    public const int Length = 16;

    private readonly byte[][] _texts;
    private readonly ulong[] _values;

    public ServerTokens(string secret, string pool, IReadOnlyList<string> servers)
    {
        byte[] key = Encoding.UTF8.GetBytes(secret);
        _values = [.. servers.Select(server => Value(key, pool, server))];
        _texts = [.. _values.Select(value => Encoding.ASCII.GetBytes($"{value:x16}"))];
    }

    /// <summary>The token of a server, by its index in the pool.</summary>
    public ReadOnlySpan<byte> Of(int server) => _texts[server];

    /// <summary>Index of the server that a token stands for; -1 for every other text.</summary>
    public int Find(ReadOnlySpan<byte> token)
    {
        for (int i = 0; i < _texts.Length; i++)
            if (token.SequenceEqual(_texts[i])) return i;
        return -1;
    }

    /// <summary>A server as a table remembers it: 32 bits that do not depend on its place in the list.</summary>
    public uint Id(int server) => Id(_values[server]);

    public int FindId(uint id)
    {
        for (int i = 0; i < _values.Length; i++)
            if (Id(_values[i]) == id) return i;
        return -1;
    }

    /// <summary>0 is kept for "none".</summary>
    private static uint Id(ulong value) => (uint)value == 0 ? 1 : (uint)value;

    private static ulong Value(byte[] key, string pool, string server)
    {
        // Lengths in front keep "ab" + "c" apart from "a" + "bc".
        byte[] text = Encoding.UTF8.GetBytes($"{pool.Length}:{pool}{server.Length}:{server}");
        return BinaryPrimitives.ReadUInt64BigEndian(HMACSHA256.HashData(key, text));
    }
}

using System.Buffers.Binary;
using System.Numerics;
using Mainstay.Core.Net;

namespace Mainstay.Core.Protection;

/// <summary>
/// SipHash-1-3 (Aumasson and Bernstein, 2012; one round a word, three at the end) under a secret key: for tables whose keys hostile
/// clients choose. Who does not know the key cannot aim two keys at one place.
/// </summary>
public sealed class KeyHash(UInt128 secret)
{
    private readonly ulong _k0 = (ulong)secret;
    private readonly ulong _k1 = (ulong)(secret >> 64);

    public ulong Of(ReadOnlySpan<byte> bytes)
    {
        State state = Begin();
        ulong length = (ulong)bytes.Length << 56;
        while (bytes.Length >= 8)
        {
            state.Absorb(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }

        ulong last = length;
        for (int i = 0; i < bytes.Length; i++) last |= (ulong)bytes[i] << (8 * i);
        state.Absorb(last);
        return state.End();
    }

    /// <summary>Of an address; IPv4 and IPv6 never meet.</summary>
    public ulong Of(NetAddress address)
    {
        State state = Begin();
        state.Absorb((ulong)(address.Value >> 64));
        state.Absorb((ulong)address.Value);
        state.Absorb((ulong)(17 + address.Bits) << 56);
        return state.End();
    }

    /// <summary>One key of two: order matters.</summary>
    public ulong Join(ulong first, ulong second)
    {
        State state = Begin();
        state.Absorb(first);
        state.Absorb(second);
        state.Absorb(16UL << 56);
        return state.End();
    }

    private State Begin() => new(
        _k0 ^ 0x736F6D6570736575, _k1 ^ 0x646F72616E646F6D, _k0 ^ 0x6C7967656E657261, _k1 ^ 0x7465646279746573);

    private struct State(ulong v0, ulong v1, ulong v2, ulong v3)
    {
        private ulong _v0 = v0, _v1 = v1, _v2 = v2, _v3 = v3;

        public void Absorb(ulong word)
        {
            _v3 ^= word;
            Round();
            _v0 ^= word;
        }

        public ulong End()
        {
            _v2 ^= 0xFF;
            Round();
            Round();
            Round();
            return _v0 ^ _v1 ^ _v2 ^ _v3;
        }

        private void Round()
        {
            _v0 += _v1;
            _v1 = BitOperations.RotateLeft(_v1, 13) ^ _v0;
            _v0 = BitOperations.RotateLeft(_v0, 32);
            _v2 += _v3;
            _v3 = BitOperations.RotateLeft(_v3, 16) ^ _v2;
            _v0 += _v3;
            _v3 = BitOperations.RotateLeft(_v3, 21) ^ _v0;
            _v2 += _v1;
            _v1 = BitOperations.RotateLeft(_v1, 17) ^ _v2;
            _v2 = BitOperations.RotateLeft(_v2, 32);
        }
    }
}

using System.Runtime.InteropServices;

namespace Mainstay.Linux.Tls;

/// <summary>
/// The keys that seal session tickets, newest first: the first seals, all of them open. Shared by all threads; replaced as a whole when
/// they rotate, so that a session is taken up again whichever thread, worker or node sealed its ticket. Secrets: never logged.
/// </summary>
public sealed unsafe class TlsTicketKeys
{
    /// <summary>Of one key: 16 bytes of name, 32 for AES-256-CBC, 32 for HMAC-SHA256 (RFC 5077 section 4).</summary>
    public const int KeyLength = NameLength + CipherKeyLength + MacKeyLength;

    private const int NameLength = 16, CipherKeyLength = 32, MacKeyLength = 32, BlockLength = 16;

    private static readonly nint s_cipher = FetchCipher();

    /// <summary>Whole keys one behind the other.</summary>
    private volatile byte[] _keys;

    /// <param name="keys">One or more keys of <see cref="KeyLength"/> bytes, newest first.</param>
    public TlsTicketKeys(ReadOnlySpan<byte> keys) => _keys = Checked(keys);

    /// <summary>Any thread.</summary>
    public void Replace(ReadOnlySpan<byte> keys) => _keys = Checked(keys);

    /// <summary>For whoever keeps them for the next worker.</summary>
    public byte[] Export() => [.. _keys];

    private static byte[] Checked(ReadOnlySpan<byte> keys) => keys.Length > 0 && keys.Length % KeyLength == 0
        ? keys.ToArray()
        : throw new ArgumentException($"ticket keys have {KeyLength} bytes each", nameof(keys));

    /// <summary>SSL_CTX_set_tlsext_ticket_key_evp_cb(3): 1 = use it, 2 = use it and give a new ticket, 0 = no key, negative = error.</summary>
    internal int Choose(byte* name, byte* iv, nint cipher, nint mac, bool seal)
    {
        byte[] keys = _keys;
        var asked = new ReadOnlySpan<byte>(name, NameLength);
        for (int at = 0; at < keys.Length; at += KeyLength)
        {
            ReadOnlySpan<byte> key = keys.AsSpan(at, KeyLength);
            if (!seal && !asked.SequenceEqual(key[..NameLength])) continue;
            if (seal)
            {
                key[..NameLength].CopyTo(new Span<byte>(name, NameLength));
                if (LibSsl.Random(iv, BlockLength) != 1) return -1;
            }

            fixed (byte* secret = key[NameLength..])
            {
                bool ready = (seal
                    ? LibSsl.EncryptInit(cipher, s_cipher, 0, secret, iv)
                    : LibSsl.DecryptInit(cipher, s_cipher, 0, secret, iv)) == 1 && SetMac(mac, secret + CipherKeyLength);
                return !ready ? -1 : at == 0 ? 1 : 2;
            }
        }

        return 0;
    }

    private static bool SetMac(nint mac, byte* key)
    {
        fixed (byte* keyName = "key\0"u8, digestName = "digest\0"u8, digest = "SHA256\0"u8)
        {
            LibSsl.Parameter* parameters = stackalloc LibSsl.Parameter[3];
            parameters[0] = new LibSsl.Parameter { Key = keyName, Type = LibSsl.Parameter.Octets, Value = key, Size = MacKeyLength };
            parameters[1] = new LibSsl.Parameter { Key = digestName, Type = LibSsl.Parameter.Utf8, Value = digest, Size = 6 };
            parameters[2] = default;
            return LibSsl.MacSetParameters(mac, parameters) == 1;
        }
    }

    private static nint FetchCipher()
    {
        fixed (byte* name = "AES-256-CBC\0"u8) return LibSsl.FetchCipher(0, name, null);
    }
}

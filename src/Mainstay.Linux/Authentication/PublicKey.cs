using System.Runtime.InteropServices;

namespace Mainstay.Linux.Authentication;

/// <summary>What a signature's data are hashed with, and how RSA pads.</summary>
public enum SignatureScheme
{
    RsaSha256,
    RsaSha384,
    RsaSha512,
    RsaPssSha256,
    RsaPssSha384,
    RsaPssSha512,
    EcdsaSha256,
    EcdsaSha384,
    Ed25519,
}

/// <summary>
/// A public key of libcrypto (OpenSSL 3), which checks signatures; it knows Ed25519, which .NET does not. Several threads may check with
/// one key at once. Some 20 (RSA 2048) to 600 (P-384) microseconds a call.
/// </summary>
public sealed unsafe partial class PublicKey : SafeHandle
{
    private const string Library = "libcrypto.so.3";
    private const int PssPadding = 6, SaltLengthOfDigest = -1;

    /// <summary>DER of an ECDSA signature with two numbers of P-384 at most.</summary>
    private const int MaxDerSignature = 128;

    private PublicKey()
        : base(0, ownsHandle: true)
    {
    }

    /// <summary>Null when the library is there; else what is missing and what to do.</summary>
    public static string? Missing { get; } = NativeLibrary.TryLoad(Library, out _)
        ? null
        : "OpenSSL 3 is not installed: libcrypto.so.3 not found; install it with 'apt install libssl3' (Debian, Ubuntu) or 'dnf install openssl-libs'";

    public override bool IsInvalid => handle == 0;

    /// <summary>From SubjectPublicKeyInfo in DER; null when it is none.</summary>
    public static PublicKey? Load(ReadOnlySpan<byte> subjectPublicKeyInfo)
    {
        if (Missing is not null) return null;
        fixed (byte* start = subjectPublicKeyInfo)
        {
            byte* at = start;
            nint key = ReadPublicKey(0, &at, subjectPublicKeyInfo.Length);
            if (key == 0) ClearErrors();
            return key == 0 ? null : new PublicKey { handle = key };
        }
    }

    /// <param name="signature">ECDSA: both numbers one behind the other (IEEE P1363), as JWS has them.</param>
    public bool Verify(SignatureScheme scheme, ReadOnlySpan<byte> signed, ReadOnlySpan<byte> signature)
    {
        Span<byte> der = stackalloc byte[MaxDerSignature];
        scoped ReadOnlySpan<byte> encoded = signature;
        if (scheme is SignatureScheme.EcdsaSha256 or SignatureScheme.EcdsaSha384)
        {
            int half = scheme == SignatureScheme.EcdsaSha256 ? 32 : 48;
            if (signature.Length != 2 * half) return false;
            encoded = ToDer(signature[..half], signature[half..], der);
        }

        nint context = ContextNew();
        if (context == 0) return false;
        bool sound;
        fixed (byte* signedAt = signed, signatureAt = encoded)
        {
            nint keyContext;
            sound = DigestVerifyInit(context, &keyContext, DigestOf(scheme), 0, handle) == 1
                && (!IsPss(scheme) || (SetPadding(keyContext, PssPadding) == 1 && SetSaltLength(keyContext, SaltLengthOfDigest) == 1))
                && DigestVerify(context, signatureAt, (nuint)encoded.Length, signedAt, (nuint)signed.Length) == 1;
        }

        ContextFree(context);

        // A wrong signature leaves an error in the thread's queue, which would be taken for another's.
        if (!sound) ClearErrors();
        return sound;
    }

    protected override bool ReleaseHandle()
    {
        KeyFree(handle);
        return true;
    }

    private static bool IsPss(SignatureScheme scheme) =>
        scheme is SignatureScheme.RsaPssSha256 or SignatureScheme.RsaPssSha384 or SignatureScheme.RsaPssSha512;

    private static nint DigestOf(SignatureScheme scheme) => scheme switch
    {
        SignatureScheme.RsaSha256 or SignatureScheme.RsaPssSha256 or SignatureScheme.EcdsaSha256 => Sha256(),
        SignatureScheme.RsaSha384 or SignatureScheme.RsaPssSha384 or SignatureScheme.EcdsaSha384 => Sha384(),
        SignatureScheme.Ed25519 => 0,
        _ => Sha512(),
    };

    /// <summary>SEQUENCE of two INTEGERs (RFC 3279 section 2.2.3), each without leading zeros but positive.</summary>
    private static ReadOnlySpan<byte> ToDer(scoped ReadOnlySpan<byte> r, scoped ReadOnlySpan<byte> s, Span<byte> room)
    {
        int length = 2;
        length += WriteInteger(r, room[length..]);
        length += WriteInteger(s, room[length..]);
        room[0] = 0x30;
        room[1] = (byte)(length - 2);
        return room[..length];
    }

    private static int WriteInteger(ReadOnlySpan<byte> number, Span<byte> room)
    {
        number = number.TrimStart((byte)0);
        int sign = number.IsEmpty || number[0] >= 0x80 ? 1 : 0;
        room[0] = 2;
        room[1] = (byte)(number.Length + sign);
        room[2] = 0;
        number.CopyTo(room[(2 + sign)..]);
        return 2 + sign + number.Length;
    }

    [LibraryImport(Library, EntryPoint = "d2i_PUBKEY")]
    private static partial nint ReadPublicKey(nint reused, byte** bytes, nint length);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_free")]
    private static partial void KeyFree(nint key);

    [LibraryImport(Library, EntryPoint = "EVP_MD_CTX_new")]
    private static partial nint ContextNew();

    [LibraryImport(Library, EntryPoint = "EVP_MD_CTX_free")]
    private static partial void ContextFree(nint context);

    [LibraryImport(Library, EntryPoint = "EVP_DigestVerifyInit")]
    private static partial int DigestVerifyInit(nint context, nint* keyContext, nint digest, nint engine, nint key);

    [LibraryImport(Library, EntryPoint = "EVP_DigestVerify")]
    private static partial int DigestVerify(nint context, byte* signature, nuint signatureLength, byte* signed, nuint signedLength);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_set_rsa_padding")]
    private static partial int SetPadding(nint keyContext, int padding);

    [LibraryImport(Library, EntryPoint = "EVP_PKEY_CTX_set_rsa_pss_saltlen")]
    private static partial int SetSaltLength(nint keyContext, int length);

    [LibraryImport(Library, EntryPoint = "EVP_sha256")]
    private static partial nint Sha256();

    [LibraryImport(Library, EntryPoint = "EVP_sha384")]
    private static partial nint Sha384();

    [LibraryImport(Library, EntryPoint = "EVP_sha512")]
    private static partial nint Sha512();

    [LibraryImport(Library, EntryPoint = "ERR_clear_error")]
    private static partial void ClearErrors();
}

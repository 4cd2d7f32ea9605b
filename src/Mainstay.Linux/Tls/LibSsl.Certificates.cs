using System.Runtime.InteropServices;

namespace Mainstay.Linux.Tls;

/// <summary>The calls of OpenSSL 3 that read certificates, keys and revocation lists.</summary>
internal static unsafe partial class LibSsl
{
    internal const nuint FlagRevocationCheck = 0x4, FlagRevocationCheckAll = 0x8;

    [LibraryImport(Crypto, EntryPoint = "BIO_new_mem_buf")]
    internal static partial nint MemoryReader(byte* bytes, int length);

    [LibraryImport(Crypto, EntryPoint = "PEM_read_bio_X509")]
    internal static partial nint ReadCertificate(nint bio, nint* reuse, void* password, nint argument);

    [LibraryImport(Crypto, EntryPoint = "PEM_read_bio_X509_CRL")]
    internal static partial nint ReadRevocations(nint bio, nint* reuse, void* password, nint argument);

    [LibraryImport(Crypto, EntryPoint = "PEM_read_bio_PrivateKey")]
    internal static partial nint ReadKey(nint bio, nint* reuse, void* password, nint argument);

    [LibraryImport(Crypto, EntryPoint = "EVP_PKEY_free")]
    internal static partial void KeyFree(nint key);

    [LibraryImport(Crypto, EntryPoint = "X509_CRL_free")]
    internal static partial void RevocationsFree(nint list);

    [LibraryImport(Crypto, EntryPoint = "X509_get_subject_name")]
    internal static partial nint Subject(nint certificate);

    [LibraryImport(Crypto, EntryPoint = "X509_get_issuer_name")]
    internal static partial nint Issuer(nint certificate);

    [LibraryImport(Crypto, EntryPoint = "X509_get_serialNumber")]
    internal static partial nint Serial(nint certificate);

    [LibraryImport(Crypto, EntryPoint = "i2a_ASN1_INTEGER")]
    internal static partial int WriteNumber(nint bio, nint number);

    [LibraryImport(Crypto, EntryPoint = "X509_NAME_print_ex")]
    internal static partial int WriteName(nint bio, nint name, int indent, nuint flags);

    [LibraryImport(Crypto, EntryPoint = "X509_digest")]
    internal static partial int Digest(nint certificate, nint algorithm, byte* digest, uint* length);

    [LibraryImport(Crypto, EntryPoint = "EVP_sha256")]
    internal static partial nint Sha256();

    [LibraryImport(Crypto, EntryPoint = "BIO_s_mem")]
    internal static partial nint MemoryMethod();

    [LibraryImport(Crypto, EntryPoint = "BIO_ctrl")]
    internal static partial nint BioControl(nint bio, int command, nint number, void* pointer);

    [LibraryImport(Ssl, EntryPoint = "SSL_get1_session")]
    internal static partial nint Session(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_session")]
    internal static partial int SetSession(nint ssl, nint session);

    [LibraryImport(Ssl, EntryPoint = "SSL_SESSION_is_resumable")]
    internal static partial int IsResumable(nint session);

    [LibraryImport(Ssl, EntryPoint = "SSL_SESSION_free")]
    internal static partial void SessionFree(nint session);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_alpn_protos")]
    internal static partial int ContextSetProtocols(nint context, byte* list, uint length);

    /// <summary>ERR_GET_REASON: the low 23 bits, for errors that are not the system's.</summary>
    internal static int Reason(nuint code) => (int)(code & 0x7FFFFF);

    /// <summary>The first error of the TLS layer: in front of it may be those of the layers below, such as a signature that does not fit.</summary>
    internal static nuint TakeSslError()
    {
        const int LibraryShift = 23, LibraryMask = 0xFF, LibrarySsl = 20;
        nuint first = TakeError();
        for (nuint code = first; code != 0; code = TakeError())
            if ((int)((code >> LibraryShift) & LibraryMask) == LibrarySsl) return code;
        return first;
    }

    internal static string ReasonOf(nuint code)
    {
        string reason = Text(ReasonText(code));
        return reason.Length > 0 ? reason : $"OpenSSL error {code}";
    }
}

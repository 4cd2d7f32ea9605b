using System.Runtime.InteropServices;

namespace Mainstay.Linux.Tls;

/// <summary>The calls of OpenSSL 3 that a TLS client needs (man7). Missing libraries are found out by <see cref="Missing"/>.</summary>
internal static unsafe partial class LibSsl
{
    private const string Ssl = "libssl.so.3";
    private const string Crypto = "libcrypto.so.3";

    internal const int ErrorWantRead = 2, ErrorWantWrite = 3, ErrorSystemCall = 5, ErrorZeroReturn = 6;
    internal const int VerifyNone = 0, VerifyPeer = 1, VerifyOk = 0;
    internal const int ControlSetServerName = 55;
    internal const int OptionIgnoreUnexpectedEof = 1 << 7;

    /// <summary>Null when OpenSSL 3 is there; else what is missing and what to do.</summary>
    internal static readonly string? Missing = Find();

    private static string? Find() =>
        NativeLibrary.TryLoad(Crypto, out _) && NativeLibrary.TryLoad(Ssl, out _)
            ? null
            : "OpenSSL 3 is not installed: libssl.so.3 not found; install it with 'apt install libssl3' (Debian, Ubuntu) or 'dnf install openssl-libs'";

    [LibraryImport(Ssl, EntryPoint = "TLS_client_method")]
    internal static partial nint ClientMethod();

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_new")]
    internal static partial nint ContextNew(nint method);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_free")]
    internal static partial void ContextFree(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_default_verify_paths")]
    internal static partial int ContextSetDefaultVerifyPaths(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_verify")]
    internal static partial void ContextSetVerify(nint context, int mode, nint callback);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_options")]
    internal static partial ulong ContextSetOptions(nint context, ulong options);

    [LibraryImport(Ssl, EntryPoint = "SSL_new")]
    internal static partial nint New(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_free")]
    internal static partial void Free(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_fd")]
    internal static partial int SetDescriptor(nint ssl, int fd);

    [LibraryImport(Ssl, EntryPoint = "SSL_ctrl")]
    internal static partial nint Control(nint ssl, int command, nint number, byte* pointer);

    [LibraryImport(Ssl, EntryPoint = "SSL_set1_host")]
    internal static partial int SetExpectedHost(nint ssl, byte* name);

    [LibraryImport(Ssl, EntryPoint = "SSL_get0_param")]
    internal static partial nint VerifyParameters(nint ssl);

    [LibraryImport(Crypto, EntryPoint = "X509_VERIFY_PARAM_set1_ip_asc")]
    internal static partial int SetExpectedAddress(nint parameters, byte* address);

    [LibraryImport(Ssl, EntryPoint = "SSL_connect", SetLastError = true)]
    internal static partial int Connect(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_read", SetLastError = true)]
    internal static partial int Read(nint ssl, byte* buffer, int length);

    [LibraryImport(Ssl, EntryPoint = "SSL_write", SetLastError = true)]
    internal static partial int Write(nint ssl, byte* buffer, int length);

    [LibraryImport(Ssl, EntryPoint = "SSL_shutdown")]
    internal static partial int Shutdown(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_error")]
    internal static partial int GetError(nint ssl, int result);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_verify_result")]
    internal static partial nint VerifyResult(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get1_peer_certificate")]
    internal static partial nint PeerCertificate(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_version")]
    internal static partial byte* VersionText(nint ssl);

    [LibraryImport(Crypto, EntryPoint = "X509_free")]
    internal static partial void CertificateFree(nint certificate);

    [LibraryImport(Crypto, EntryPoint = "X509_get0_notAfter")]
    internal static partial nint NotAfter(nint certificate);

    [LibraryImport(Crypto, EntryPoint = "ASN1_TIME_diff")]
    internal static partial int TimeDifference(int* days, int* seconds, nint from, nint to);

    [LibraryImport(Crypto, EntryPoint = "X509_verify_cert_error_string")]
    internal static partial byte* VerifyErrorText(nint error);

    [LibraryImport(Crypto, EntryPoint = "ERR_clear_error")]
    internal static partial void ClearErrors();

    [LibraryImport(Crypto, EntryPoint = "ERR_get_error")]
    internal static partial nuint TakeError();

    [LibraryImport(Crypto, EntryPoint = "ERR_reason_error_string")]
    internal static partial byte* ReasonText(nuint error);

    internal static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}

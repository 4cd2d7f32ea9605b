using System.Runtime.InteropServices;

namespace Mainstay.Linux.Tls;

/// <summary>The calls of OpenSSL 3 that a TLS server needs. Callbacks get addresses of static functions.</summary>
internal static unsafe partial class LibSsl
{
    internal const int ErrorSsl = 1;
    internal const int VerifyFailIfNone = 2;

    // SSL_CTRL_* of ssl.h.
    internal const int ControlMode = 33, ControlSessionCache = 44, ControlReadAhead = 41;
    internal const int ControlServerNameArgument = 54, ControlStatusType = 65, ControlStatusResponse = 71;
    internal const int ControlStatusArgument = 64;
    internal const int ControlChainCertificate = 89, ControlGroups = 92, ControlMinVersion = 123, ControlMaxVersion = 124;

    // Of SSL_CTX_callback_ctrl.
    internal const int CallbackServerName = 53, CallbackStatus = 63;

    internal const long ModeReleaseBuffers = 0x10, ModeNoAutoChain = 0x8;
    internal const ulong OptionNoTicket = 1ul << 14, OptionNoCompression = 1ul << 17, OptionNoRenegotiation = 1ul << 30;
    internal const int SessionCacheOff = 0, SessionCacheClientNoStore = 0x1 | 0x200 | 0x100;

    // SSL_TLSEXT_ERR_*: what callbacks answer.
    internal const int ExtensionOk = 0, ExtensionFatal = 2, ExtensionNotAcknowledged = 3;
    internal const int AlertUnrecognizedName = 112;
    internal const int ServerNameHost = 0, StatusOcsp = 1;
    internal const int ExIndexContext = 1;

    [LibraryImport(Ssl, EntryPoint = "TLS_server_method")]
    internal static partial nint ServerMethod();

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_ctrl")]
    internal static partial nint ContextControl(nint context, int command, nint number, void* pointer);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_callback_ctrl")]
    internal static partial nint ContextCallback(nint context, int command, void* callback);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_ex_data")]
    internal static partial int ContextSetExtra(nint context, int index, nint value);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_get_ex_data")]
    internal static partial nint ContextExtra(nint context, int index);

    [LibraryImport(Crypto, EntryPoint = "CRYPTO_get_ex_new_index")]
    internal static partial int NewExtraIndex(int kind, nint number, nint pointer, nint create, nint duplicate, nint free);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_cipher_list")]
    internal static partial int ContextSetCiphers(nint context, byte* list);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_ciphersuites")]
    internal static partial int ContextSetSuites(nint context, byte* list);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_use_certificate")]
    internal static partial int ContextUseCertificate(nint context, nint certificate);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_use_PrivateKey")]
    internal static partial int ContextUseKey(nint context, nint key);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_check_private_key")]
    internal static partial int ContextCheckKey(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_session_id_context")]
    internal static partial int ContextSetSessionScope(nint context, byte* scope, uint length);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_timeout")]
    internal static partial nint ContextSetTimeout(nint context, nint seconds);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_num_tickets")]
    internal static partial int ContextSetTicketCount(nint context, nuint count);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_alpn_select_cb")]
    internal static partial void ContextSetProtocolChoice(nint context, void* callback, nint argument);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_set_tlsext_ticket_key_evp_cb")]
    internal static partial int ContextSetTicketKeys(nint context, void* callback);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_get_cert_store")]
    internal static partial nint ContextStore(nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_CTX_add_client_CA")]
    internal static partial int ContextAddClientAuthority(nint context, nint certificate);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_add_cert")]
    internal static partial int StoreAdd(nint store, nint certificate);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_add_crl")]
    internal static partial int StoreAddRevocations(nint store, nint list);

    [LibraryImport(Crypto, EntryPoint = "X509_STORE_set_flags")]
    internal static partial int StoreSetFlags(nint store, nuint flags);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_SSL_CTX")]
    internal static partial nint SetContext(nint ssl, nint context);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_SSL_CTX")]
    internal static partial nint Context(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_servername")]
    internal static partial byte* ServerName(nint ssl, int type);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_certificate")]
    internal static partial nint OwnCertificate(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_select_next_proto")]
    internal static partial int SelectProtocol(byte** selected, byte* selectedLength, byte* server, uint serverLength, byte* client, uint clientLength);

    [LibraryImport(Ssl, EntryPoint = "SSL_get0_alpn_selected")]
    internal static partial void SelectedProtocol(nint ssl, byte** name, uint* length);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_accept_state")]
    internal static partial void SetAcceptState(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_connect_state")]
    internal static partial void SetConnectState(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_do_handshake")]
    internal static partial int DoHandshake(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_session_reused")]
    internal static partial int IsResumed(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_has_pending")]
    internal static partial int HasPending(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_get_current_cipher")]
    internal static partial nint CurrentCipher(nint ssl);

    [LibraryImport(Ssl, EntryPoint = "SSL_CIPHER_get_name")]
    internal static partial byte* CipherName(nint cipher);

    [LibraryImport(Crypto, EntryPoint = "CRYPTO_malloc")]
    internal static partial void* Allocate(nuint size, byte* file, int line);

    [LibraryImport(Crypto, EntryPoint = "RAND_bytes")]
    internal static partial int Random(byte* buffer, int count);

    [LibraryImport(Crypto, EntryPoint = "EVP_CIPHER_fetch")]
    internal static partial nint FetchCipher(nint library, byte* name, byte* properties);

    [LibraryImport(Crypto, EntryPoint = "EVP_EncryptInit_ex")]
    internal static partial int EncryptInit(nint context, nint cipher, nint engine, byte* key, byte* iv);

    [LibraryImport(Crypto, EntryPoint = "EVP_DecryptInit_ex")]
    internal static partial int DecryptInit(nint context, nint cipher, nint engine, byte* key, byte* iv);

    [LibraryImport(Crypto, EntryPoint = "EVP_MAC_CTX_set_params")]
    internal static partial int MacSetParameters(nint context, Parameter* parameters);

    /// <summary>OSSL_PARAM of core.h.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Parameter
    {
        internal const uint Utf8 = 4, Octets = 5;

        internal byte* Key;
        internal uint Type;
        internal void* Value;
        internal nuint Size;
        internal nuint ReturnSize;
    }
}

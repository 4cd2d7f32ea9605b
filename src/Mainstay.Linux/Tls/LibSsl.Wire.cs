using System.Runtime.InteropServices;

namespace Mainstay.Linux.Tls;

/// <summary>The calls with which OpenSSL is given a transport of ours (BIO). None of the suppressed ones does more than look.</summary>
internal static unsafe partial class LibSsl
{
    internal const int BioSourceSink = 0x400;
    internal const int BioFlush = 11, BioEof = 2;
    internal const int BioRead = 0x01, BioWrite = 0x02, BioSpecial = 0x04, BioRetry = 0x08;

    [LibraryImport(Crypto, EntryPoint = "BIO_get_new_index")]
    internal static partial int BioNewIndex();

    [LibraryImport(Crypto, EntryPoint = "BIO_meth_new", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint BioMethodNew(int type, string name);

    [LibraryImport(Crypto, EntryPoint = "BIO_meth_set_read")]
    internal static partial int BioMethodSetRead(nint method, void* callback);

    [LibraryImport(Crypto, EntryPoint = "BIO_meth_set_write")]
    internal static partial int BioMethodSetWrite(nint method, void* callback);

    [LibraryImport(Crypto, EntryPoint = "BIO_meth_set_ctrl")]
    internal static partial int BioMethodSetControl(nint method, void* callback);

    [LibraryImport(Crypto, EntryPoint = "BIO_new")]
    internal static partial nint BioNew(nint method);

    [LibraryImport(Crypto, EntryPoint = "BIO_up_ref")]
    internal static partial int BioUpReference(nint bio);

    [LibraryImport(Crypto, EntryPoint = "BIO_free")]
    internal static partial int BioFree(nint bio);

    [LibraryImport(Crypto, EntryPoint = "BIO_set_init")]
    internal static partial void BioSetInit(nint bio, int isReady);

    [LibraryImport(Crypto, EntryPoint = "BIO_set_data")]
    internal static partial void BioSetData(nint bio, void* pointer);

    [LibraryImport(Crypto, EntryPoint = "BIO_get_data")]
    [SuppressGCTransition]
    internal static partial void* BioData(nint bio);

    [LibraryImport(Crypto, EntryPoint = "BIO_set_flags")]
    [SuppressGCTransition]
    internal static partial void BioSetFlags(nint bio, int flags);

    [LibraryImport(Crypto, EntryPoint = "BIO_clear_flags")]
    [SuppressGCTransition]
    internal static partial void BioClearFlags(nint bio, int flags);

    [LibraryImport(Ssl, EntryPoint = "SSL_set_bio")]
    internal static partial void SetTransport(nint ssl, nint input, nint output);
}

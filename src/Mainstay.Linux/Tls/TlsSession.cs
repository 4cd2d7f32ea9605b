namespace Mainstay.Linux.Tls;

/// <summary>What a client keeps of a session to take it up again at the same server. Used by one thread; freed by it or when forgotten.</summary>
public sealed class TlsSession : IDisposable
{
    internal TlsSession(nint handle) => Handle = handle;

    ~TlsSession() => Free();

    internal nint Handle { get; private set; }

    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private void Free()
    {
        if (Handle == 0) return;
        LibSsl.SessionFree(Handle);
        Handle = 0;
    }
}

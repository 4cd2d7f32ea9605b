namespace Mainstay.Linux.Tls;

/// <summary>The client's side.</summary>
public sealed unsafe partial class TlsConnection
{
    /// <summary>Begins with a connection to a server.</summary>
    /// <param name="name">Asked for and expected; null = nothing but the chain is verified.</param>
    /// <param name="resume">A session to take up again, if the server agrees.</param>
    public void Connect(TlsTransport transport, TlsClientContext context, int descriptor, TlsServerName? name, TlsSession? resume)
    {
        Begin(transport, context, context.Handle, descriptor);
        name?.ApplyTo(_ssl, context.Verifies);
        if (resume is { Handle: not 0 }) _ = LibSsl.SetSession(_ssl, resume.Handle);
        LibSsl.SetConnectState(_ssl);
    }

    /// <summary>
    /// The session as it can be taken up later, or null. With TLS 1.3 there is one only when the server's ticket has come: after the first
    /// response.
    /// </summary>
    public TlsSession? KeepSession()
    {
        if (_isBroken || !IsShaken) return null;
        nint session = LibSsl.Session(_ssl);
        if (session == 0) return null;
        if (LibSsl.IsResumable(session) == 1) return new TlsSession(session);
        LibSsl.SessionFree(session);
        return null;
    }
}

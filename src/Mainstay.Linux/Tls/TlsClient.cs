using System.Runtime.InteropServices;
using System.Text;
using Mainstay.Core.Net;

namespace Mainstay.Linux.Tls;

/// <summary>How far a TLS call came.</summary>
public enum TlsProgress
{
    Done,
    WantRead,
    WantWrite,

    /// <summary>The peer has ended the conversation.</summary>
    Closed,

    /// <summary>See <see cref="TlsClientSession.Problem"/>.</summary>
    Failed,

    /// <summary>The certificate does not verify; see <see cref="TlsClientSession.Problem"/>.</summary>
    Untrusted,
}

/// <summary>TLS over one connected, non-blocking descriptor, which it does not own.</summary>
public sealed unsafe class TlsClientSession : IDisposable
{
    private readonly bool _verifies;
    private nint _ssl;
    private bool _isBroken;

    /// <param name="serverName">Asked for (SNI) and verified; null = none, then nothing but the chain can be verified.</param>
    public TlsClientSession(TlsClientContext context, int descriptor, string? serverName)
    {
        _verifies = context.Verifies;
        _ssl = LibSsl.New(context.Handle);
        if (_ssl == 0) throw new InvalidOperationException("SSL_new failed: out of memory");
        _ = LibSsl.SetDescriptor(_ssl, descriptor);
        if (serverName is not null) SetName(serverName);
    }

    ~TlsClientSession() => Free();

    /// <summary>Why the last call failed.</summary>
    public string Problem { get; private set; } = "";

    /// <summary>As OpenSSL names it: TLSv1.3.</summary>
    public string Version => LibSsl.Text(LibSsl.VersionText(_ssl));

    public TlsProgress Handshake()
    {
        LibSsl.ClearErrors();
        return Judge(LibSsl.Connect(_ssl));
    }

    public TlsProgress Read(Span<byte> buffer, out int count)
    {
        LibSsl.ClearErrors();
        fixed (byte* start = buffer) count = LibSsl.Read(_ssl, start, buffer.Length);
        return Judge(count);
    }

    public TlsProgress Write(ReadOnlySpan<byte> buffer, out int count)
    {
        LibSsl.ClearErrors();
        fixed (byte* start = buffer) count = LibSsl.Write(_ssl, start, buffer.Length);
        return Judge(count);
    }

    /// <summary>Time until the peer's certificate ends, negative when it has; null when it showed none.</summary>
    public TimeSpan? CertificateLeft()
    {
        nint certificate = LibSsl.PeerCertificate(_ssl);
        if (certificate == 0) return null;
        int days, seconds;
        int isRead = LibSsl.TimeDifference(&days, &seconds, 0, LibSsl.NotAfter(certificate));
        LibSsl.CertificateFree(certificate);
        return isRead == 1 ? TimeSpan.FromDays(days) + TimeSpan.FromSeconds(seconds) : null;
    }

    /// <summary>Says close_notify, if the peer still listens, and frees the session.</summary>
    public void Dispose()
    {
        if (_ssl != 0 && !_isBroken)
        {
            LibSsl.ClearErrors();
            _ = LibSsl.Shutdown(_ssl);
            LibSsl.ClearErrors();
        }

        Free();
        GC.SuppressFinalize(this);
    }

    private void SetName(string name)
    {
        byte[] text = Encoding.UTF8.GetBytes(name + "\0");
        fixed (byte* start = text)
        {
            // RFC 6066 section 3: an address is no server name.
            if (NetAddress.TryParse(name, out _))
            {
                _ = LibSsl.SetExpectedAddress(LibSsl.VerifyParameters(_ssl), start);
                return;
            }

            _ = LibSsl.Control(_ssl, LibSsl.ControlSetServerName, 0, start);
            if (_verifies) _ = LibSsl.SetExpectedHost(_ssl, start);
        }
    }

    private TlsProgress Judge(int result)
    {
        if (result > 0) return TlsProgress.Done;
        int error = LibSsl.GetError(_ssl, result);
        switch (error)
        {
            case LibSsl.ErrorWantRead: return TlsProgress.WantRead;
            case LibSsl.ErrorWantWrite: return TlsProgress.WantWrite;
            case LibSsl.ErrorZeroReturn: return TlsProgress.Closed;
        }

        _isBroken = true; // SSL_shutdown(3): not after a fatal error
        int errno = Marshal.GetLastPInvokeError();
        nint verdict = LibSsl.VerifyResult(_ssl);
        if (_verifies && verdict != LibSsl.VerifyOk)
        {
            Problem = LibSsl.Text(LibSsl.VerifyErrorText(verdict));
            return TlsProgress.Untrusted;
        }

        nuint code = LibSsl.TakeError();
        if (error == LibSsl.ErrorSystemCall && code == 0)
        {
            if (errno == 0 || result == 0) return TlsProgress.Closed;
            Problem = ((Errno)errno).Describe();
            return TlsProgress.Failed;
        }

        string reason = LibSsl.Text(LibSsl.ReasonText(code));
        Problem = reason.Length > 0 ? reason : $"OpenSSL error {code}";
        return code != 0 && reason.Contains("unexpected eof", StringComparison.Ordinal) ? TlsProgress.Closed : TlsProgress.Failed;
    }

    private void Free()
    {
        if (_ssl == 0) return;
        LibSsl.Free(_ssl);
        _ssl = 0;
    }
}
